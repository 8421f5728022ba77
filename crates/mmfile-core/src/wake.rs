//! Sleeping until another process has done something, and waking those that sleep.
//!
//! The condition is never the word itself but the file's committed tail: the word only says "check
//! again". It changes before a sleeper is woken, so that no wake-up is lost between checking and
//! sleeping, and every sleep is bounded, since a foreign writer wakes no sleeper. A platform provides a
//! `Request` to be woken, which one can sleep on, and the two functions that wake.
//!
//! ```
//! # fn main() -> mmfile_core::Result<()> {
//! use mmfile_core::{CreateOptions, MmFile, OpenOptions, Timeout};
//! use std::time::Duration;
//! let a = MmFile::create_new(4096, &CreateOptions::default())?;
//! let b = MmFile::open_existing(a.id(), &OpenOptions::default())?;
//! # std::thread::scope(|scope| -> mmfile_core::Result<()> {
//! # let b = &b; let other = scope.spawn(move || {
//! // process B sleeps until there is a segment 0
//! b.wait_for(0, Timeout::Val(Duration::from_secs(5)), Duration::ZERO)
//! # });
//! ;
//! // process A appends it, which wakes B
//! a.append(b"now".as_slice())?;
//! # other.join().unwrap() })?;
//! # Ok(()) }
//! ```

use crate::control::{Control, WakePlace};
use crate::deadline::Deadline;
use crate::platform::wake_word::{self, Request};
use crate::platform::{RELEASE_ORDERS_ALL, WakeRing};
use crate::sync::fence;
use crate::timeouts::{FIRST_SLEEP, LONGEST_SLEEP};
use raw_sync::Timeout;
use raw_sync::events::{EventImpl, EventState};
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// One waiter's view of the wake word: an event, in the words of `raw_sync`.
///
/// `set(Clear)` remembers the word; after it the waiter checks its condition; `wait` sleeps unless
/// the word has changed since. `set(Signaled)` is the other side.
pub(crate) struct WakeEvent<'a> {
    control: &'a Control,
    place: WakePlace,
    request: Cell<Option<Request>>,
    sleep: Cell<Duration>,
}

impl<'a> WakeEvent<'a> {
    pub(crate) fn new(control: &'a Control, place: WakePlace) -> Self {
        Self { control, place, request: Cell::new(None), sleep: Cell::new(FIRST_SLEEP) }
    }

    /// The word is about to be waited on: remember it and ask to be woken.
    pub(crate) fn clear(&self) {
        self.prepare(true);
    }

    /// As [`Self::clear`]; if it does not `ask` it stores nothing, and the sleep ends when its time is over.
    pub(crate) fn prepare(&self, ask: bool) {
        self.request.set(None);
        self.request.set(Some(Request::new(self.control, self.place, ask)));
        // Orders the request before the check of the condition; `signal` has the other half.
        fence(Ordering::SeqCst);
    }

    /// As [`Self::sleep`], but by the kernel, which tells the ring. `false` if it cannot.
    pub(crate) fn arm(&self, ring: &mut WakeRing, longest: Duration) -> bool {
        let request = self.request.take();
        let word = self.control.wake_word(self.place);
        request.is_some_and(|request| ring.arm(word, request.seen(), longest))
    }

    /// Sleeps until the word changes, `longest` or a time that grows with every sleep passes, or the
    /// deadline does.
    pub(crate) fn sleep(&self, deadline: &Deadline, longest: Duration) {
        let Some(limit) = deadline.slice(self.sleep.get().min(longest)) else { return };
        if let Some(request) = self.request.take() {
            request.sleep(self.control, self.place, limit);
        }
        self.sleep.set((self.sleep.get() * 2).min(LONGEST_SLEEP));
    }
}

impl EventImpl for WakeEvent<'_> {
    fn wait(&self, timeout: Timeout) -> Result<(), Box<dyn std::error::Error>> {
        self.sleep(&Deadline::after(&timeout), LONGEST_SLEEP);
        Ok(())
    }

    fn set(&self, state: EventState) -> Result<(), Box<dyn std::error::Error>> {
        match state {
            EventState::Clear => self.clear(),
            EventState::Signaled => signal(self.control, self.place),
        }
        Ok(())
    }
}

/// Wakes every process that asked to be woken, after a publication.
///
/// The fence pairs with the one in [`WakeEvent::clear`]: either the publication is seen there, or the request
/// here. (On all existing machines a sequentially consistent change of the wake word would suffice; the model
/// cannot tell.)
pub(crate) fn signal(control: &Control, place: WakePlace) {
    fence(Ordering::SeqCst);
    if wake_word::take_requests(control, place) {
        wake_all(control, place);
    }
}

/// As [`signal`], for a caller that has just released the lock, or whose last store was sequentially consistent:
/// that may save the fence.
#[inline(always)]
pub(crate) fn signal_after_release(control: &Control, place: WakePlace) {
    order();
    signal_ordered(control, place);
}

/// As [`signal`], after [`order`] or another signal.
#[inline(always)]
pub(crate) fn signal_ordered(control: &Control, place: WakePlace) {
    if wake_word::take_requests(control, place) {
        wake_all(control, place);
    }
}

/// Orders a release of the lock, or a sequentially consistent store, before a check of requests.
#[inline(always)]
pub(crate) fn order() {
    if RELEASE_ORDERS_ALL {
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// As [`signal_ordered`], for one sleeper, which wakes the next if there is enough for two.
#[inline(always)]
pub(crate) fn signal_one_ordered(control: &Control, place: WakePlace) {
    if wake_word::take_requests(control, place) {
        wake_word::wake_one(control, place);
    }
}

/// Whether a process may be asleep, after a sequentially consistent store.
#[inline(always)]
pub(crate) fn has_sleepers(control: &Control, place: WakePlace) -> bool {
    order();
    wake_word::has_requests(control, place)
}

/// Wakes every sleeper, whether it asked or not: a handle that closes cancels its own waits with it.
pub(crate) fn wake_all(control: &Control, place: WakePlace) {
    wake_word::wake_all(control, place);
}
