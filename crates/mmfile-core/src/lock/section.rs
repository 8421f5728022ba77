//! Holding the lock over several operations.

use crate::control::{Control, LockPlace, participants};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::object::Object;
use crate::platform::{Acquired, Hold, Holder, RawMutex, Surroundings, thread_id};
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The handle that holds a lock; `None` if none does, or that is not known.
pub(crate) fn holder(control: &Control, place: LockPlace) -> Option<u64> {
    let (nonce, _) = control.lock_holder(place);
    (nonce != 0 && RawMutex::new(control, place).is_held()).then_some(nonce)
}

/// The lock of one handle's object, and which thread of this handle holds it over several operations.
#[derive(Debug)]
pub(crate) struct Section {
    mutex: RawMutex,
    control: Control,
    place: LockPlace,
    object: Arc<Object>,
    /// The thread whose operations work inside the lock, or 0.
    owner: AtomicU32,
    /// Whether this handle has released the lock and could not store that.
    forgotten: AtomicBool,
}

impl Section {
    pub(crate) fn new(control: &Control, place: LockPlace, object: &Arc<Object>) -> Self {
        Self {
            mutex: RawMutex::new(control, place),
            control: control.clone(),
            place,
            object: Arc::clone(object),
            owner: AtomicU32::new(0),
            forgotten: AtomicBool::new(false),
        }
    }

    /// Acquires the lock for the calling thread.
    pub(crate) fn acquire(&self, deadline: &Deadline, hold: Hold) -> Result<Acquired> {
        if !self.object.is_own() {
            return Err(Error::forked());
        }
        self.object.check_writable(&self.control)?;
        let acquired = self
            .mutex
            .acquire(deadline, hold, self)
            .map_err(|error| error.held_by(|| self.holder_pid()))?;
        self.forgotten.store(false, Ordering::Relaxed);
        if acquired == Acquired::Abandoned {
            self.control.set_lock_owner(self.place, 0); // a dead holder's
        }
        self.control.set_lock_holder(self.place, self.object.nonce(), thread_id());
        Ok(acquired)
    }

    /// The process of the handle that holds the lock; `None` if none does, or that is not known.
    pub(crate) fn holder_pid(&self) -> Option<u32> {
        let nonce = holder(&self.control, self.place)?;
        participants::rows(&self.control).find(|row| row.nonce == nonce).map(|row| row.pid)
    }

    /// Whether the thread that the lock names as its holder is alive. A sandbox may keep the lock from the
    /// kernel, which then does not report a death.
    fn holder_of(&self, thread: u32) -> Holder {
        let (nonce, holder) = self.control.lock_holder(self.place);
        let is_forgotten = nonce == self.object.nonce() && self.forgotten.load(Ordering::Relaxed);
        let is_alive = nonce != 0 && !is_forgotten && self.object.is_alive(nonce);
        if nonce != 0 && holder == thread && !is_alive {
            return Holder::Dead;
        }
        // The handle can outlive the thread, and another thread's record says nothing about this one.
        let may_have_ended = !is_alive || holder == thread;
        if may_have_ended && self.control.is_of_this_namespace() {
            Holder::Unknown
        } else {
            Holder::Alive
        }
    }

    /// Records which participant and thread hold the lock. A forked child is not a holder: when it drops its
    /// parent's guard, the parent still holds the lock.
    #[inline(always)]
    fn set_holder(&self, nonce: u64, thread: u32) {
        if self.object.is_own() {
            self.control.set_lock_holder(self.place, nonce, thread);
        }
    }

    /// Releases the lock in the state `left`: abandoned, if the next holder should repair a dead holder's work.
    pub(crate) fn release(&self, hold: Hold, left: Acquired) {
        // The disk may have become full since the lock was acquired, or the file may have been cut.
        if self.object.check_writable(&self.control).is_ok() {
            self.set_holder(0, 0);
            if hold == Hold::Section && self.object.is_own() {
                self.control.set_lock_owner(self.place, 0);
                if left == Acquired::Clean {
                    self.control.end_section();
                    crate::fault::point("section.ended");
                }
            }
            self.mutex.release(hold, left);
        } else {
            self.mutex.forget(hold);
            self.forgotten.store(true, Ordering::Relaxed);
        }
    }

    /// As [`Self::release`] of the lock for one operation that has just stored to the control block.
    pub(crate) fn release_at_once(&self) {
        self.set_holder(0, 0);
        self.mutex.release(Hold::Operation, Acquired::Clean);
    }

    /// Whether the last holder died and no other has acquired the lock yet.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.mutex.is_abandoned()
    }

    /// Takes the lock for one operation of the calling thread. `None` if another thread has got it for
    /// this one's operations meanwhile: a thread that then waited for the lock would wait for itself.
    pub(crate) fn operate(&self, deadline: &Deadline) -> Result<Option<Acquired>> {
        match self.acquire(deadline, Hold::Operation) {
            Err(Error::LockHeld | Error::Timeout { .. }) if self.is_mine() => Ok(None),
            acquired => acquired.map(Some),
        }
    }

    /// Whether the calling thread's operations are inside.
    pub(crate) fn is_mine(&self) -> bool {
        let owner = self.owner.load(Ordering::Acquire);
        owner != 0 && owner == thread_id()
    }

    /// Takes the lock on the calling thread, for the operations of thread `owner`. `keep` lives as long as
    /// the guard.
    pub(crate) fn enter(
        self: &Arc<Self>,
        deadline: &Deadline,
        owner: u32,
        keep: Arc<dyn Any + Send + Sync>,
    ) -> Result<LockGuard> {
        if self.owner.load(Ordering::Acquire) == owner {
            return Err(Error::LockHeld);
        }
        let acquired = self.acquire(deadline, Hold::Section);
        let mut unfinished = false;
        if acquired.is_ok() {
            // An operation may have acquired the lock from the dead holder, and repaired its work.
            unfinished = self.control.begin_section();
            crate::fault::point("section.locked");
            self.owner.store(owner, Ordering::Release);
            crate::fault::point("section.owned");
            if owner != thread_id() {
                self.control.set_lock_owner(self.place, owner);
                self.mutex.nudge(); // the owner may wait for the lock: see `operate`
            }
        }
        let acquired = acquired?;
        let section = Arc::clone(self);
        let leaves = Acquired::Clean;
        Ok(LockGuard { section, acquired, unfinished, leaves, _keep: keep, _thread: PhantomData })
    }

    /// The owner's operations are outside from here on; the lock is released soon after.
    fn disown(&self) {
        self.owner.store(0, Ordering::Release);
    }

    /// Whether another handle of this process, of whichever copy of the library, has the lock for the operations of
    /// the calling thread: it could not release it while it waits.
    fn is_held_for_caller(&self) -> bool {
        if self.control.lock_owner(self.place) != thread_id() {
            return false;
        }
        let (nonce, _) = self.control.lock_holder(self.place);
        participants::rows(&self.control)
            .any(|row| row.nonce == nonce && row.pid == std::process::id())
    }

    /// As [`Self::disown`], and a holder that still waits for the lock checks whether it should.
    pub(crate) fn give_up(&self) {
        self.disown();
        if self.object.check_writable(&self.control).is_ok() {
            self.mutex.nudge();
        }
    }
}

impl Surroundings for Section {
    fn before_sleep(&self, thread: u32) -> Result<Holder> {
        if self.is_mine() || self.is_held_for_caller() {
            return Err(Error::LockHeld);
        }
        self.object.check_named(&self.control)?;
        Ok(self.holder_of(thread))
    }

    fn after_sleep(&self) -> Result<()> {
        self.object.check_writable(&self.control)
    }
}

/// The lock, held over several operations. Dropping it lets the next one in.
pub struct LockGuard {
    section: Arc<Section>,
    acquired: Acquired,
    /// Whether the section before did not come to its end.
    unfinished: bool,
    /// How the next holder finds it.
    leaves: Acquired,
    _keep: Arc<dyn Any + Send + Sync>,
    /// The lock belongs to the thread that took it.
    _thread: PhantomData<*const ()>,
}

impl LockGuard {
    /// Whether the section before was not completed, or the holder before died with the lock. The file has been
    /// repaired since.
    #[must_use]
    pub fn abandoned(&self) -> bool {
        self.unfinished || self.needs_repair()
    }

    /// Whether the holder before died with the lock, and what it left is not repaired.
    pub(crate) fn needs_repair(&self) -> bool {
        self.acquired == Acquired::Abandoned
    }

    /// Makes the next holder find the lock abandoned: this holder's section is not complete, or it could not
    /// repair the work of the one before.
    pub fn abandon(&mut self) {
        self.leaves = Acquired::Abandoned;
    }
}

impl std::fmt::Debug for LockGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LockGuard").field("abandoned", &self.abandoned()).finish_non_exhaustive()
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        self.section.disown();
        crate::fault::point("section.disowned");
        self.section.release(Hold::Section, self.leaves);
    }
}
