//! Waiting for a segment that is not there yet.

use super::MmFile;
use super::handle::Handle;
use crate::control::WakePlace;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::peer::{self, RequirePeer};
use crate::platform::WakeRing;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, spin_loop};
use crate::timeouts::{LONGEST_SLEEP, PEER_SLEEP};
use crate::wake::{self, WakeEvent};
use raw_sync::Timeout;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

impl MmFile {
    /// Blocks until there is a segment `index`, in whichever process it is appended.
    ///
    /// It checks in a loop for the time `spin` before it sleeps. That occupies a processor, but the call then returns
    /// within a microsecond instead of some fifty.
    ///
    /// # Errors
    /// [`Error::Timeout`], [`Error::Sealed`] if it will never come, [`Error::Corrupt`].
    pub fn wait_for(&self, index: u64, timeout: Timeout, spin: Duration) -> Result<()> {
        self.waiter().wait_for(index, timeout, spin)
    }

    /// Whether segment `index` is known to exist: reads the committed end once, which may not include a
    /// foreign writer's segments yet. `false` for a file that another program has cut short.
    #[must_use]
    pub fn has(&self, index: u64) -> bool {
        self.handle.check_whole().is_ok() && self.handle.has(index)
    }

    /// As [`Waiter::wait_for`] with a timeout of zero, but without the waiting flag: the next writer makes no
    /// system call for it.
    ///
    /// # Errors
    /// As there, without [`Error::Timeout`].
    pub fn poll(&self, index: u64, required: RequirePeer, spin: Duration) -> Result<bool> {
        self.handle.check_whole()?;
        Ok(self.handle.spin(index, spin, || false) || self.handle.look(index, required)?)
    }

    /// Something that can wait on another thread, and be called back from this one.
    #[must_use]
    pub fn waiter(&self) -> Waiter {
        Waiter {
            handle: Arc::clone(&self.handle),
            cancelled: Arc::new(AtomicBool::new(false)),
            peer: Arc::new(AtomicU32::new(RequirePeer::None as u32)),
        }
    }

    /// Whether another process had the file open and none has it any more.
    #[must_use]
    pub fn peer_gone(&self) -> bool {
        peer::is_alone(&self.handle.object, &self.handle.control)
    }
}

/// Waits for segments of one file. Its clones are called back together.
#[derive(Debug, Clone)]
pub struct Waiter {
    handle: Arc<Handle>,
    cancelled: Arc<AtomicBool>,
    /// A [`RequirePeer`].
    peer: Arc<AtomicU32>,
}

impl Waiter {
    /// As [`MmFile::wait_for`].
    ///
    /// # Errors
    /// As there, and [`Error::Closed`] once it was cancelled.
    pub fn wait_for(&self, index: u64, timeout: Timeout, spin: Duration) -> Result<()> {
        self.handle.check_whole()?;
        let spin = match timeout {
            Timeout::Infinite => spin,
            Timeout::Val(limit) => spin.min(limit),
        };
        let is_over = || self.cancelled.load(Ordering::Relaxed);
        if self.handle.has(index) || self.handle.spin(index, spin, is_over) {
            return Ok(());
        }
        self.wait_for_any(&AtomicU64::new(index), timeout)
    }

    /// As [`Waiter::wait_for`], for an index that another thread may change meanwhile; that thread then calls
    /// [`Waiter::look_again`]. `u64::MAX` means "nothing any more" and ends the wait.
    ///
    /// # Errors
    /// As there.
    pub fn wait_for_any(&self, index: &AtomicU64, timeout: Timeout) -> Result<()> {
        let deadline = Deadline::after(&timeout);
        let event = WakeEvent::new(&self.handle.control, WakePlace::News);
        loop {
            // On a disk without room for the request it sleeps without one: nothing is appended there either.
            event.prepare(self.handle.object.may_store(&self.handle.control)?);
            if self.look(index.load(Ordering::SeqCst))? {
                return Ok(());
            }
            if deadline.slice(Duration::MAX).is_none() {
                return Err(Error::timeout("waiting for a segment"));
            }
            event.sleep(&deadline, self.longest_sleep());
        }
    }

    /// Checks, and unless there is something to report, has `ring` say when to check again. Whether there
    /// is: the segment `index`, an error as [`Waiter::wait_for`] has it, or that the ring is of no use any
    /// more ([`WakeRing::is_refused`]).
    ///
    /// # Errors
    /// As there.
    pub fn arm(&self, ring: &mut WakeRing, index: u64) -> Result<bool> {
        let event = WakeEvent::new(&self.handle.control, WakePlace::News);
        event.prepare(self.handle.object.may_store(&self.handle.control)?);
        Ok(self.look(index)? || !event.arm(ring, self.longest_sleep()))
    }

    /// Whether the segment is there, or the error that says why it will not come.
    fn look(&self, index: u64) -> Result<bool> {
        if index == u64::MAX {
            return Ok(true);
        }
        if self.cancelled.load(Ordering::SeqCst) && !self.handle.has(index) {
            return Err(Error::Closed);
        }
        self.handle.look(index, self.required())
    }

    /// How many segments are known to be there; of a file that another program has cut short, none.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.handle.check_whole().map_or(0, |()| self.handle.committed().count)
    }

    fn required(&self) -> RequirePeer {
        RequirePeer::from_bits(self.peer.load(Ordering::SeqCst))
    }

    fn longest_sleep(&self) -> Duration {
        if self.required() == RequirePeer::None { LONGEST_SLEEP } else { PEER_SLEEP }
    }

    /// Calls every wait of this waiter and its clones back, those that begin later too.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.look_again();
    }

    /// Has waits fail with [`Error::PeerGone`] once the required peer is gone. A process that dies wakes
    /// no waiter: it is missed at the next check.
    pub fn require_peer(&self, required: RequirePeer) {
        self.peer.store(required as u32, Ordering::SeqCst);
    }

    /// Makes waiting threads check their condition again.
    pub fn look_again(&self) {
        // They check after a while by themselves.
        if self.handle.object.may_store(&self.handle.control) == Ok(true) {
            wake::wake_all(&self.handle.control, WakePlace::News);
        }
    }
}

impl Handle {
    /// Whether the segment is there, or the error that says why it will not come.
    fn look(&self, index: u64, required: RequirePeer) -> Result<bool> {
        if self.has(index) {
            return Ok(true);
        }
        match self.refresh_strictly(Duration::ZERO) {
            Ok(tail) if tail.count > index => return Ok(true),
            // A writer is at work: its segment will be found after the next sleep.
            Ok(_) | Err(Error::Timeout { .. } | Error::LockHeld) => {}
            Err(error) => return Err(error),
        }
        // In this order: a peer may append the segment, seal the file and leave at any moment.
        let missing = peer::missing(required, &self.object, &self.control, self.source());
        let end = if self.is_sealed() { Some(Error::Sealed) } else { missing };
        match end {
            Some(_) if self.has(index) => Ok(true),
            Some(error) => Err(error),
            None => Ok(false),
        }
    }

    /// Checks without sleeping, for the time `spin`. Whether the segment came.
    fn spin(&self, index: u64, spin: Duration, is_over: impl Fn() -> bool) -> bool {
        if spin.is_zero() {
            return false;
        }
        let started = Instant::now();
        while self.check_whole().is_ok() {
            for _ in 0..64 {
                if self.has(index) {
                    return true;
                }
                spin_loop();
            }
            if started.elapsed() >= spin || is_over() || self.is_sealed() {
                return false;
            }
        }
        false
    }
}
