//! How far a file is committed, as one handle knows it: the end in the control block, and the segments behind it that
//! come from foreign writers, which know nothing of control blocks.
//!
//! A read-only handle stores nothing: it counts such segments for itself. The next append of a process of the
//! package moves the committed end for all.

use super::handle::Handle;
use super::lock::Operation;
use crate::control::{Control, Tail, WakePlace, participants};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::platform::Acquired;
use crate::wake;
use raw_sync::Timeout;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Handle {
    /// The control block with the committed end.
    pub(super) fn source(&self) -> &Control {
        self.source.as_ref().unwrap_or(&self.control)
    }

    /// The committed end, as far as this handle knows it. Its size may be a little younger than its count.
    pub(super) fn committed(&self) -> Tail {
        let tail = self.source().tail();
        if self.counted.count.load(Ordering::Acquire) <= tail.count {
            return tail;
        }
        // Also while a writer is between its two stores, and the size already includes more segments than the
        // count.
        let counted = *self.counted.tail.lock().unwrap_or_else(PoisonError::into_inner);
        counted.unwrap_or(tail)
    }

    /// Whether there is a segment `index`, as far as this handle knows.
    pub(super) fn has(&self, index: u64) -> bool {
        self.source().count() > index || self.counted.count.load(Ordering::Acquire) > index
    }

    /// Whether the file takes no more segments, as far as this handle knows.
    pub(super) fn is_sealed(&self) -> bool {
        self.source().is_sealed() || self.counted.sealed.load(Ordering::Acquire)
    }

    /// Whether another process may be writing although this handle holds the lock.
    pub(super) fn has_unsynchronized_writer(&self) -> bool {
        let own = self.object.nonce();
        participants::rows(&self.control).any(|row| {
            row.mode.writes_without_lock() && row.nonce != own && self.object.is_alive(row.nonce)
        })
    }

    /// The committed end, after adopting what foreign writers appended.
    ///
    /// Damage behind the end is no error for a caller that only asks for the end.
    pub(super) fn refresh(&self) -> Result<Tail> {
        self.check_whole()?;
        match self.refresh_whole(self.settings.lock_timeout) {
            Err(Error::Corrupt { .. }) => Ok(self.committed()),
            other => other,
        }
    }

    /// As [`Self::refresh`], for a caller that needs what comes next and knows how long it can wait.
    pub(super) fn refresh_strictly(&self, lock_timeout: Duration) -> Result<Tail> {
        self.check_whole()?;
        self.refresh_whole(lock_timeout)
    }

    /// The same for a file that is known to have its whole size.
    fn refresh_whole(&self, lock_timeout: Duration) -> Result<Tail> {
        let known = self.committed();
        if !self.segments.has_more(known, self.is_sealed()) && !self.has_dead_holder() {
            return Ok(known);
        }
        if self.section.is_mine() {
            return self.count(true);
        }
        if !self.settings.mode.synchronized || self.source.is_some() {
            return self.count(false);
        }
        let deadline = Deadline::after(&Timeout::Val(lock_timeout));
        let acquired = match self.section.operate(&deadline) {
            // Without room on the disk there is no lock either.
            Err(Error::NoSpace { .. }) => return self.count(false),
            acquired => acquired?,
        };
        // A thread that holds the lock for this one's operations.
        let Some(acquired) = acquired else { return self.count(true) };
        let mut operation = Operation { handle: self, leaves: Acquired::Clean, failed: true };
        if acquired == Acquired::Abandoned && !matches!(self.recover(), Ok(true)) {
            // A reader cannot tell which of them are whole: it uses the tail.
            operation.leaves = Acquired::Abandoned;
            return Ok(known);
        }
        let is_left = self.control.is_unfinished() && !self.control.is_sealed();
        let repairs = is_left && self.segments.can_repair() && !self.has_unsynchronized_writer();
        if repairs && self.segments.repair(&self.control).is_err() {
            return Ok(known);
        }
        let tail = self.count(true);
        drop(operation);
        if self.object.may_store(&self.control) == Ok(true) {
            wake::signal_after_release(&self.control, WakePlace::News);
        }
        tail
    }

    /// Counts what is there behind the committed end. If writers are not `excluded`, nothing is counted while
    /// one is writing.
    fn count(&self, excluded: bool) -> Result<Tail> {
        let known = self.committed();
        // A writer may have moved the end between the loads of its two halves: then they do not belong
        // together.
        if self.source().is_unfinished() || self.committed() != known {
            return Ok(known);
        }
        let chain = self.segments.follow(known, excluded);
        // It may have begun since.
        if !excluded && self.source().is_unfinished() {
            return Ok(known);
        }
        let mut counted = self.counted.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if chain.end != known && counted.is_none_or(|it| it.size < chain.end.size) {
            *counted = Some(chain.end);
            self.counted.count.store(chain.end.count, Ordering::Release);
        }
        self.counted.sealed.fetch_or(chain.is_sealed(), Ordering::AcqRel);
        chain.valid_end()
    }

    /// Whether there may be more segments than in the control block, since its last writer died in the middle
    /// of its work, and this handle can repair.
    fn has_dead_holder(&self) -> bool {
        self.settings.mode.synchronized && self.segments.can_repair() && self.section.is_abandoned()
    }
}
