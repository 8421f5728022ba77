//! Where everything stands in the control block. docs/memory-layout.md says the same for others.

/// The size of a control block in bytes: one page on most machines, and fixed on all.
pub(crate) const CONTROL_SIZE: u64 = 4096;

/// "MMFILE" and the two bytes that a text editor would spoil.
pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"MMFILE\r\n");
/// Moves with every change of this page that an older program would misread.
pub(crate) const VERSION: u32 = 1;

pub(crate) const OFF_MAGIC: u64 = 0x000;
pub(crate) const OFF_VERSION: u64 = 0x008;
pub(crate) const OFF_STATE: u64 = 0x00c;
pub(crate) const OFF_ARCHITECTURE: u64 = 0x010;
pub(crate) const OFF_C_LIBRARY: u64 = 0x014;
pub(crate) const OFF_FLAGS: u64 = 0x018;
pub(crate) const OFF_CREATOR: u64 = 0x01c;
pub(crate) const OFF_CAPACITY: u64 = 0x020;
pub(crate) const OFF_DATA_DEVICE: u64 = 0x028;
pub(crate) const OFF_DATA_INODE: u64 = 0x030;
pub(crate) const OFF_NAMESPACE: u64 = 0x038;
pub(crate) const OFF_CREATED_AT: u64 = 0x040;
pub(crate) const OFF_FIRST_PROCESS: u64 = 0x048;
pub(crate) const OFF_OTHER_PROCESS: u64 = 0x050;
pub(crate) const OFF_DATA_PREFIX_LENGTH: u64 = 0x058;

/// 64 bytes for the lock, a cache line of its own.
pub(crate) const OFF_LOCK: u64 = 0x080;
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
pub(crate) const LOCK_SIZE: u64 = 0x040;

// What a publication changes and readers look at, in one cache line.
pub(crate) const OFF_TAIL: u64 = 0x0c0;
pub(crate) const OFF_COUNT: u64 = 0x0c8;
pub(crate) const OFF_WAKE: u64 = 0x0d0;
pub(crate) const OFF_STATUS: u64 = 0x0d4;

// What only the holder of the lock looks at.
pub(crate) const OFF_INTENT_BASE: u64 = 0x100;
pub(crate) const OFF_INTENT_BASE_COUNT: u64 = 0x108;
pub(crate) const OFF_INTENT_END: u64 = 0x110;
pub(crate) const OFF_INTENT_END_COUNT: u64 = 0x118;

/// Set by whoever is about to sleep, taken back by whoever wakes; away from what readers poll.
pub(crate) const OFF_WAITING: u64 = 0x140;
/// Two words, on Windows: how many sleep until the bell of an even and of an odd round rings.
#[cfg(windows)]
pub(crate) const OFF_SLEEPERS: u64 = 0x144;

/// What stands before the id in the data object's name, and room for the longest.
pub(crate) const OFF_DATA_PREFIX: u64 = 0x180;
pub(crate) const DATA_PREFIX_SIZE: u64 = 64;

/// Everything else is written and stays as it is. Anything but this: not usable yet, or made by a
/// process that died on the way.
pub(crate) const STATE_READY: u32 = 1;
/// Its creator has closed it: nobody opens it any more. Its name goes as soon as it can be taken away.
pub(crate) const STATE_ENDED: u32 = 2;

/// The file lives as long as anyone has it open, not as long as its creator.
pub(crate) const FLAG_LAST_PROCESS: u32 = 1;
/// A lock alone, without data.
pub(crate) const FLAG_MUTEX: u32 = 2;
/// The control block of a file on disk, which stands behind its data.
pub(crate) const FLAG_DISK: u32 = 4;
/// No more segments.
pub(crate) const STATUS_SEALED: u32 = 1;

/// What makes two programs agree about the lock and about the order of bytes in a number.
pub(crate) const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") {
    1
} else if cfg!(target_arch = "aarch64") {
    2
} else {
    u32::from_le_bytes(*b"else") ^ cfg!(target_pointer_width = "64") as u32
};

/// Which C library's lock stands in the block.
pub(crate) const C_LIBRARY: u32 = if cfg!(target_os = "windows") {
    4
} else if cfg!(any(target_os = "macos", mmfile_portable)) {
    3
} else if cfg!(target_env = "musl") {
    2
} else {
    1
};
