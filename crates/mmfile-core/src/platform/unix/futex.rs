//! The kernel's wait and wake on a 32-bit word in shared memory.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// How a wait ended. Whichever it was, the caller looks at its condition again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Somebody woke us, or the word had changed already, or a signal came.
    Look,
    /// The time is over.
    TimedOut,
}

/// Sleeps while `word` is `expected`, at most for `limit`, which is measured on the monotonic clock.
///
/// The word may be shared between processes: this is not the private kind of futex.
pub(crate) fn wait(word: &AtomicU32, expected: u32, limit: Duration) -> Woken {
    let limit = libc::timespec {
        tv_sec: limit.as_secs().try_into().unwrap_or(i32::MAX.into()),
        tv_nsec: limit.subsec_nanos().into(),
    };
    // SAFETY: the word is mapped for as long as it is borrowed and `limit` outlives the call; the
    // kernel only reads both.
    let result = unsafe {
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
    let errno = crate::error::OsError::last("futex").errno;
    if result != 0 && errno == libc::ETIMEDOUT { Woken::TimedOut } else { Woken::Look }
}

/// Wakes up to `count` of those who sleep on `word`, in any process.
pub(crate) fn wake(word: &AtomicU32, count: i32) {
    // SAFETY: the kernel only uses the address; the word is mapped for as long as it is borrowed.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
}
