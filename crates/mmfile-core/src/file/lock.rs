//! Taking the lock, for one operation or for several.

use super::MmFile;
use super::handle::Handle;
use crate::control::WakePlace;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::lock::{LockGuard, LockHolder};
use crate::platform::{Acquired, Hold, thread_id};
use crate::wake;
use raw_sync::Timeout;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl MmFile {
    /// Takes the lock for several operations; operations of this handle work inside the lock.
    ///
    /// It waits as long as `timeout` says, or for the handle's own time limit if `timeout` is `None`. The guard belongs
    /// to the calling thread.
    ///
    /// # Errors
    /// [`Error::LockHeld`] if this handle or this thread has it already, [`Error::Timeout`].
    pub fn lock(&self, timeout: Option<Timeout>) -> Result<LockGuard> {
        let timeout = timeout.unwrap_or(Timeout::Val(self.handle.settings.lock_timeout));
        self.handle.enter(&Deadline::after(&timeout), thread_id())
    }

    /// Takes the lock if it is free. `None` if it is not.
    ///
    /// # Errors
    /// [`Error::LockHeld`] if this handle or this thread has it.
    pub fn try_lock(&self) -> Result<Option<LockGuard>> {
        let now = Deadline::after(&Timeout::Val(Duration::ZERO));
        match self.handle.enter(&now, thread_id()) {
            Ok(guard) => Ok(Some(guard)),
            Err(Error::Timeout { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The process that holds the lock; `None` if none does, or that is not known.
    #[must_use]
    pub fn lock_holder_pid(&self) -> Option<u32> {
        self.handle.section.holder_pid()
    }

    /// A thread that can hold the lock for this handle, for callers that must not block or that move between
    /// threads.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if the system has no thread left.
    pub fn lock_holder(&self) -> Result<LockHolder> {
        let handle = Arc::clone(&self.handle);
        let enter = Box::new(move |deadline: &_, owner| handle.enter(deadline, owner));
        LockHolder::start(&self.handle.section, enter)
    }
}

/// Releases what one operation took, however the operation ends.
pub(super) struct Operation<'a> {
    pub(super) handle: &'a Handle,
    /// How the next holder finds the lock.
    pub(super) leaves: Acquired,
    /// Whether there may be no room on the disk for the release either.
    pub(super) failed: bool,
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        let section = &self.handle.section;
        if self.leaves == Acquired::Clean && !self.failed {
            section.release_at_once();
        } else {
            section.release(Hold::Operation, self.leaves);
        }
    }
}

impl Handle {
    /// Takes the lock for the operations of thread `owner`, and repairs what a dead holder left.
    fn enter(self: &Arc<Self>, deadline: &Deadline, owner: u32) -> Result<LockGuard> {
        self.check_not_filling()?;
        let keep: Arc<Self> = Arc::clone(self);
        let mut guard = self.section.enter(deadline, owner, keep)?;
        if guard.needs_repair() {
            match self.recover() {
                Ok(true) => {}
                Ok(false) => guard.abandon(),
                Err(error) => {
                    guard.abandon();
                    return Err(error);
                }
            }
        }
        Ok(guard)
    }

    /// Whether this thread has the lock already, or no lock is taken at all.
    fn needs_no_lock(&self) -> bool {
        !self.settings.mode.synchronized || self.section.is_mine()
    }

    /// Makes one change under the lock, and wakes waiters.
    pub(super) fn change<R>(&self, work: impl FnOnce() -> Result<R>) -> Result<R> {
        self.check_not_filling()?;
        let acquired = if self.needs_no_lock() {
            self.object.check_writable(&self.control)?;
            None
        } else {
            let deadline = Deadline::after(&Timeout::Val(self.settings.lock_timeout));
            self.section.operate(&deadline)?
        };
        let Some(acquired) = acquired else {
            let result = work();
            if result.is_ok() || self.object.may_store(&self.control) == Ok(true) {
                wake::signal(&self.control, WakePlace::News);
            }
            return result;
        };
        let mut operation = Operation { handle: self, leaves: Acquired::Clean, failed: true };
        crate::fault::point("change.locked");
        if acquired == Acquired::Abandoned
            && let Err(error) = self.recover()
        {
            operation.leaves = Acquired::Abandoned;
            return Err(error);
        }
        let result = work();
        operation.failed = result.is_err();
        drop(operation);
        crate::fault::point("change.unlocked");
        // One that failed may have counted what another program appended. There may be no room for the wake-up either.
        if result.is_ok() || self.object.may_store(&self.control) == Ok(true) {
            wake::signal_after_release(&self.control, WakePlace::News);
        }
        result
    }

    /// Repairs the file behind a dead holder, if this handle may write: whether it may.
    pub(super) fn recover(&self) -> Result<bool> {
        if !self.segments.can_repair() {
            return Ok(false);
        }
        // An unfinished intent may belong to a living writer that takes no lock.
        if !self.has_unsynchronized_writer() {
            self.segments.repair(&self.control)?;
        }
        self.recovered.fetch_add(1, Ordering::Relaxed);
        crate::fault::point("recovered");
        Ok(true)
    }
}
