//! Sleeping on the wake word itself.

use crate::control::{Control, WakePlace};
use crate::platform::futex;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// One request to be woken: the word as it was when it was made.
pub(crate) struct Request(u32);

impl Request {
    pub(crate) fn new(control: &Control, place: WakePlace, ask: bool) -> Self {
        let seen = control.wake_word(place).load(Ordering::Acquire);
        if ask {
            control.waiting_word(place).store(1, Ordering::SeqCst);
        }
        Self(seen)
    }

    /// The word as it was.
    pub(crate) fn seen(&self) -> u32 {
        self.0
    }

    /// Sleeps until the word is another one, at most for `limit`.
    pub(crate) fn sleep(self, control: &Control, place: WakePlace, limit: Duration) {
        futex::wait(control.wake_word(place), self.0, limit);
    }
}

/// Whether a process asked to be woken since the last call.
#[inline(always)]
pub(crate) fn take_requests(control: &Control, place: WakePlace) -> bool {
    if control.waiting_word(place).load(Ordering::Relaxed) == 0 {
        return false;
    }
    control.waiting_word(place).store(0, Ordering::SeqCst);
    true
}

/// Wakes every sleeper.
pub(crate) fn wake_all(control: &Control, place: WakePlace) {
    let word = control.wake_word(place);
    word.fetch_add(1, Ordering::AcqRel);
    futex::wake(word, i32::MAX);
}

/// Whether a process may be asleep.
#[inline(always)]
pub(crate) fn has_requests(control: &Control, place: WakePlace) -> bool {
    control.waiting_word(place).load(Ordering::Relaxed) != 0
}

/// Wakes one sleeper, after the requests were taken. There may be more sleepers: until none is found, the
/// request is set again before the woken one checks it.
pub(crate) fn wake_one(control: &Control, place: WakePlace) {
    let word = control.wake_word(place);
    word.fetch_add(1, Ordering::AcqRel);
    control.waiting_word(place).store(1, Ordering::SeqCst);
    if !futex::wake(word, 1) {
        control.waiting_word(place).store(0, Ordering::SeqCst);
        // A process that has set it in between sleeps on another value, and sets it again.
        word.fetch_add(1, Ordering::AcqRel);
    }
}
