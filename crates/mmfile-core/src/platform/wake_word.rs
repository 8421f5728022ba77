//! Sleeping on the wake word itself.

use crate::control::Control;
use crate::platform::futex;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// One request to be woken: the word as it was when it was made.
pub(crate) struct Request(u32);

impl Request {
    pub(crate) fn new(control: &Control, ask: bool) -> Self {
        let seen = control.wake_word().load(Ordering::Acquire);
        if ask {
            control.waiting_word().store(1, Ordering::SeqCst);
        }
        Self(seen)
    }

    /// The word as it was.
    pub(crate) fn seen(&self) -> u32 {
        self.0
    }

    /// Sleeps until the word is another one, at most for `limit`.
    pub(crate) fn sleep(self, control: &Control, limit: Duration) {
        futex::wait(control.wake_word(), self.0, limit);
    }
}

/// Whether a process asked to be woken since the last call.
pub(crate) fn take_requests(control: &Control) -> bool {
    if control.waiting_word().load(Ordering::Relaxed) == 0 {
        return false;
    }
    control.waiting_word().store(0, Ordering::SeqCst);
    true
}

/// Wakes every sleeper.
pub(crate) fn wake_all(control: &Control) {
    control.wake_word().fetch_add(1, Ordering::AcqRel);
    futex::wake(control.wake_word(), i32::MAX);
}
