//! The layout of the control block. docs/memory-layout.md describes it for other programs.

/// The size of a control block in bytes: one page on most machines, and fixed on all.
pub(crate) const CONTROL_SIZE: u64 = 4096;
/// A control block that shares an object with the data begins at a multiple of this.
const CONTROL_ALIGNMENT: u64 = 4096;
/// The zero bytes between the data and the control block: at least one size word, so that a program
/// that knows only the frames finds the end of a file that is full to the last byte.
const GAP: u64 = 4;

/// "MMFILE" and the two bytes that a text editor would spoil.
pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"MMFILE\r\n");
/// Moves with every change of this page that an older program would misread.
pub(crate) const VERSION: u32 = 2;

pub(crate) const OFF_MAGIC: u64 = 0x000;
pub(crate) const OFF_VERSION: u64 = 0x008;
pub(crate) const OFF_STATE: u64 = 0x00c;
pub(crate) const OFF_ARCHITECTURE: u64 = 0x010;
pub(crate) const OFF_C_LIBRARY: u64 = 0x014;
pub(crate) const OFF_FLAGS: u64 = 0x018;
pub(crate) const OFF_CREATOR_PID: u64 = 0x01c;
pub(crate) const OFF_CAPACITY: u64 = 0x020;
pub(crate) const OFF_CREATOR: u64 = 0x028;
pub(crate) const OFF_NAMESPACE: u64 = 0x030;
pub(crate) const OFF_CREATED_AT: u64 = 0x038;
pub(crate) const OFF_FIRST_PROCESS: u64 = 0x040;
pub(crate) const OFF_OTHER_PROCESS: u64 = 0x048;

/// 64 bytes for the lock: a whole cache line.
pub(crate) const OFF_LOCK: u64 = 0x080;
/// The bytes of them that the C library's mutex may use.
#[allow(dead_code, reason = "elsewhere than on Linux it is no mutex")]
pub(crate) const LOCK_SIZE: u64 = 0x030;
/// The thread of the holder, and the participant: at the end of the same line.
pub(crate) const OFF_LOCK_THREAD: u64 = 0x0b0;
/// The thread whose operations run under the lock, if another thread holds the lock for it; else 0.
pub(crate) const OFF_LOCK_OWNER: u64 = 0x0b4;
pub(crate) const OFF_LOCK_HOLDER: u64 = 0x0b8;

// Words that a publication changes and readers poll, in one cache line.
pub(crate) const OFF_TAIL: u64 = 0x0c0;
pub(crate) const OFF_COUNT: u64 = 0x0c8;
pub(crate) const OFF_WAKE: u64 = 0x0d0;
pub(crate) const OFF_STATUS: u64 = 0x0d4;

// Words that only the holder of the lock reads.
pub(crate) const OFF_INTENT_BASE: u64 = 0x100;
pub(crate) const OFF_INTENT_BASE_COUNT: u64 = 0x108;
pub(crate) const OFF_INTENT_END: u64 = 0x110;
pub(crate) const OFF_INTENT_END_COUNT: u64 = 0x118;
/// 1 from the beginning of a section to its end; operations leave it alone.
pub(crate) const OFF_SECTION: u64 = 0x120;

/// Set by a process that is about to sleep, cleared by the one that wakes it; away from the words that
/// readers poll.
pub(crate) const OFF_WAITING: u64 = 0x140;
// On Windows two words of `platform/windows/semaphores.rs` follow.

/// The table of participants fills the rest of the block.
pub(crate) const OFF_PARTICIPANTS: u64 = 0x400;
pub(crate) const PARTICIPANT_SIZE: u64 = 32;
/// A model is small.
pub(crate) const PARTICIPANT_COUNT: u64 =
    if cfg!(platform = "loom") { 3 } else { (CONTROL_SIZE - OFF_PARTICIPANTS) / PARTICIPANT_SIZE };
// Within a participant.
pub(crate) const SLOT_NONCE: u64 = 0x00;
pub(crate) const SLOT_LIVE: u64 = 0x08;
pub(crate) const SLOT_SINCE: u64 = 0x10;
pub(crate) const SLOT_PID: u64 = 0x18;
pub(crate) const SLOT_FLAGS: u64 = 0x1c;

/// The file can be opened.
pub(crate) const STATE_READY: u32 = 1;
/// Its creator has closed it, or it was removed: no process opens it any more.
pub(crate) const STATE_ENDED: u32 = 2;

/// The file lives until its last process leaves, not until its creator does.
pub(crate) const FLAG_LAST_PROCESS: u32 = 1;
/// A lock alone, without data.
pub(crate) const FLAG_MUTEX: u32 = 2;
/// The control block of a file or a channel on disk.
pub(crate) const FLAG_DISK: u32 = 4;
/// The control block of a channel.
pub(crate) const FLAG_CHANNEL: u32 = 8;
/// A channel whose oldest messages are dropped when it is full.
pub(crate) const FLAG_DROPS_OLDEST: u32 = 16;

/// No more segments or messages.
pub(crate) const STATUS_SEALED: u32 = 1;
/// The channel has had an exclusive writer.
pub(crate) const STATUS_HAD_WRITER: u32 = 2;

/// The participant opened the file for reading only.
pub(crate) const PARTICIPANT_READS: u32 = 1;
/// The participant writes without taking the lock.
pub(crate) const PARTICIPANT_UNSYNCHRONIZED: u32 = 2;

/// Two programs with the same value agree about the lock and the byte order.
pub(crate) const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") {
    1
} else if cfg!(target_arch = "aarch64") {
    2
} else {
    u32::from_le_bytes(*b"else") ^ cfg!(target_pointer_width = "64") as u32
};

/// Where the control block of an object begins that holds `capacity` bytes of data. A mutex has no data: its
/// object is only a control block.
pub(crate) fn control_offset(capacity: u64) -> Option<u64> {
    if capacity == 0 {
        return Some(0);
    }
    capacity.checked_add(GAP)?.checked_next_multiple_of(CONTROL_ALIGNMENT)
}

/// The size of an object that holds `capacity` bytes of data and a control block.
pub(crate) fn object_size(capacity: u64) -> Option<u64> {
    let size = control_offset(capacity)?.checked_add(CONTROL_SIZE)?;
    // Every system accepts sizes of files and mappings up to this.
    (i64::try_from(size).is_ok() && isize::try_from(size).is_ok()).then_some(size)
}

/// Where the control block of an object of this size begins, if the size can be that of such an object.
pub(crate) fn control_offset_of(object_size: u64) -> Option<u64> {
    let offset = object_size.checked_sub(CONTROL_SIZE)?;
    offset.is_multiple_of(CONTROL_ALIGNMENT).then_some(offset)
}
