//! Taking the lock, for one operation or for several.

use super::{Handle, MmFile};
use crate::control::Tail;
use crate::error::{Error, Result};
use crate::lock::{Acquired, Deadline, Hold, thread_id};
use crate::wake;
use raw_sync::Timeout;
use std::marker::PhantomData;
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
        let timeout = timeout.unwrap_or(Timeout::Val(self.handle.lock_timeout));
        LockGuard::acquire(&self.handle, &Deadline::after(&timeout))
    }

    /// Takes the lock if it is free. `None` if somebody else has it.
    ///
    /// # Errors
    /// [`Error::LockHeld`] if this handle or this thread has it.
    pub fn try_lock(&self) -> Result<Option<LockGuard>> {
        match LockGuard::acquire(&self.handle, &Deadline::after(&Timeout::Val(Duration::ZERO))) {
            Ok(guard) => Ok(Some(guard)),
            Err(Error::Timeout { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The lock, held over several operations. Dropping it lets the next one in.
#[derive(Debug)]
pub struct LockGuard {
    handle: Arc<Handle>,
    abandoned: bool,
    /// Whether it is left to the next holder to repair the file.
    unrepaired: bool,
    /// The lock belongs to the thread that took it.
    _thread: PhantomData<*const ()>,
}

impl LockGuard {
    fn acquire(handle: &Arc<Handle>, deadline: &Deadline) -> Result<Self> {
        let thread = thread_id();
        if handle.section.load(Ordering::Acquire) == thread {
            return Err(Error::LockHeld);
        }
        let acquired = handle.lock.acquire(deadline, Hold::Section)?;
        handle.section.store(thread, Ordering::Release);
        let abandoned = acquired == Acquired::Abandoned;
        let unrepaired = abandoned && !handle.recover();
        Ok(Self { handle: Arc::clone(handle), abandoned, unrepaired, _thread: PhantomData })
    }

    /// Whether the holder before died with the lock. The file has been repaired since.
    #[must_use]
    pub fn abandoned(&self) -> bool {
        self.abandoned
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        self.handle.section.store(0, Ordering::Release);
        if self.unrepaired {
            self.handle.lock.release_abandoned(Hold::Section);
        } else {
            self.handle.lock.release(Hold::Section);
        }
    }
}

/// Releases what one operation took, however the operation ends.
struct Operation<'a> {
    handle: &'a Handle,
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        self.handle.lock.release(Hold::Operation);
    }
}

impl Handle {
    /// Whether this thread has the lock already, or no lock is taken at all.
    fn needs_no_lock(&self) -> bool {
        if !self.synchronized {
            return true;
        }
        let section = self.section.load(Ordering::Acquire);
        section != 0 && section == thread_id()
    }

    /// Does one change under the lock, and wakes those who wait for it.
    pub(super) fn change<R>(&self, work: impl FnOnce() -> Result<R>) -> Result<R> {
        let result = if self.needs_no_lock() {
            work()
        } else {
            let deadline = Deadline::after(&Timeout::Val(self.lock_timeout));
            let acquired = self.lock.acquire(&deadline, Hold::Operation)?;
            let operation = Operation { handle: self };
            crate::fault::point("change.locked");
            if acquired == Acquired::Abandoned {
                self.recover();
            }
            let result = work();
            drop(operation);
            crate::fault::point("change.unlocked");
            result
        };
        wake::signal(&self.control);
        result
    }

    /// The committed end, with what foreign writers appended in it.
    ///
    /// What is damaged behind the end is not an error of those who only ask for the end.
    pub(super) fn refresh(&self) -> Result<Tail> {
        match self.refresh_strictly(self.lock_timeout) {
            Err(Error::Corrupt { .. }) => Ok(self.control.tail()),
            other => other,
        }
    }

    /// As [`Self::refresh`], for those who need what comes next and know how long they can wait.
    pub(super) fn refresh_strictly(&self, lock_timeout: Duration) -> Result<Tail> {
        if !self.segments.has_more(&self.control) {
            return Ok(self.control.tail());
        }
        if self.needs_no_lock() {
            return self.segments.adopt(&self.control);
        }
        let deadline = Deadline::after(&Timeout::Val(lock_timeout));
        if self.lock.acquire(&deadline, Hold::Operation)? == Acquired::Abandoned && !self.recover()
        {
            // A reader cannot tell what of this is whole: it goes by the tail.
            self.lock.release_abandoned(Hold::Operation);
            return Ok(self.control.tail());
        }
        let operation = Operation { handle: self };
        let tail = self.segments.adopt(&self.control);
        drop(operation);
        wake::signal(&self.control);
        tail
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
