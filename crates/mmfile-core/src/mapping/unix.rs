//! POSIX shared memory. `shared_memory` makes and maps the objects; what it has no call for is done
//! on a second descriptor of the same object: reserving the memory, checking whose it is, and the
//! advisory lock that tells who is alive.

use super::{Access, Backing, Identity, Mapping, Region};
use crate::error::{Error, OsError, Result};
use shared_memory::{Shmem, ShmemConf, ShmemError};
use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::{self, NonNull};

/// An open descriptor of a named object. Whoever keeps one [`shared`](Object::share) counts as
/// alive until the kernel closes it, however the process ends.
#[derive(Debug)]
pub(crate) struct Object {
    fd: OwnedFd,
    identity: Identity,
}

/// Facts about an object, from one `fstat`.
struct Status {
    identity: Identity,
    size: u64,
    links: u64,
}

/// The user on whose behalf this process acts; objects of any other are not touched.
pub(crate) fn current_user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Makes an object that nobody has yet, reserves its memory and maps it.
///
/// The name is taken away again when anything after its creation fails.
pub(crate) fn create_named(name: &str, size: u64, id: &str) -> Result<(Object, Mapping)> {
    let no_space = |os| Error::NoSpace { needed: format!("{size} bytes of shared memory"), os };
    let Ok(length) = usize::try_from(size) else { return Err(no_space(None)) };
    if isize::try_from(size).is_err() || !reserve::is_plausible(size) {
        return Err(no_space(None));
    }
    let mut shmem =
        ShmemConf::new().os_id(path_of(name)).size(length).create().map_err(|e| match e {
            ShmemError::MappingIdExists => Error::Exists { id: id.into() },
            other => from_shmem(other, "shm_open", id, size),
        })?;
    // While it owns the object, dropping `shmem` takes the name away: right until all is done.
    let object = Object::open(name, Access::ReadWrite, id)?;
    reserve::allocate(&object.fd, size).map_err(|os| no_space(Some(os)))?;
    shmem.set_owner(false);
    match from_shmem_mapping(shmem, length) {
        Some(mapping) => Ok((object, mapping)),
        None => {
            object.unlink_if_same(name);
            Err(no_space(None))
        }
    }
}

/// Opens and maps an object of this user, of exactly `size` bytes where that is known.
///
/// The mapping is of the very object that `object` is open on, even if the name has moved on.
pub(crate) fn open_named(name: &str, object: &Object, access: Access, id: &str) -> Result<Mapping> {
    let size = object.size()?;
    let Ok(length) = usize::try_from(size) else {
        return Err(Error::Unsupported { what: "a file larger than the address space" });
    };
    if length == 0 {
        return Err(Error::NotFound { id: id.into() });
    }
    if access == Access::Read {
        return OwnMapping::map(&object.fd, length, libc::PROT_READ, libc::MAP_SHARED);
    }
    let shmem = ShmemConf::new()
        .os_id(path_of(name))
        .open()
        .map_err(|e| from_shmem(e, "shm_open", id, size))?;
    // `shared_memory` opened the name again: it must still be the object that was checked. The
    // name cannot come back to that object once it has left it, so one look afterwards is enough.
    if Object::open(name, access, id)?.identity != object.identity {
        return Err(Error::NotFound { id: id.into() });
    }
    from_shmem_mapping(shmem, length).ok_or_else(|| Error::NotFound { id: id.into() })
}

fn from_shmem_mapping(shmem: Shmem, length: usize) -> Option<Mapping> {
    let base = NonNull::new(shmem.as_ptr())?;
    if shmem.len() < length {
        return None;
    }
    // SAFETY: `shmem` keeps at least `length` readable and writable bytes at a page boundary mapped
    // for as long as it lives, and it is moved into the mapping that the region belongs to.
    let region = unsafe { Region::new(base, length) };
    Some(Mapping { region, _backing: Backing::Shmem(shmem) })
}

fn path_of(name: &str) -> String {
    format!("/{name}")
}

fn from_shmem(error: ShmemError, syscall: &'static str, id: &str, size: u64) -> Error {
    let errno = match error {
        ShmemError::MapCreateFailed(n)
        | ShmemError::MapOpenFailed(n)
        | ShmemError::UnknownOsError(n) => i32::try_from(n).unwrap_or(0),
        _ => 0,
    };
    from_errno(OsError { syscall, errno }, id, size)
}

/// The error that an OS error number means to a caller who wanted `size` bytes of `id`.
fn from_errno(os: OsError, id: &str, size: u64) -> Error {
    let id = id.to_owned();
    match os.errno {
        libc::ENOENT => Error::NotFound { id },
        libc::EEXIST => Error::Exists { id },
        libc::ENOMEM | libc::ENOSPC | libc::EFBIG | libc::EOVERFLOW | libc::EDQUOT => {
            Error::NoSpace { needed: format!("{size} bytes of shared memory"), os: Some(os) }
        }
        libc::EMFILE | libc::ENFILE => {
            Error::NoSpace { needed: "another file descriptor".into(), os: Some(os) }
        }
        libc::ELOOP | libc::EISDIR | libc::EINVAL | libc::ENXIO => {
            Error::Access { id, reason: "something else stands at its name", os: Some(os) }
        }
        _ => Error::Access { id, reason: "the system refuses it", os: Some(os) },
    }
}

impl Object {
    /// Opens the object of that name, if it is a shared memory object of this user and of nobody
    /// else's making.
    pub(crate) fn open(name: &str, access: Access, id: &str) -> Result<Self> {
        let flags = if access == Access::Read { libc::O_RDONLY } else { libc::O_RDWR };
        Self::open_with(name, flags, id)
    }

    /// As [`Object::open`], making an empty one where there is none.
    pub(crate) fn open_or_create(name: &str, id: &str) -> Result<Self> {
        Self::open_with(name, libc::O_RDWR | libc::O_CREAT, id)
    }

    fn open_with(name: &str, flags: i32, id: &str) -> Result<Self> {
        let refuse = |reason| Error::Access { id: id.into(), reason, os: None };
        let path = CString::new(path_of(name)).map_err(|_| refuse("its name is no name"))?;
        let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK;
        let raw = retry(|| {
            // SAFETY: `path` is a NUL-terminated string that outlives the call.
            unsafe { libc::shm_open(path.as_ptr(), flags, 0o600) }
        })
        .map_err(|errno| from_errno(OsError { syscall: "shm_open", errno }, id, 0))?;
        // SAFETY: a descriptor that was opened just now and belongs to nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(raw) };
        let stat = fstat(&fd)?;
        if stat.st_uid != current_user() {
            return Err(refuse("it belongs to another user"));
        }
        if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
            return Err(refuse("something else stands at its name"));
        }
        if stat.st_mode & 0o077 != 0 {
            return Err(refuse("its permissions let other users in"));
        }
        let identity = identity_of(&stat);
        Ok(Self { fd, identity })
    }

    /// What tells this object from any other.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Its size in bytes, now.
    pub(crate) fn size(&self) -> Result<u64> {
        Ok(self.status()?.size)
    }

    /// Whether its name still leads to it.
    pub(crate) fn is_linked(&self) -> bool {
        self.status().is_ok_and(|status| status.links > 0)
    }

    fn status(&self) -> Result<Status> {
        let stat = fstat(&self.fd)?;
        Ok(Status {
            identity: identity_of(&stat),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            links: stat.st_nlink,
        })
    }

    /// Counts as alive from now on. `false` if somebody has it exclusively at this moment.
    pub(crate) fn share(&self) -> Result<bool> {
        self.flock(libc::LOCK_SH)
    }

    /// Takes the object for this descriptor alone. `false` if anybody else is alive.
    pub(crate) fn try_exclusive(&self) -> Result<bool> {
        self.flock(libc::LOCK_EX)
    }

    /// Counts as alive no more.
    pub(crate) fn unshare(&self) {
        // SAFETY: the descriptor is open for as long as `self` lives. It can only fail for arguments
        // that are wrong, and closing the descriptor does the same.
        unsafe { libc::flock(self.fd.as_raw_fd(), libc::LOCK_UN) };
    }

    fn flock(&self, operation: i32) -> Result<bool> {
        let done = retry(|| {
            // SAFETY: the descriptor is open for as long as `self` lives.
            unsafe { libc::flock(self.fd.as_raw_fd(), operation | libc::LOCK_NB) }
        });
        match done {
            Ok(_) => Ok(true),
            Err(libc::EWOULDBLOCK) => Ok(false),
            Err(errno) => Err(Error::NoSpace {
                needed: "an advisory lock".into(),
                os: Some(OsError { syscall: "flock", errno }),
            }),
        }
    }

    /// Takes the name away if it still leads to this object.
    ///
    /// Whoever calls holds the registry's lock, so that nobody makes a new object in between.
    pub(crate) fn unlink_if_same(&self, name: &str) -> bool {
        let same = Self::open(name, Access::Read, name)
            .and_then(|there| there.status())
            .is_ok_and(|status| status.identity == self.identity);
        same && unlink(name)
    }
}

/// Takes a name away, whatever it leads to.
pub(crate) fn unlink(name: &str) -> bool {
    let Ok(path) = CString::new(path_of(name)) else { return false };
    // SAFETY: a NUL-terminated string that outlives the call.
    unsafe { libc::shm_unlink(path.as_ptr()) == 0 }
}

fn fstat(fd: &OwnedFd) -> Result<libc::stat> {
    // SAFETY: an all-zero `stat` is a valid value of that plain struct.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and `stat` is writable.
    if unsafe { libc::fstat(fd.as_raw_fd(), &raw mut stat) } == 0 {
        return Ok(stat);
    }
    let os = Some(OsError::last("fstat"));
    Err(Error::Access { id: "shared memory".into(), reason: "the system refuses it", os })
}

fn identity_of(stat: &libc::stat) -> Identity {
    Identity { device: stat.st_dev, inode: stat.st_ino }
}

/// Repeats a call that a signal interrupted; the error number of one that failed.
fn retry(mut call: impl FnMut() -> i32) -> std::result::Result<i32, i32> {
    loop {
        let result = call();
        if result >= 0 {
            return Ok(result);
        }
        match OsError::last("").errno {
            libc::EINTR => {}
            errno => return Err(errno),
        }
    }
}

/// A mapping of our own, for what `shared_memory` cannot be asked for: one without write access.
pub(super) struct OwnMapping {
    base: NonNull<u8>,
    length: usize,
}

impl OwnMapping {
    fn map(fd: &OwnedFd, length: usize, protection: i32, flags: i32) -> Result<Mapping> {
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let base =
            unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, fd.as_raw_fd(), 0) };
        let own = match NonNull::new(base.cast::<u8>()) {
            Some(base) if base.as_ptr().cast() != libc::MAP_FAILED => Self { base, length },
            _ => {
                return Err(Error::NoSpace {
                    needed: format!("{length} bytes of address space"),
                    os: Some(OsError::last("mmap")),
                });
            }
        };
        // SAFETY: `own` keeps `length` bytes at a page boundary mapped for as long as the mapping
        // lives; nothing writes through the region of a handle that may only read.
        let region = unsafe { Region::new(own.base, length) };
        Ok(Mapping { region, _backing: Backing::Own(own) })
    }
}

/// A second mapping of an object that may be written to without changing it: for views that a reader
/// hands out, which a program could otherwise crash by writing to them.
pub(crate) fn map_copy_on_write(object: &Object) -> Result<Mapping> {
    let length = usize::try_from(object.size()?)
        .map_err(|_| Error::Unsupported { what: "a file larger than the address space" })?;
    let flags = libc::MAP_PRIVATE | libc::MAP_NORESERVE;
    OwnMapping::map(&object.fd, length, libc::PROT_READ | libc::PROT_WRITE, flags)
}

impl Drop for OwnMapping {
    fn drop(&mut self) {
        // SAFETY: exactly what `mmap` gave, unmapped once; nothing refers to it any more, since the
        // region lives in the same `Mapping`.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.length) };
    }
}

/// Memory that is really there when it is written to, instead of a bus error.
mod reserve {
    use super::{AsRawFd, OsError, OwnedFd};

    /// Below this size the look at the free memory costs more than it can save.
    const WORTH_A_LOOK: u64 = 16 << 20;

    /// Whether it makes sense to ask at all: filling the machine's last page on the way to a refusal
    /// would get this process or another killed.
    pub(super) fn is_plausible(size: u64) -> bool {
        if size < WORTH_A_LOOK {
            return true;
        }
        let Ok(info) = std::fs::read_to_string("/proc/meminfo") else { return true };
        let field = |name: &str| -> u64 {
            info.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())
                .unwrap_or(0)
                .saturating_mul(1024)
        };
        size <= field("MemAvailable").saturating_add(field("SwapFree"))
    }

    pub(super) fn allocate(fd: &OwnedFd, size: u64) -> Result<(), OsError> {
        let syscall = "posix_fallocate";
        let Ok(length) = libc::off_t::try_from(size) else {
            return Err(OsError { syscall, errno: libc::EFBIG });
        };
        if let Some(free) = free_bytes(fd)
            && size > free
        {
            return Err(OsError { syscall, errno: libc::ENOSPC });
        }
        loop {
            // SAFETY: the descriptor is open; the call touches no memory of ours.
            match unsafe { libc::posix_fallocate(fd.as_raw_fd(), 0, length) } {
                0 => return Ok(()),
                libc::EINTR => {}
                errno => return Err(OsError { syscall, errno }),
            }
        }
    }

    /// What the file system of `fd` has left. Asked first, since the refusal of a size that is far
    /// too large would otherwise come only after everything that is free has been filled.
    fn free_bytes(fd: &OwnedFd) -> Option<u64> {
        // SAFETY: an all-zero `statvfs` is a valid value of that plain struct.
        let mut status: libc::statvfs = unsafe { std::mem::zeroed() };
        // SAFETY: the descriptor is open, and `status` is writable.
        if unsafe { libc::fstatvfs(fd.as_raw_fd(), &raw mut status) } != 0 || status.f_blocks == 0 {
            return None; // a tmpfs without a limit says 0 of 0
        }
        Some(status.f_bavail.saturating_mul(status.f_frsize))
    }
}

/// The names of all objects that start with `prefix`, of whichever user.
#[cfg(target_os = "linux")]
pub(crate) fn list_named(prefix: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/dev/shm") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .collect()
}
