//! Sleeping on the wake word itself.

use super::futex;
use crate::control::Control;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// One request to be woken: the word as it was when it was made.
pub(super) struct Request(u32);

impl Request {
    pub(super) fn new(control: &Control) -> Self {
        let seen = control.wake_word().load(Ordering::Acquire);
        control.waiting_word().store(1, Ordering::SeqCst);
        Self(seen)
    }

    /// The word as it was.
    #[cfg(all(target_os = "linux", not(loom)))]
    pub(super) fn seen(&self) -> u32 {
        self.0
    }

    /// Sleeps until the word is another one, at most for `limit`.
    pub(super) fn sleep(self, control: &Control, limit: Duration) {
        let _ = futex::wait(control.wake_word(), self.0, limit);
    }
}

/// Whether anybody asked to be woken since this was last asked.
pub(super) fn take_requests(control: &Control) -> bool {
    if control.waiting_word().load(Ordering::Relaxed) == 0 {
        return false;
    }
    control.waiting_word().store(0, Ordering::SeqCst);
    true
}

/// Wakes everybody.
pub(super) fn wake_all(control: &Control) {
    control.wake_word().fetch_add(1, Ordering::AcqRel);
    futex::wake(control.wake_word(), i32::MAX);
}
