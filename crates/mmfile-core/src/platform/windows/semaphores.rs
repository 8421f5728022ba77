//! Sleeping on two semaphores in turn.
//!
//! Windows has nothing like a futex between processes. An event that resets itself wakes one sleeper of
//! many; one that does not has to be reset by a process, which may do it too early. So there are two
//! semaphores and a round number. A process that wants to sleep counts itself in on the side of the current
//! round. One that wakes begins the next round and gives as many permits as it finds counted on the side of
//! the old one. A sleeper that is woken, finds nothing and sleeps again does so on the other side, where it
//! takes no permit that was meant for another one.
//!
//! A sleeper that gives up counts itself out; one that is killed leaves a permit too many, for which another
//! one wakes up once in vain. Whatever else goes wrong is bounded, as every sleep is.

use super::sync_objects::Waited;
use crate::control::Control;
use crate::control::layout::OFF_WAITING;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Two words: how many sleep on the semaphore of an even and of an odd round.
const OFF_SLEEPERS: u64 = OFF_WAITING + 4;
/// Tries to be counted in a round before it ends. After these, the sleep's bound is all there is.
const TRIES: u32 = 100;
/// The most permits at once: a count in shared memory may be anything.
const MOST: u32 = 1 << 12;

/// One request to be woken. Dropping it takes it back.
pub(crate) struct Request {
    control: Control,
    seen: u32,
    side: u32,
    counted: bool,
}

impl Request {
    /// It always asks: its memory can be stored to.
    pub(crate) fn new(control: &Control, _: bool) -> Self {
        let mut request = Self { control: control.clone(), seen: 0, side: 0, counted: false };
        for _ in 0..TRIES {
            let round = control.waiting_word().load(Ordering::SeqCst);
            request.side = round & 1;
            sleepers(control, request.side).fetch_add(1, Ordering::SeqCst);
            request.counted = true;
            if control.waiting_word().load(Ordering::SeqCst) == round {
                break; // the process that ends this round has not counted yet
            }
            request.take_back();
        }
        request.seen = control.wake_word().load(Ordering::SeqCst);
        request
    }

    /// The wake word as it was.
    pub(crate) fn seen(&self) -> u32 {
        self.seen
    }

    /// Sleeps until its round ends, at most for `limit`.
    pub(crate) fn sleep(mut self, control: &Control, limit: Duration) {
        if control.wake_word().load(Ordering::SeqCst) != self.seen {
            return;
        }
        let Some(semaphore) = control.sync().semaphore(self.side) else {
            std::thread::sleep(limit);
            return;
        };
        if semaphore.wait(limit) == Waited::Acquired {
            self.counted = false; // the permit was the one that this request was counted for
        }
    }

    /// Counts itself out. Where it is not counted any more it has a permit, or is about to get one.
    fn take_back(&mut self) {
        if !std::mem::take(&mut self.counted) {
            return;
        }
        let sleepers = sleepers(&self.control, self.side);
        let less = |count: u32| count.checked_sub(1);
        if sleepers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err()
            && let Some(semaphore) = self.control.sync().semaphore(self.side)
        {
            semaphore.wait(Duration::ZERO);
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.take_back();
    }
}

/// How many sleep in even (0) and in odd rounds (1).
fn sleepers(control: &Control, side: u32) -> &AtomicU32 {
    control.word(OFF_SLEEPERS + 4 * u64::from(side & 1))
}

/// Whether a process asked to be woken.
pub(crate) fn take_requests(control: &Control) -> bool {
    sleepers(control, 0).load(Ordering::Relaxed) | sleepers(control, 1).load(Ordering::Relaxed) != 0
}

/// Wakes every sleeper.
pub(crate) fn wake_all(control: &Control) {
    control.wake_word().fetch_add(1, Ordering::SeqCst);
    let side = control.waiting_word().fetch_add(1, Ordering::SeqCst) & 1;
    let count = sleepers(control, side).swap(0, Ordering::SeqCst);
    if count > 0
        && let Some(semaphore) = control.sync().semaphore(side)
    {
        semaphore.give(count.min(MOST));
    }
}
