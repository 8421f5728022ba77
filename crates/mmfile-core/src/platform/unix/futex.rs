//! The kernel's wait and wake on a 32-bit word in shared memory.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Sleeps while `word` is `expected`, at most for `limit`, which is measured on the monotonic clock. It may also
/// return earlier: the caller checks its condition again.
///
/// The word may be shared between processes: this is not the private kind of futex.
pub(crate) fn wait(word: &AtomicU32, expected: u32, limit: Duration) {
    let limit = libc::timespec {
        tv_sec: limit.as_secs().try_into().unwrap_or(i32::MAX.into()),
        tv_nsec: limit.subsec_nanos().into(),
    };
    // SAFETY: the word is mapped for as long as it is borrowed and `limit` outlives the call; the
    // kernel only reads both.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            expected,
            &raw const limit,
            std::ptr::null::<u32>(),
            0,
        )
    };
}

/// Wakes up to `count` of those that sleep on `word`, in any process. Whether there was one.
pub(crate) fn wake(word: &AtomicU32, count: i32) -> bool {
    // SAFETY: the kernel only uses the address; the word is mapped for as long as it is borrowed.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) > 0 }
}
