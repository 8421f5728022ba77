//! Waiting for a word to change where the kernel cannot be asked: sleeping and looking, in turns.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How a wait ended. Whichever it was, the caller looks at its condition again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Somebody changed the word, or it had changed already.
    Look,
    /// The time is over.
    TimedOut,
}

const FIRST: Duration = Duration::from_micros(50);
/// The longest time that a change is not seen for.
const LONGEST: Duration = Duration::from_millis(5);

/// Sleeps while `word` is `expected`, at most for `limit`, which is measured on the monotonic clock.
pub(crate) fn wait(word: &AtomicU32, expected: u32, limit: Duration) -> Woken {
    let begun = Instant::now();
    let mut pause = FIRST;
    while word.load(Ordering::Acquire) == expected {
        let left = limit.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Woken::TimedOut;
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST);
    }
    Woken::Look
}

/// Those who sleep on `word` see its change by themselves.
#[cfg(mmfile_polling)]
pub(crate) fn wake(_: &AtomicU32, _: i32) {}
