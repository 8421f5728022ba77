//! The lock of a control block: a named kernel mutex, which the kernel releases when its holder dies. The next
//! holder learns of it.
//!
//! Its name is the one that .NET's `Mutex.OpenExisting` opens. Two words in the control block belong to it:
//! the thread that holds it, so that checking it needs no system call, and whether a handle that could not
//! repair found it abandoned, since the kernel reports a death only once. docs/decisions/0011-windows.md
//! gives the reasons.

use super::sync_objects::{KernelMutex, MutexState, Waited};
use crate::control::layout::OFF_LOCK;
use crate::control::{Control, LockPlace};
use crate::deadline::Deadline;
use crate::error::{Error, OsError, Result};
use crate::platform::locks::{Acquired, Hold, Surroundings};
use crate::platform::thread_id;
use crate::timeouts::LOCK_SLEEP;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The thread id of the holder. Nothing is decided by it but whether to ask the kernel.
const OFF_OWNER: u64 = OFF_LOCK;
/// Not 0 while what a dead holder left has still to be repaired.
const OFF_UNREPAIRED: u64 = OFF_LOCK + 4;

/// The lock of one control block.
#[derive(Debug, Clone)]
pub(crate) struct RawMutex {
    control: Control,
    place: LockPlace,
}

impl RawMutex {
    /// A lock of a control block.
    pub(crate) fn new(control: &Control, place: LockPlace) -> Self {
        Self { control: control.clone(), place }
    }

    /// Initializes the lock of a control block that no other process uses.
    pub(crate) fn initialize(control: &Control, place: LockPlace) -> Result<()> {
        let lock = Self::new(control, place);
        lock.mutex()?;
        lock.owner().store(0, Ordering::Relaxed);
        lock.unrepaired().store(0, Ordering::Relaxed);
        Ok(())
    }

    fn mutex(&self) -> Result<&KernelMutex> {
        let unsupported = Error::unsupported("the lock of a control block that is only read");
        self.control.sync().mutex(self.place).ok_or(unsupported)
    }

    fn owner(&self) -> &AtomicU32 {
        self.control.word(OFF_OWNER + self.place.shift())
    }

    fn unrepaired(&self) -> &AtomicU32 {
        self.control.word(OFF_UNREPAIRED + self.place.shift())
    }

    /// Waits for the lock until the deadline. `around` can end the wait.
    pub(crate) fn acquire(
        &self,
        deadline: &Deadline,
        _: Hold,
        around: &impl Surroundings,
    ) -> Result<Acquired> {
        let mutex = self.mutex()?;
        // The kernel would give it to the same thread again.
        if self.owner().load(Ordering::Relaxed) == thread_id()
            && mutex.state().is_none_or(|state| state.is_mine)
        {
            return Err(Error::LockHeld);
        }
        crate::fault::point("lock.announced");
        let mut limit = Duration::ZERO;
        let died = loop {
            match mutex.wait(limit) {
                Waited::Acquired => break false,
                Waited::Abandoned => break true,
                Waited::TimedOut => {}
                Waited::Failed => {
                    let os = Some(OsError::last("WaitForSingleObject"));
                    let reason = "the system refuses it";
                    return Err(Error::Access { id: "the lock".into(), reason, os });
                }
            }
            let waiting = Error::timeout("waiting for the lock");
            limit = deadline.slice(LOCK_SLEEP).ok_or(waiting)?;
            around.before_sleep(0)?; // the kernel knows whether the holder is dead
            crate::fault::point("lock.waiting");
        };
        crate::fault::point("lock.granted");
        self.owner().store(thread_id(), Ordering::Relaxed);
        crate::fault::point("lock.taken");
        let abandoned = died || self.unrepaired().load(Ordering::Relaxed) != 0;
        Ok(if abandoned { Acquired::Abandoned } else { Acquired::Clean })
    }

    /// Never called: its memory can be stored to.
    pub(crate) fn forget(&self, hold: Hold) {
        self.release(hold, Acquired::Abandoned);
    }

    /// Waiters check their deadlines by themselves.
    #[allow(clippy::unused_self, reason = "elsewhere they have to be woken")]
    pub(crate) fn nudge(&self) {}

    /// Whether its last holder died and no other has acquired it yet.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.unrepaired().load(Ordering::Relaxed) != 0
            || self.owner().load(Ordering::Relaxed) != 0
                && self.state().is_some_and(|state| state.is_abandoned)
    }

    /// Whether a living thread holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.state().is_some_and(|state| state.is_held)
    }

    fn state(&self) -> Option<MutexState> {
        self.control.sync().mutex(self.place)?.state()
    }

    /// Lets the next one in, which finds the lock as `left` says. The calling thread is the one that acquired.
    pub(crate) fn release(&self, _: Hold, left: Acquired) {
        let Ok(mutex) = self.mutex() else { return };
        crate::fault::point("release.before");
        if self.owner().load(Ordering::Relaxed) != thread_id()
            && mutex.state().is_some_and(|state| !state.is_mine)
        {
            return; // the guard of another thread
        }
        let unrepaired = u32::from(left == Acquired::Abandoned);
        self.unrepaired().store(unrepaired, Ordering::Relaxed);
        self.owner().store(0, Ordering::Relaxed);
        crate::fault::point("release.marked");
        mutex.release();
        crate::fault::point("release.unlocked");
    }
}
