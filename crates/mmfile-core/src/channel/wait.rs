//! Waiting for one thing: for a message, for work, for room, or until there is no exclusive writer.

use super::Channel;
use super::handle::{Group, Handle};
use super::send::clock;
use crate::control::WakePlace;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::peer::{self, RequirePeer};
use crate::platform::WakeRing;
use crate::sync::spin_loop;
use crate::timeouts::CHANNEL_SLEEP;
use crate::wake::{self, WakeEvent};
use raw_sync::Timeout;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The event to wait for.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A record at a position; a reliable reader's slot and number.
    Message { position: Arc<AtomicU32>, participant: Option<(u32, u32)> },
    /// A job.
    Work { participant: (u32, u32), group: Group },
    /// Room for a message; since when.
    Room { byte_length: u64, since: u32, exclusive: bool },
    /// The end of the exclusive writer.
    Writer,
}

/// Waits for one thing, on any thread, until there is a reason to try again. Its clones are cancelled together.
#[derive(Debug, Clone)]
pub struct ChannelWaiter {
    handle: Arc<Handle>,
    what: What,
    cancelled: Arc<AtomicBool>,
    /// A [`RequirePeer`], and above it whether an exclusive writer is required.
    peer: Arc<AtomicU32>,
}

/// The bit of a required exclusive writer.
const WRITER: u32 = 4;

impl Channel {
    /// Waits, without a thread that blocks, until this handle can send a message of that many bytes, or until
    /// sending it fails.
    #[must_use]
    pub fn room_waiter(&self, byte_length: u64) -> ChannelWaiter {
        let what = What::Room { byte_length, since: clock(), exclusive: false };
        ChannelWaiter::new(&self.handle, what)
    }
}

impl ChannelWaiter {
    pub(super) fn new(handle: &Arc<Handle>, what: What) -> Self {
        Self { handle: Arc::clone(handle), what, cancelled: Arc::default(), peer: Arc::default() }
    }

    /// Waits, and checks in a loop for the time `spin` before it sleeps. Its return promises nothing: another
    /// participant may be quicker.
    ///
    /// # Errors
    /// [`Error::Timeout`], for room [`Error::Full`]; [`Error::Closed`] once it was cancelled;
    /// [`Error::PeerGone`].
    pub fn wait(&self, timeout: Timeout, spin: Duration) -> Result<()> {
        self.wait_until(&Deadline::after(&timeout), spin)
    }

    pub(super) fn wait_until(&self, deadline: &Deadline, spin: Duration) -> Result<()> {
        if self.spin(deadline, spin) {
            return Ok(());
        }
        let event = WakeEvent::new(&self.handle.control, self.place());
        loop {
            event.prepare(self.handle.object.may_store(&self.handle.control)?);
            if self.look()? {
                return Ok(());
            }
            if deadline.slice(CHANNEL_SLEEP).is_none() {
                return Err(self.timed_out());
            }
            event.sleep(deadline, CHANNEL_SLEEP);
        }
    }

    fn timed_out(&self) -> Error {
        match self.what {
            What::Message { .. } => Error::timeout("waiting for a message"),
            What::Work { .. } => Error::timeout("waiting for a job"),
            What::Room { .. } => {
                self.handle.drop_ticket();
                self.handle.full()
            }
            What::Writer => Error::timeout("waiting for the exclusive writer"),
        }
    }

    fn place(&self) -> WakePlace {
        match self.what {
            What::Message { .. } => WakePlace::News,
            What::Work { .. } => WakePlace::Work,
            What::Room { .. } | What::Writer => WakePlace::Room,
        }
    }

    /// Whether there is a reason now to try again. For room this takes the writers' lock, if it is free, and
    /// has room kept.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a channel on disk that another program cut.
    pub fn is_ready(&self) -> Result<bool> {
        let handle = &*self.handle;
        handle.check_whole()?;
        let ring = &handle.ring;
        let is_there =
            |(row, number): (u32, u32)| ring.slot(row).is_some_and(|slot| slot.is_of(number));
        match &self.what {
            What::Message { position, participant } => {
                let gone = participant.is_some_and(|it| !is_there(it));
                let tail = ring.tail();
                Ok(tail != position.load(Ordering::Relaxed) || gone || ring.is_sealed_at(tail))
            }
            What::Work { participant, group } => {
                let slot = ring.slot(group.row).filter(|slot| slot.is_of(group.number));
                let Some(slot) = slot.filter(|_| is_there(*participant)) else { return Ok(true) };
                Ok(ring.has_work(&slot) || ring.is_finished(&slot) || handle.has_orphans(&slot))
            }
            What::Room { byte_length, since, exclusive } => {
                handle.tidy()?;
                handle.has_room(*byte_length, *since, *exclusive)
            }
            What::Writer => Ok(!handle.has_writer()),
        }
    }

    /// The same, or why it will never be.
    fn look(&self) -> Result<bool> {
        if self.cancelled.load(Ordering::SeqCst) {
            return Err(Error::Closed);
        }
        if self.is_ready()? {
            return Ok(true);
        }
        // In this order: a peer may send and leave at any moment.
        match self.missing_peer() {
            Some(error) => {
                if self.is_ready()? {
                    Ok(true)
                } else {
                    Err(error)
                }
            }
            None => Ok(false),
        }
    }

    /// Checks, and unless there is a reason to try again, has `ring` say when to check again. Whether there is
    /// one: or the ring has become unusable ([`WakeRing::is_refused`]).
    ///
    /// # Errors
    /// As [`ChannelWaiter::wait`].
    pub fn arm(&self, ring: &mut WakeRing) -> Result<bool> {
        let event = WakeEvent::new(&self.handle.control, self.place());
        event.prepare(self.handle.object.may_store(&self.handle.control)?);
        Ok(self.look()? || !event.arm(ring, CHANNEL_SLEEP))
    }

    /// The error of a wait whose required peer is gone.
    fn missing_peer(&self) -> Option<Error> {
        let bits = self.peer.load(Ordering::SeqCst);
        let handle = &*self.handle;
        if bits & WRITER != 0 && handle.ring.had_exclusive() && !handle.has_writer() {
            return Some(Error::PeerGone {
                reason: "the channel has no exclusive writer any more",
            });
        }
        let required = RequirePeer::from_bits(bits);
        peer::missing(required, &handle.object, &handle.control, handle.source())
    }

    /// Checks without sleeping.
    fn spin(&self, deadline: &Deadline, spin: Duration) -> bool {
        if spin.is_zero() || matches!(self.what, What::Room { .. } | What::Writer) {
            return false;
        }
        let spin = deadline.slice(spin).unwrap_or_default();
        let started = Instant::now();
        while self.handle.check_whole().is_ok() {
            for _ in 0..64 {
                if self.is_likely_ready() {
                    return true;
                }
                spin_loop();
            }
            if started.elapsed() >= spin || self.cancelled.load(Ordering::Relaxed) {
                return false;
            }
        }
        false
    }

    /// A check that costs next to nothing.
    fn is_likely_ready(&self) -> bool {
        let ring = &self.handle.ring;
        match &self.what {
            What::Message { position, .. } => ring.tail() != position.load(Ordering::Relaxed),
            What::Work { group, .. } => {
                ring.slot(group.row).is_none_or(|it| it.next() != ring.tail())
            }
            What::Room { .. } | What::Writer => false,
        }
    }

    /// For a program that receives without calls: the position of the record that is waited for.
    pub fn set_position(&self, at: u32) {
        if let What::Message { position, .. } = &self.what {
            position.store(at, Ordering::SeqCst);
        }
    }

    /// Ends every wait of this waiter and its clones, those that begin later too.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        if let What::Room { .. } = self.what {
            self.handle.drop_ticket();
        }
        self.look_again();
    }

    /// Makes waiters check.
    pub fn look_again(&self) {
        // They also check after a while.
        if self.handle.object.may_store(&self.handle.control) == Ok(true) {
            wake::wake_all(&self.handle.control, self.place());
        }
    }

    /// Has waits fail with [`Error::PeerGone`] once the required peers are gone: another handle, the creator, or
    /// the exclusive writer, if there ever was one.
    pub fn require_peer(&self, required: RequirePeer, writer: bool) {
        let writer = if writer { WRITER } else { 0 };
        self.peer.store(required as u32 | writer, Ordering::SeqCst);
    }
}

impl Handle {
    /// Whether a living participant is the exclusive writer.
    fn has_writer(&self) -> bool {
        self.ring.exclusive().is_some_and(|writer| self.live_writer(writer).is_some())
    }

    /// Whether a message of that many bytes can be sent, or sending it fails. Room is kept for it.
    fn has_room(&self, byte_length: u64, since: u32, exclusive: bool) -> Result<bool> {
        if byte_length > self.ring.max_byte_length() || self.check_writable().is_err() {
            return Ok(true); // sending says so
        }
        let units = self.ring.units_of(byte_length);
        let held = match exclusive {
            true => None,
            false => match self.lock_writers(Duration::ZERO) {
                Ok(held) => Some(held),
                // Its holder wakes no waiter: check again soon.
                Err(Error::Timeout { .. } | Error::LockHeld) => return Ok(false),
                Err(_) => return Ok(true),
            },
        };
        if !exclusive && self.check_exclusive().is_err() {
            return Ok(true);
        }
        let ready = match self.ring.writing() {
            Ok(writing) => self.room(&writing, units, (!exclusive).then_some(since))?.is_some(),
            Err(_) => true,
        };
        drop(held);
        Ok(ready)
    }
}
