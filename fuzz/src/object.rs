//! Objects in shared memory as any program can make them, without the library.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;

pub(crate) const CONTROL_SIZE: u64 = 4096;
/// The control block begins at a multiple of it.
pub(crate) const ALIGNMENT: u64 = 4096;
/// The offset of the changing part of a control block: the lock, the end, the intent.
pub(crate) const PROTOCOL: usize = 0x080;
const STATE: usize = 0x00c;
pub(crate) const CAPACITY: usize = 0x020;
const LOCK: usize = 0x080;
const LOCK_HOLDER: usize = 0x0b8;
/// Magic, version, architecture, C library, process namespace: as a program of this machine writes them.
pub(crate) const DESCRIBED: [std::ops::Range<usize>; 3] =
    [0x000..0x00c, 0x010..0x018, 0x030..0x038];

/// Where the control block of an object with that capacity begins.
pub(crate) fn control_offset(capacity: u64) -> u64 {
    (capacity + 4).next_multiple_of(ALIGNMENT)
}

/// A mapped object. Its name goes with it, and with it open it counts as alive.
pub(crate) struct Object {
    name: String,
    /// Has the lock.
    _file: File,
    base: *mut u8,
    len: usize,
    owned: bool,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from("/dev/shm").join(name)
}

pub(crate) fn unlink(name: &str) {
    let _ = std::fs::remove_file(path(name));
}

impl Object {
    pub(crate) fn create(name: &str, size: u64) -> Self {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(path(name)).expect("a place in shared memory");
        file.set_len(size).expect("room in shared memory");
        join(&file);
        Self::map(name, file, true)
    }

    pub(crate) fn open(name: &str) -> Self {
        let file = File::options().read(true).write(true).open(path(name)).expect("it is there");
        Self::map(name, file, false)
    }

    fn map(name: &str, file: File, owned: bool) -> Self {
        let len = usize::try_from(file.metadata().expect("its size").len()).expect("it is small");
        let mut base = std::ptr::null_mut();
        if len > 0 {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: a new mapping at an address of the kernel's choice.
            base =
                unsafe { libc::mmap(base, len, protection, libc::MAP_SHARED, file.as_raw_fd(), 0) };
            assert_ne!(base, libc::MAP_FAILED);
        }
        Self { name: name.to_owned(), _file: file, base: base.cast(), len, owned }
    }

    /// Where its control block is, or would be.
    pub(crate) fn control(&self) -> usize {
        self.len.saturating_sub(CONTROL_SIZE as usize)
    }

    /// As many of the bytes as there is room for.
    pub(crate) fn put(&self, offset: usize, bytes: &[u8]) {
        let count = bytes.len().min(self.len.saturating_sub(offset));
        if count > 0 {
            // SAFETY: inside the mapping, which others change at the same time: a raw copy.
            unsafe { std::ptr::copy(bytes.as_ptr(), self.base.add(offset), count) };
        }
    }

    /// The eight bytes there; zeros where there are fewer.
    pub(crate) fn get(&self, offset: usize) -> [u8; 8] {
        let mut bytes = [0; 8];
        let count = bytes.len().min(self.len.saturating_sub(offset));
        if count > 0 {
            // SAFETY: inside the mapping, as in `put`.
            unsafe { std::ptr::copy(self.base.add(offset), bytes.as_mut_ptr(), count) };
        }
        bytes
    }

    /// Makes those parts of a control block believable that `parts` names, bit by bit.
    pub(crate) fn describe(&self, parts: u8, capacity: u64) {
        let put = |offset, bytes: &[u8]| self.put(self.control() + offset, bytes);
        if parts & 1 == 0 {
            let true_one = real();
            for range in DESCRIBED {
                put(range.start, &true_one[range]);
            }
        }
        if parts & 2 == 0 {
            put(STATE, &1u32.to_le_bytes());
        }
        if parts & 4 == 0 {
            put(CAPACITY, &capacity.to_le_bytes());
        }
        if parts & 8 == 0 {
            put(LOCK_HOLDER, &[0; 8]);
        }
        if parts & 16 == 0 {
            put(LOCK, &[0; 4]);
        }
        if parts & 64 == 0 {
            put(0x018, &[0; 4]); // a file in memory, and not a mutex
        }
    }
}

/// The first bytes of a control block that the library made on this machine.
pub(crate) fn real() -> &'static [u8; 0x40] {
    static REAL: OnceLock<[u8; 0x40]> = OnceLock::new();
    REAL.get_or_init(|| {
        let file = mmfile_core::MmFile::create_new(4, &mmfile_core::CreateOptions::default())
            .expect("room for a small file");
        let name = format!("{}{}", mmfile_core::Prefixes::default().data(), file.id());
        let bytes = std::fs::read(path(&name)).expect("its object");
        let control = bytes.len() - CONTROL_SIZE as usize;
        bytes[control..control + 0x40].try_into().expect("as many")
    })
}

/// Locks a byte of a handle, as a living process does that has an object open.
fn join(file: &File) {
    // SAFETY: an all-zero `flock` is a valid value of that plain struct.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_RDLCK as libc::c_short;
    lock.l_start = (1 << 60) + 1;
    lock.l_len = 1;
    // SAFETY: the descriptor is open, and the lock outlives the call.
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) }, 0);
}

impl Drop for Object {
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: exactly what was mapped.
            unsafe { libc::munmap(self.base.cast(), self.len) };
        }
        if self.owned {
            unlink(&self.name);
        }
    }
}
