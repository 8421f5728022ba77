//! Sleeping on two semaphores alternately.
//!
//! Windows has nothing like a futex between processes. An event that resets itself wakes one sleeper of
//! many; one that does not has to be reset by a process, which may do it too early. So there are two
//! semaphores and a round number. A process that wants to sleep counts itself in on the side of the current
//! round. One that wakes begins the next round and gives as many permits as it finds counted on the side of
//! the old one. A sleeper that is woken, finds nothing and sleeps again does so on the other side, where it
//! takes no permit that was meant for another one.
//!
//! A sleeper that gives up counts itself out; one that is killed leaves an extra permit, which causes one
//! spurious wake-up. Any other failure lasts only until the next bounded sleep ends.

use super::sync_objects::Waited;
use crate::control::{Control, WakePlace};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Tries to be counted in a round before it ends. After these, the sleep's bound is all there is.
const TRIES: u32 = 100;
/// The most permits at once: a count in shared memory may be anything.
const MOST: u32 = 1 << 12;

/// One request to be woken. Dropping it takes it back.
pub(crate) struct Request {
    control: Control,
    place: WakePlace,
    seen: u32,
    side: u32,
    counted: bool,
}

impl Request {
    /// It always asks: its memory can be stored to.
    pub(crate) fn new(control: &Control, place: WakePlace, _: bool) -> Self {
        let (seen, side, counted) = (0, 0, false);
        let mut request = Self { control: control.clone(), place, seen, side, counted };
        for _ in 0..TRIES {
            let round = control.waiting_word(place).load(Ordering::SeqCst);
            request.side = round & 1;
            sleepers(control, place, request.side).fetch_add(1, Ordering::SeqCst);
            request.counted = true;
            if control.waiting_word(place).load(Ordering::SeqCst) == round {
                break; // the process that ends this round has not counted yet
            }
            request.take_back();
        }
        request.seen = control.wake_word(place).load(Ordering::SeqCst);
        request
    }

    /// The wake word as it was.
    pub(crate) fn seen(&self) -> u32 {
        self.seen
    }

    /// Sleeps until its round ends, at most for `limit`.
    pub(crate) fn sleep(mut self, control: &Control, place: WakePlace, limit: Duration) {
        if control.wake_word(place).load(Ordering::SeqCst) != self.seen {
            return;
        }
        let Some(semaphore) = control.sync().semaphore(place, self.side) else {
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
        let sleepers = sleepers(&self.control, self.place, self.side);
        let less = |count: u32| count.checked_sub(1);
        if sleepers.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err()
            && let Some(semaphore) = self.control.sync().semaphore(self.place, self.side)
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
fn sleepers(control: &Control, place: WakePlace, side: u32) -> &AtomicU32 {
    // Two words behind the one that says whether a process is asleep.
    control.word(place.waiting() + 4 + 4 * u64::from(side & 1))
}

/// Whether a process asked to be woken.
pub(crate) fn take_requests(control: &Control, place: WakePlace) -> bool {
    let count = |side| sleepers(control, place, side).load(Ordering::Relaxed);
    count(0) | count(1) != 0
}

/// Whether a process may be asleep.
pub(crate) fn has_requests(control: &Control, place: WakePlace) -> bool {
    take_requests(control, place)
}

/// Wakes every sleeper.
pub(crate) fn wake_all(control: &Control, place: WakePlace) {
    control.wake_word(place).fetch_add(1, Ordering::SeqCst);
    let side = control.waiting_word(place).fetch_add(1, Ordering::SeqCst) & 1;
    let count = sleepers(control, place, side).swap(0, Ordering::SeqCst);
    if count > 0
        && let Some(semaphore) = control.sync().semaphore(place, side)
    {
        semaphore.give(count.min(MOST));
    }
}

/// Wakes every sleeper: a permit for one of them could be taken by another one that sleeps already again.
pub(crate) fn wake_one(control: &Control, place: WakePlace) {
    wake_all(control, place);
}
