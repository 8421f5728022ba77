//! Sleeping until another process has done something, and waking those who sleep.
//!
//! The condition is never the word itself but the file's committed tail: the word only says "look
//! again". It changes before anybody is woken, so that no wake-up is lost between looking and
//! sleeping, and every sleep is bounded, since a foreign writer wakes nobody. A platform provides a
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

use crate::control::Control;
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

/// One waiter's look at the wake word: an event, in the words of `raw_sync`.
///
/// `set(Clear)` remembers the word; after it the waiter looks at its condition; `wait` sleeps unless
/// the word has changed since. `set(Signaled)` is the other side.
pub(crate) struct WakeEvent<'a> {
    control: &'a Control,
    request: Cell<Option<Request>>,
    sleep: Cell<Duration>,
}

impl<'a> WakeEvent<'a> {
    pub(crate) fn new(control: &'a Control) -> Self {
        Self { control, request: Cell::new(None), sleep: Cell::new(FIRST_SLEEP) }
    }

    /// The word is about to be waited on: remember it and ask to be woken.
    pub(crate) fn clear(&self) {
        self.prepare(true);
    }

    /// As [`Self::clear`]; if it does not `ask` it stores nothing, and the sleep ends when its time is over.
    pub(crate) fn prepare(&self, ask: bool) {
        self.request.set(None);
        self.request.set(Some(Request::new(self.control, ask)));
        // Orders the request before the look at the condition; `signal` has the other half.
        fence(Ordering::SeqCst);
    }

    /// As [`Self::sleep`], but by the kernel, which tells the ring. `false` if it cannot.
    pub(crate) fn arm(&self, ring: &mut WakeRing, longest: Duration) -> bool {
        let request = self.request.take();
        request.is_some_and(|request| ring.arm(self.control.wake_word(), request.seen(), longest))
    }

    /// Sleeps until the word changes, `longest` or a time that grows with every sleep passes, or the
    /// deadline does.
    pub(crate) fn sleep(&self, deadline: &Deadline, longest: Duration) {
        let Some(limit) = deadline.slice(self.sleep.get().min(longest)) else { return };
        if let Some(request) = self.request.take() {
            request.sleep(self.control, limit);
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
            EventState::Signaled => signal(self.control),
        }
        Ok(())
    }
}

/// Wakes every process that asked to be woken, after a publication.
///
/// The fence is one half of what [`WakeEvent::clear`] has the other of: either the publication is seen
/// there, or the request here. (A change of the wake word in the one order of sequentially consistent
/// operations would do as well on the machines that there are; the model cannot tell.)
pub(crate) fn signal(control: &Control) {
    fence(Ordering::SeqCst);
    if wake_word::take_requests(control) {
        wake_all(control);
    }
}

/// As [`signal`], by who has just released the lock, which may save the fence.
pub(crate) fn signal_after_release(control: &Control) {
    if !RELEASE_ORDERS_ALL {
        return signal(control);
    }
    std::sync::atomic::compiler_fence(Ordering::SeqCst);
    if wake_word::take_requests(control) {
        wake_all(control);
    }
}

/// Wakes every sleeper, whether it asked or not: a handle that closes cancels its own waits with it.
pub(crate) fn wake_all(control: &Control) {
    wake_word::wake_all(control);
}
