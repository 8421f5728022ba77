//! Holding the lock over several operations.

use super::{Acquired, Deadline, Hold, ProcessLock, thread_id};
use crate::error::{Error, Result};
use raw_sync::Timeout;
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A lock, and which thread of this handle holds it over several operations.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) lock: ProcessLock,
    /// The thread whose operations work inside the lock, or 0.
    owner: AtomicU32,
    /// The thread for whose operations another one is about to take the lock, or 0.
    wanted: AtomicU32,
}

impl Section {
    pub(crate) fn new(lock: ProcessLock) -> Self {
        Self { lock, owner: AtomicU32::new(0), wanted: AtomicU32::new(0) }
    }

    /// Another thread is going to take the lock for the operations of this one: see [`Self::operate`].
    pub(crate) fn want(&self, owner: u32) {
        self.wanted.store(owner, Ordering::Release);
    }

    /// Takes the lock for one operation of the calling thread. `None` if another thread has got it for
    /// this one's operations meanwhile: who then waited for the lock would wait for himself.
    pub(crate) fn operate(&self, deadline: &Deadline) -> Result<Option<Acquired>> {
        /// Between two looks.
        const LOOK: Duration = Duration::from_millis(2);
        loop {
            let wanted = self.wanted.load(Ordering::Acquire);
            if wanted == 0 || wanted != thread_id() {
                return self.lock.acquire(deadline, Hold::Operation).map(Some);
            }
            let limit = deadline.slice(LOOK).unwrap_or_default();
            let soon = Deadline::after(&Timeout::Val(limit));
            match self.lock.acquire(&soon, Hold::Operation) {
                Err(Error::Timeout { .. }) if self.is_mine() => return Ok(None),
                Err(Error::Timeout { .. }) if deadline.slice(LOOK).is_some() => {}
                other => return other.map(Some),
            }
        }
    }

    /// Whether the calling thread's operations are inside.
    pub(crate) fn is_mine(&self) -> bool {
        let owner = self.owner.load(Ordering::Acquire);
        owner != 0 && owner == thread_id()
    }

    /// Takes the lock on the calling thread, for the operations of thread `owner`. What has to live
    /// as long as the guard goes into `keep`.
    pub(crate) fn enter(
        self: &Arc<Self>,
        deadline: &Deadline,
        owner: u32,
        keep: Arc<dyn Any + Send + Sync>,
    ) -> Result<LockGuard> {
        if self.owner.load(Ordering::Acquire) == owner {
            return Err(Error::LockHeld);
        }
        let acquired = self.lock.acquire(deadline, Hold::Section);
        if acquired.is_ok() {
            crate::fault::point("section.locked");
            self.owner.store(owner, Ordering::Release);
            crate::fault::point("section.owned");
        }
        if owner != thread_id() {
            self.want(0);
        }
        let abandoned = acquired? == Acquired::Abandoned;
        let section = Arc::clone(self);
        let unrepaired = false;
        Ok(LockGuard { section, abandoned, unrepaired, _keep: keep, _thread: PhantomData })
    }

    /// The owner's operations are outside from here on; the lock is released soon after.
    fn disown(&self) {
        self.owner.store(0, Ordering::Release);
    }

    /// As [`Self::disown`], and a holder that still waits for the lock looks whether it should.
    pub(crate) fn give_up(&self) {
        self.disown();
        self.lock.nudge();
    }
}

/// The lock, held over several operations. Dropping it lets the next one in.
pub struct LockGuard {
    section: Arc<Section>,
    abandoned: bool,
    unrepaired: bool,
    _keep: Arc<dyn Any + Send + Sync>,
    /// The lock belongs to the thread that took it.
    _thread: PhantomData<*const ()>,
}

impl LockGuard {
    /// Whether the holder before died with the lock. What it left has been repaired since.
    #[must_use]
    pub fn abandoned(&self) -> bool {
        self.abandoned
    }

    /// Leaves it to the next holder to repair what the dead one left.
    pub(crate) fn leave_unrepaired(&mut self) {
        self.unrepaired = true;
    }
}

impl std::fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LockGuard").field("abandoned", &self.abandoned).finish_non_exhaustive()
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        self.section.disown();
        crate::fault::point("section.disowned");
        if self.unrepaired {
            self.section.lock.release_abandoned(Hold::Section);
        } else {
            self.section.lock.release(Hold::Section);
        }
    }
}
