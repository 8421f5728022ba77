//! Taking the lock, for one operation or for several.

use super::{Handle, MmFile};
use crate::control::Tail;
use crate::error::{Error, Result};
use crate::lock::{Acquired, Deadline, Hold, LockGuard, LockHolder, thread_id};
use crate::wake;
use raw_sync::Timeout;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl MmFile {
    /// Takes the lock over several operations; those of this handle work inside it.
    ///
    /// It waits as long as `timeout` says, or for the handle's own time limit if it says nothing.
    /// The guard belongs to the calling thread.
    ///
    /// # Errors
    /// [`Error::LockHeld`] if this handle or this thread has it already, [`Error::Timeout`].
    pub fn lock(&self, timeout: Option<Timeout>) -> Result<LockGuard> {
        let timeout = timeout.unwrap_or(Timeout::Val(self.handle.settings.lock_timeout));
        self.handle.enter(&Deadline::after(&timeout), thread_id())
    }

    /// Takes the lock if it is free. `None` if somebody else has it.
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

    /// A thread that can hold the lock for this handle, for those who must not block or who move
    /// between threads.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if the system has no thread left.
    pub fn lock_holder(&self) -> Result<LockHolder> {
        let [enters, wants, leaves] = [(); 3].map(|()| Arc::clone(&self.handle));
        LockHolder::start(
            Box::new(move |deadline, owner| enters.enter(deadline, owner)),
            Box::new(move |owner| wants.section.want(owner)),
            Box::new(move || leaves.section.give_up()),
        )
    }
}

/// Releases what one operation took, however the operation ends.
struct Operation<'a> {
    handle: &'a Handle,
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        self.handle.section.lock.release(Hold::Operation);
    }
}

impl Handle {
    /// Takes the lock for the operations of thread `owner`, and repairs what a dead holder left.
    fn enter(self: &Arc<Self>, deadline: &Deadline, owner: u32) -> Result<LockGuard> {
        self.place.check_whole(self.control.capacity())?;
        let keep: Arc<Self> = Arc::clone(self);
        let mut guard = self.section.enter(deadline, owner, keep)?;
        if guard.abandoned() && !self.recover() {
            guard.leave_unrepaired();
        }
        Ok(guard)
    }

    /// Whether this thread has the lock already, or no lock is taken at all.
    fn needs_no_lock(&self) -> bool {
        !self.settings.synchronized || self.section.is_mine()
    }

    /// Does one change under the lock, and wakes those who wait for it.
    pub(super) fn change<R>(&self, work: impl FnOnce() -> Result<R>) -> Result<R> {
        self.place.check_whole(self.control.capacity())?;
        let acquired = if self.needs_no_lock() {
            None
        } else {
            let deadline = Deadline::after(&Timeout::Val(self.settings.lock_timeout));
            self.section.operate(&deadline)?
        };
        let Some(acquired) = acquired else {
            let result = work();
            wake::signal(&self.control);
            return result;
        };
        let operation = Operation { handle: self };
        crate::fault::point("change.locked");
        if acquired == Acquired::Abandoned {
            self.recover();
        }
        let result = work();
        drop(operation);
        crate::fault::point("change.unlocked");
        wake::signal_after_release(&self.control);
        result
    }

    /// The committed end, with what foreign writers appended in it.
    ///
    /// What is damaged behind the end is not an error of those who only ask for the end.
    pub(super) fn refresh(&self) -> Result<Tail> {
        self.place.check_whole(self.control.capacity())?;
        match self.refresh_strictly(self.settings.lock_timeout) {
            Err(Error::Corrupt { .. }) => Ok(self.control.tail()),
            other => other,
        }
    }

    /// As [`Self::refresh`], for those who need what comes next and know how long they can wait.
    pub(super) fn refresh_strictly(&self, lock_timeout: Duration) -> Result<Tail> {
        self.place.check_whole(self.control.capacity())?;
        if !self.segments.has_more(&self.control) && !self.has_dead_holder() {
            return Ok(self.control.tail());
        }
        if self.needs_no_lock() {
            return self.segments.adopt(&self.control);
        }
        let deadline = Deadline::after(&Timeout::Val(lock_timeout));
        let Some(acquired) = self.section.operate(&deadline)? else {
            return self.segments.adopt(&self.control);
        };
        if acquired == Acquired::Abandoned && !self.recover() {
            // A reader cannot tell what of this is whole: it goes by the tail.
            self.section.lock.release_abandoned(Hold::Operation);
            return Ok(self.control.tail());
        }
        let operation = Operation { handle: self };
        let tail = if self.segments.can_repair() {
            self.segments.begin(&self.control)
        } else {
            self.segments.adopt(&self.control)
        };
        drop(operation);
        wake::signal_after_release(&self.control);
        tail
    }

    /// Whether there may be more than the control block says, since its last writer died before the
    /// end of its work, and this handle is one that can look.
    fn has_dead_holder(&self) -> bool {
        self.settings.synchronized && self.segments.can_repair() && self.section.lock.is_abandoned()
    }

    /// Repairs the file behind a dead holder, if this handle may write.
    fn recover(&self) -> bool {
        if !self.segments.can_repair() {
            return false;
        }
        self.segments.repair(&self.control);
        self.recovered.fetch_add(1, Ordering::Relaxed);
        crate::fault::point("recovered");
        true
    }
}
