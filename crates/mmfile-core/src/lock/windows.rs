//! A named kernel mutex: the kernel releases it when its holder dies, and says so to the next one.
//!
//! Its name is the one that .NET's `Mutex.OpenExisting` opens. Beside it there are two words in the
//! control block: who holds it, so that a look need not ask the kernel, and whether somebody who could
//! not repair found it abandoned, since the kernel tells of a death only once. docs/decisions/0011-windows.md
//! has the whole story.

use super::{Acquired, Deadline, Hold};
use crate::control::layout::OFF_LOCK;
use crate::error::{Error, OsError, Result};
use crate::mapping::Mapping;
use crate::mapping::windows::{Kernel, Waited};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use windows_sys::Win32::System::Threading::GetCurrentThreadId;

/// The holder's thread id, for those who look. Nothing is decided by it but whether to ask the kernel.
const OFF_OWNER: u64 = OFF_LOCK;
/// Not 0 while what a dead holder left has still to be repaired.
const OFF_UNREPAIRED: u64 = OFF_LOCK + 4;
/// The longest single sleep, after which a wait that was given up ends.
const SLICE: Duration = Duration::from_millis(20);

thread_local! {
    /// The locks that this thread holds: the kernel would give it each of them again and again.
    static HELD: RefCell<Vec<Arc<str>>> = const { RefCell::new(Vec::new()) };
}

/// The calling thread's id. The system gives none to two threads at a time.
pub(crate) fn thread_id() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { GetCurrentThreadId() }
}

/// The lock of one control block.
#[derive(Debug, Clone)]
pub(crate) struct ProcessLock {
    mapping: Arc<Mapping>,
}

impl ProcessLock {
    /// The lock of a control block that is finished.
    pub(crate) fn new(mapping: &Arc<Mapping>) -> Self {
        Self { mapping: Arc::clone(mapping) }
    }

    /// Makes the lock of a new control block, which nobody else can use yet.
    pub(crate) fn initialize(mapping: &Arc<Mapping>) -> Result<Self> {
        let lock = Self::new(mapping);
        lock.kernel()?;
        lock.word(OFF_OWNER)?.store(0, Ordering::Relaxed);
        lock.word(OFF_UNREPAIRED)?.store(0, Ordering::Relaxed);
        Ok(lock)
    }

    fn kernel(&self) -> Result<&Kernel> {
        let unsupported = Error::Unsupported { what: "a control block without a lock" };
        self.mapping.kernel().ok_or(unsupported)
    }

    fn word(&self, offset: u64) -> Result<&AtomicU32> {
        let unsupported = Error::Unsupported { what: "a control block without a lock" };
        self.mapping.region().atomic_u32(offset).ok_or(unsupported)
    }

    /// Waits for the lock until the deadline.
    pub(crate) fn acquire(&self, deadline: &Deadline, _: Hold) -> Result<Acquired> {
        let (kernel, owner) = (self.kernel()?, self.word(OFF_OWNER)?);
        let unrepaired = self.word(OFF_UNREPAIRED)?;
        if is_held(kernel) {
            return Err(Error::LockHeld);
        }
        crate::fault::point("lock.announced");
        let mut limit = Duration::ZERO;
        let died = loop {
            match kernel.lock().wait(limit) {
                Waited::Acquired => break false,
                Waited::Abandoned => break true,
                Waited::TimedOut => {}
                Waited::Failed => {
                    let os = Some(OsError::last("WaitForSingleObject"));
                    let id = kernel.name().to_string();
                    return Err(Error::Access { id, reason: "the system refuses its lock", os });
                }
            }
            let waiting = Error::Timeout { what: "waiting for the lock" };
            limit = deadline.slice(SLICE).ok_or(waiting)?;
            crate::fault::point("lock.waiting");
        };
        crate::fault::point("lock.granted");
        owner.store(thread_id(), Ordering::Relaxed);
        // Where the thread is being taken apart there is no list any more, and `leave` knows that.
        let _ = HELD.try_with(|held| held.borrow_mut().push(Arc::clone(kernel.name())));
        if died {
            unrepaired.store(1, Ordering::Relaxed);
        }
        crate::fault::point("lock.taken");
        let abandoned = unrepaired.load(Ordering::Relaxed) != 0;
        Ok(if abandoned { Acquired::Abandoned } else { Acquired::Clean })
    }

    /// Lets the next one in. The calling thread is the one that acquired.
    pub(crate) fn release(&self, _: Hold) {
        if let Ok(unrepaired) = self.word(OFF_UNREPAIRED) {
            unrepaired.store(0, Ordering::Relaxed);
        }
        self.leave();
    }

    /// Lets the next one in and leaves it to that one to repair what a dead holder left.
    pub(crate) fn release_abandoned(&self, _: Hold) {
        self.leave();
    }

    /// Those who wait look again by themselves.
    pub(crate) fn nudge(&self) {}

    /// Whether its last holder died and nobody has come for it yet.
    pub(crate) fn is_abandoned(&self) -> bool {
        let (Ok(kernel), Ok(owner), Ok(unrepaired)) =
            (self.kernel(), self.word(OFF_OWNER), self.word(OFF_UNREPAIRED))
        else {
            return false;
        };
        if owner.load(Ordering::Relaxed) != 0 && !is_held(kernel) {
            match kernel.lock().wait(Duration::ZERO) {
                Waited::Acquired => {
                    owner.store(0, Ordering::Relaxed);
                    kernel.lock().release();
                }
                Waited::Abandoned => {
                    // The kernel tells of it only once: hand it on.
                    unrepaired.store(1, Ordering::Relaxed);
                    owner.store(0, Ordering::Relaxed);
                    kernel.lock().release();
                }
                Waited::TimedOut | Waited::Failed => return false, // its holder is alive
            }
        }
        unrepaired.load(Ordering::Relaxed) != 0
    }

    fn leave(&self) {
        let (Ok(kernel), Ok(owner)) = (self.kernel(), self.word(OFF_OWNER)) else { return };
        crate::fault::point("release.before");
        let forgotten = HELD.try_with(|held| {
            let mut held = held.borrow_mut();
            let position = held.iter().position(|name| name == kernel.name());
            position.map(|position| held.swap_remove(position)).is_some()
        });
        if forgotten == Ok(false) {
            return; // the guard of another thread
        }
        owner.store(0, Ordering::Relaxed);
        crate::fault::point("release.marked");
        kernel.lock().release();
        crate::fault::point("release.unlocked");
    }
}

fn is_held(kernel: &Kernel) -> bool {
    HELD.try_with(|held| held.borrow().iter().any(|name| name == kernel.name())).unwrap_or(false)
}
