//! Waiting for a word to change where the kernel cannot be asked: sleeping and checking, in turns.

use crate::deadline::Deadline;
use crate::retry::Backoff;
use raw_sync::Timeout;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Sleeps while `word` is `expected`, at most for `limit`.
pub(crate) fn wait(word: &AtomicU32, expected: u32, limit: Duration) {
    let deadline = Deadline::after(&Timeout::Val(limit));
    let mut backoff = Backoff::until(&deadline, "waiting for a word to change");
    while word.load(Ordering::Acquire) == expected && backoff.pause().is_ok() {}
}
