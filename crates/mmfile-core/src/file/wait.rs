//! Waiting for a segment that is not there yet.

use super::{Handle, MmFile};
use crate::error::{Error, Result};
use crate::lock::Deadline;
use crate::sync::{AtomicBool, AtomicU64, spin_loop};
#[cfg(all(target_os = "linux", not(loom)))]
use crate::wake::WakeRing;
use crate::wake::{self, LONGEST_SLEEP, PEER_SLEEP, WakeEvent};
use raw_sync::Timeout;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

impl MmFile {
    /// Blocks until there is a segment `index`, in whichever process it is appended.
    ///
    /// It looks in a loop for the time `spin` before it sleeps: that costs a processor and answers
    /// within a microsecond instead of some fifty.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::Sealed`] if it will never come, [`Error::Corrupt`].
    pub fn wait_for(&self, index: u64, timeout: Timeout, spin: Duration) -> Result<()> {
        self.waiter().wait_for(index, timeout, spin)
    }

    /// Whether a segment `index` is known to be there: one look at the committed end, which a foreign
    /// writer's segment may not have reached yet.
    #[must_use]
    pub fn has(&self, index: u64) -> bool {
        self.handle.control.count() > index
    }

    /// Something that can wait on another thread, and be called back from this one.
    #[must_use]
    pub fn waiter(&self) -> Waiter {
        Waiter {
            handle: Arc::clone(&self.handle),
            cancelled: Arc::new(AtomicBool::new(false)),
            needs_peer: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Whether another process had the file open and none has it any more.
    #[must_use]
    pub fn peer_gone(&self) -> bool {
        self.handle.peer_gone()
    }
}

/// Waits for segments of one file. Its clones are called back together.
#[derive(Debug, Clone)]
pub struct Waiter {
    handle: Arc<Handle>,
    cancelled: Arc<AtomicBool>,
    needs_peer: Arc<AtomicBool>,
}

impl Waiter {
    /// As [`MmFile::wait_for`].
    ///
    /// # Errors
    /// As there, and [`Error::Closed`] once it was cancelled.
    pub fn wait_for(&self, index: u64, timeout: Timeout, spin: Duration) -> Result<()> {
        if self.handle.control.count() > index || self.spin(index, &timeout, spin) {
            return Ok(());
        }
        self.wait_for_any(&AtomicU64::new(index), timeout)
    }

    /// As [`Waiter::wait_for`], for an index that another thread may change meanwhile; it calls
    /// [`Waiter::look_again`] then. `u64::MAX` stands for "nothing any more" and ends the wait.
    ///
    /// # Errors
    /// As there.
    pub fn wait_for_any(&self, index: &AtomicU64, timeout: Timeout) -> Result<()> {
        let deadline = Deadline::after(&timeout);
        let event = WakeEvent::new(&self.handle.control);
        loop {
            event.clear();
            if self.look(index.load(Ordering::SeqCst))? {
                return Ok(());
            }
            if deadline.slice(Duration::MAX).is_none() {
                return Err(Error::Timeout { what: "waiting for a segment" });
            }
            event.sleep(&deadline, self.longest_sleep());
        }
    }

    /// Looks, and unless there is something to tell, has `ring` tell when to look again. Whether there
    /// is: the segment `index`, or an error as [`Waiter::wait_for`] has it.
    ///
    /// # Errors
    /// As there.
    #[cfg(all(target_os = "linux", not(loom)))]
    pub fn arm(&self, ring: &mut WakeRing, index: u64) -> Result<bool> {
        let event = WakeEvent::new(&self.handle.control);
        event.clear();
        Ok(self.look(index)? || !event.arm(ring, self.longest_sleep()))
    }

    /// Whether the segment is there, or the error that says why it will not come.
    fn look(&self, index: u64) -> Result<bool> {
        let handle = &*self.handle;
        if handle.control.count() > index || index == u64::MAX {
            return Ok(true);
        }
        if self.cancelled.load(Ordering::SeqCst) {
            return Err(Error::Closed);
        }
        match handle.refresh_strictly(Duration::ZERO) {
            Ok(tail) if tail.count > index => return Ok(true),
            // Somebody is at work: what it does will be seen after the next sleep.
            Ok(_) | Err(Error::Timeout { .. } | Error::LockHeld) => {}
            Err(error) => return Err(error),
        }
        if handle.control.is_sealed() {
            // The last segment and the seal may both have come after the look above.
            return if handle.control.count() > index { Ok(true) } else { Err(Error::Sealed) };
        }
        if self.needs_peer.load(Ordering::SeqCst) && handle.peer_gone() {
            return Err(Error::PeerGone);
        }
        Ok(false)
    }

    fn longest_sleep(&self) -> Duration {
        if self.needs_peer.load(Ordering::SeqCst) { PEER_SLEEP } else { LONGEST_SLEEP }
    }

    /// Looks without sleeping. Whether the segment came.
    fn spin(&self, index: u64, timeout: &Timeout, spin: Duration) -> bool {
        let spin = match timeout {
            Timeout::Infinite => spin,
            Timeout::Val(limit) => spin.min(*limit),
        };
        if spin.is_zero() {
            return false;
        }
        let started = Instant::now();
        loop {
            for _ in 0..64 {
                if self.handle.control.count() > index {
                    return true;
                }
                spin_loop();
            }
            let over = started.elapsed() >= spin || self.cancelled.load(Ordering::Relaxed);
            if over || self.handle.control.is_sealed() {
                return false;
            }
        }
    }

    /// Calls every wait of this waiter and its clones back, those that begin later too.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.look_again();
    }

    /// Whether waits are to fail with [`Error::PeerGone`] once another process had the file open and
    /// none has it any more. A process that dies wakes nobody: it is missed at the next look, within
    /// a fifth of a second.
    pub fn require_peer(&self, required: bool) {
        self.needs_peer.store(required, Ordering::SeqCst);
    }

    /// Makes those who wait look at what they wait for.
    pub fn look_again(&self) {
        wake::wake_all(&self.handle.control);
    }
}

impl Handle {
    fn peer_gone(&self) -> bool {
        match self.place.liveness().others_are_here() {
            Some(true) => {
                self.control.note_other();
                false
            }
            Some(false) => self.control.had_others(),
            None => false,
        }
    }
}
