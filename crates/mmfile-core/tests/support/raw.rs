//! The bytes of a shared object as any program sees them, and a second opinion about their meaning:
//! nothing here uses the library.

use super::platform;
use mmfile_core::Prefixes;
use std::time::Duration;

/// Where the control block keeps things, as docs/memory-layout.md has it.
pub const OFF_VERSION: usize = 0x008;
pub const OFF_STATE: usize = 0x00c;
pub const OFF_ARCHITECTURE: usize = 0x010;
pub const OFF_C_LIBRARY: usize = 0x014;
pub const OFF_FLAGS: usize = 0x018;
pub const OFF_CREATOR_PID: usize = 0x01c;
pub const OFF_CAPACITY: usize = 0x020;
/// The number of the handle that created it.
pub const OFF_CREATOR: usize = 0x028;
/// The PID namespace that it was made in.
pub const OFF_NAMESPACE: usize = 0x030;
pub const OFF_CREATED_AT: usize = 0x038;
pub const OFF_LOCK: usize = 0x080;
/// Where in it the C library keeps the word with the holder's thread id.
pub const OFF_LOCK_WORD: usize = if cfg!(target_env = "musl") { OFF_LOCK + 4 } else { OFF_LOCK };
/// The number of the handle that holds the lock.
pub const OFF_LOCK_HOLDER: usize = 0x0b8;
pub const OFF_TAIL: usize = 0x0c0;
pub const OFF_COUNT: usize = 0x0c8;
pub const OFF_WAKE: usize = 0x0d0;
pub const OFF_STATUS: usize = 0x0d4;
pub const OFF_INTENT_BASE: usize = 0x100;
/// The table of participants: as many rows as fit, each of so many bytes.
pub const OFF_PARTICIPANTS: usize = 0x400;
pub const PARTICIPANT_SIZE: usize = 32;
pub const CONTROL_SIZE: usize = 4096;

pub const STATE_READY: u32 = 1;
pub const STATE_ENDED: u32 = 2;

pub const EMPTY: u32 = 0x8000_0000;
pub const SEAL: u32 = 0xffff_ffff;

/// A writable mapping of an object, or of a part of it.
pub struct Raw {
    mapping: (*mut u8, usize),
    base: *mut u8,
    len: usize,
}

// SAFETY: plain shared memory, accessed with raw copies only.
unsafe impl Send for Raw {}
// SAFETY: as above.
unsafe impl Sync for Raw {}

impl Raw {
    /// The bytes that a file's segments may take.
    pub fn data(prefixes: &Prefixes, id: &str) -> Self {
        let capacity = Self::control(prefixes, id).long(OFF_CAPACITY);
        let object = Self::open(&format!("{}{id}", prefixes.data()));
        object.part(0, usize::try_from(capacity).unwrap())
    }

    /// A file's control block: a separate object on Windows, elsewhere the end of the data's object.
    pub fn control(prefixes: &Prefixes, id: &str) -> Self {
        match cfg!(windows) {
            true => Self::open(&format!("{}{id}~control", prefixes.mutex())),
            false => Self::open(&format!("{}{id}", prefixes.data())).end(),
        }
    }

    /// A mutex's control block.
    pub fn mutex(prefix: &str, name: &str) -> Self {
        Self::open(&format!("{prefix}{name}{}", if cfg!(windows) { "~control" } else { "" })).end()
    }

    /// A whole object.
    pub fn open(name: &str) -> Self {
        Self::mapped(platform::map_named(name))
    }

    /// A new object of that size, which the caller removes again.
    pub fn create(name: &str, len: u64) -> Self {
        Self::mapped(platform::create_named(name, len))
    }

    pub(super) fn mapped(mapping: (*mut u8, usize)) -> Self {
        Self { mapping, base: mapping.0, len: mapping.1 }
    }

    /// Its last bytes, as many as a control block has.
    pub fn end(self) -> Self {
        let at = self.len.checked_sub(CONTROL_SIZE).expect("room for a control block");
        self.part(at, CONTROL_SIZE)
    }

    /// A part of it.
    pub fn part(mut self, offset: usize, len: usize) -> Self {
        assert!(offset + len <= self.len);
        // SAFETY: inside the mapping.
        self.base = unsafe { self.base.add(offset) };
        self.len = len;
        self
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset < self.len);
        // SAFETY: inside the mapping.
        unsafe { self.base.add(offset) }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0u8; self.len];
        // SAFETY: as many bytes as are mapped go into a vector of that size.
        unsafe { std::ptr::copy(self.base, bytes.as_mut_ptr(), self.len) };
        bytes
    }

    pub fn put(&self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.len);
        // SAFETY: inside the mapping.
        unsafe { std::ptr::copy(bytes.as_ptr(), self.base.add(offset), bytes.len()) };
    }

    pub fn word(&self, offset: usize) -> u32 {
        assert!(offset + 4 <= self.len);
        // SAFETY: inside the mapping.
        unsafe { self.base.add(offset).cast::<u32>().read_volatile() }
    }

    pub fn long(&self, offset: usize) -> u64 {
        assert!(offset + 8 <= self.len);
        // SAFETY: inside the mapping.
        unsafe { self.base.add(offset).cast::<u64>().read_volatile() }
    }

    pub fn set_word(&self, offset: usize, word: u32) {
        assert!(offset + 4 <= self.len);
        // SAFETY: inside the mapping; the word may be unaligned.
        unsafe { self.base.add(offset).cast::<u32>().write_unaligned(word) };
    }

    /// Appends as the article does: the size word, then the bytes, and nothing behind them.
    pub fn append_foreign(&self, bytes: &[u8]) {
        let at = frames(&self.bytes()).end;
        assert!(at + 4 + bytes.len() <= self.len);
        let word = if bytes.is_empty() { EMPTY } else { u32::try_from(bytes.len()).unwrap() };
        self.set_word(at, word);
        self.put(at + 4, bytes);
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let (base, len) = self.mapping;
        // SAFETY: exactly what was mapped, and every access goes through `self`.
        unsafe { platform::unmap(base, len) };
    }
}

/// Returns once a thread waits for the lock in that control block, and others may have come, too.
pub fn wait_for_queue(control: &Raw) {
    if cfg!(windows) {
        return std::thread::sleep(Duration::from_millis(20)); // only the kernel knows there
    }
    let is_waited_for = || match cfg!(any(target_os = "macos", mmfile_portable)) {
        true => control.word(OFF_LOCK + 8) != 0,
        false => control.word(OFF_LOCK_WORD) & 0x8000_0000 != 0,
    };
    for _ in 0..50_000 {
        std::thread::sleep(Duration::from_micros(200));
        if is_waited_for() {
            return std::thread::sleep(Duration::from_millis(1));
        }
    }
    panic!("no thread comes to wait");
}

/// The contents of a file's bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Frames {
    pub segments: Vec<Vec<u8>>,
    /// Behind the last segment.
    pub end: usize,
    pub sealed: bool,
}

/// Reads all frames from the first byte on. Panics at a word that no writer writes.
pub fn frames(bytes: &[u8]) -> Frames {
    let mut frames = Frames { segments: Vec::new(), end: 0, sealed: false };
    while frames.end + 4 <= bytes.len() {
        let word = u32::from_le_bytes(bytes[frames.end..frames.end + 4].try_into().unwrap());
        let size = match word {
            0 => break,
            SEAL => {
                frames.sealed = true;
                break;
            }
            EMPTY => 0,
            size => size as usize,
        };
        let start = frames.end + 4;
        assert!(size < 1 << 31 && start + size <= bytes.len(), "bad word {word:#x} at {start}");
        frames.segments.push(bytes[start..start + size].to_vec());
        frames.end = start + size;
    }
    frames
}

/// As [`frames`], and checks that only zeros follow the end and its word.
pub fn clean_frames(bytes: &[u8]) -> Frames {
    let frames = frames(bytes);
    let behind = if frames.sealed { frames.end + 4 } else { frames.end };
    let dirt = bytes[behind..].iter().position(|byte| *byte != 0).map(|at| at + behind);
    assert_eq!(dirt, None, "a byte behind the end at {} is not zero", frames.end);
    frames
}

/// The name of a staging object, as docs/memory-layout.md has it.
pub fn staging_name(name: &str, number: u64) -> String {
    let salt = b"mmfile staging ".iter().copied();
    let hash = salt
        .chain(name.bytes())
        .chain(number.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{name}~{number:016x}{:08x}", (hash ^ hash >> 32) as u32)
}
