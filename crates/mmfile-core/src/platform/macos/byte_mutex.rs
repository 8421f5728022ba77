//! A lock for systems without robust mutexes: the kernel's on a byte of a file, and a word that says that
//! it is held.
//!
//! The kernel provides mutual exclusion, and releases the byte when its holder dies, but does not report the
//! death: a process that gets the byte and finds the holder's word set knows that the holder before died. A
//! waiter sleeps on another word, which a release changes, and also checks at short intervals, since a
//! process that dies wakes no waiter. docs/decisions/0012-macos.md gives the reasons.

use super::lock_file::LockFile;
use super::{futex, generation, process_number};
use crate::control::layout::OFF_LOCK;
use crate::control::{Control, LockPlace};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::platform::locks::{Acquired, Hold, SPINS, Surroundings};
use crate::sync::{AtomicU32, spin_loop};
use crate::timeouts::LOCK_SLEEP;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// Not 0 while a thread holds the lock, or died with it.
const OFF_HOLDER: u64 = OFF_LOCK;
/// Changes with every release that a process waited for.
const OFF_RELEASES: u64 = OFF_LOCK + 4;
/// Not 0 while a process may be waiting.
const OFF_WAITING: u64 = OFF_LOCK + 8;
/// The number of the process whose thread holds it.
const OFF_PROCESS: u64 = OFF_LOCK + 16;
/// Stands in the holder's word when no thread holds the lock and what a dead one left has to be repaired.
const UNREPAIRED: u32 = u32::MAX;

/// The calling thread's number, which no other of this process has, whichever copy of this library asks. In a
/// forked child it has another one.
pub(crate) fn thread_id() -> u32 {
    thread_local! {
        static ID: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
    }
    let generation = generation();
    ID.with(|id| {
        if id.get().0 != generation {
            id.set((generation, system_thread_id()));
        }
        id.get().1
    })
}

#[cfg(target_os = "macos")]
fn system_thread_id() -> u32 {
    let mut id: u64 = 0;
    // SAFETY: 0 means the calling thread; the target is writable.
    unsafe { libc::pthread_threadid_np(0, &raw mut id) };
    // The system counts threads: those of a process do not differ by 2^32.
    u32::try_from(id & u64::from(u32::MAX)).unwrap_or(1)
}

#[cfg(not(target_os = "macos"))]
fn system_thread_id() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    let id = unsafe { libc::syscall(libc::SYS_gettid) };
    u32::try_from(id).unwrap_or(1)
}

/// The lock of one control block.
#[derive(Debug, Clone)]
pub(crate) struct RawMutex {
    control: Control,
    place: LockPlace,
}

impl RawMutex {
    /// A lock inside a control block.
    pub(crate) fn new(control: &Control, place: LockPlace) -> Self {
        Self { control: control.clone(), place }
    }

    /// Initializes the lock of a control block that no other process uses.
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(crate) fn initialize(control: &Control, place: LockPlace) -> Result<()> {
        for offset in [OFF_HOLDER, OFF_RELEASES, OFF_WAITING] {
            control.word(offset + place.shift()).store(0, Ordering::Relaxed);
        }
        Ok(())
    }

    fn file(&self) -> &LockFile {
        let [writers, participants] = &**self.control.sync();
        match self.place {
            LockPlace::Writers => writers,
            LockPlace::Participants => participants,
        }
    }

    fn holder(&self) -> &AtomicU32 {
        self.control.word(OFF_HOLDER + self.place.shift())
    }

    fn process(&self) -> &AtomicU64 {
        self.control.long(OFF_PROCESS + self.place.shift())
    }

    fn releases(&self) -> &AtomicU32 {
        self.control.word(OFF_RELEASES + self.place.shift())
    }

    fn waiting(&self) -> &AtomicU32 {
        self.control.word(OFF_WAITING + self.place.shift())
    }

    /// Waits for the lock until the deadline. `around` can end the wait.
    pub(crate) fn acquire(
        &self,
        deadline: &Deadline,
        _: Hold,
        around: &impl Surroundings,
    ) -> Result<Acquired> {
        let file = self.file();
        if !file.is_own() {
            let what = "using a file that was opened before a fork: open it again in the child";
            return Err(Error::unsupported(what));
        }
        let mine = thread_id().clamp(1, UNREPAIRED - 1);
        // By whichever handle, of whichever copy of the library: this thread would wait for itself.
        if self.holder().load(Ordering::Acquire) == mine
            && self.process().load(Ordering::Relaxed) == process_number()
            && file.is_locked()
        {
            return Err(Error::LockHeld);
        }
        file.enter(deadline, around)?;
        crate::fault::point("lock.announced");
        if let Err(error) = self.wait(deadline, around) {
            file.leave();
            return Err(error);
        }
        crate::fault::point("lock.granted");
        self.process().store(process_number(), Ordering::Relaxed);
        let died = self.holder().swap(mine, Ordering::AcqRel) != 0;
        crate::fault::point("lock.taken");
        Ok(if died { Acquired::Abandoned } else { Acquired::Clean })
    }

    /// Takes the byte, as soon as its holder releases it or dies.
    fn wait(&self, deadline: &Deadline, around: &impl Surroundings) -> Result<()> {
        let mut spins = 0;
        let mut waits = false;
        loop {
            let seen = self.releases().load(Ordering::SeqCst);
            if waits {
                self.waiting().store(1, Ordering::SeqCst);
            }
            if self.file().try_lock()? {
                if waits {
                    // There may be more sleepers: this one's release wakes the next.
                    self.waiting().store(1, Ordering::SeqCst);
                }
                return Ok(());
            }
            let Some(slice) = deadline.slice(LOCK_SLEEP) else {
                return Err(Error::timeout("waiting for the lock"));
            };
            while spins < SPINS && self.holder().load(Ordering::Relaxed) != 0 {
                spins += 1;
                spin_loop();
            }
            if !waits {
                waits = true; // and try again, now that the waiter is announced
                continue;
            }
            around.before_sleep(0)?; // the kernel knows whether the holder is dead
            crate::fault::point("lock.waiting");
            futex::wait(self.releases(), seen, slice);
            crate::fault::point("lock.woken");
            around.after_sleep()?;
        }
    }

    /// Lets the next one in, which finds it abandoned: the memory cannot be stored to.
    pub(crate) fn forget(&self, _: Hold) {
        let file = self.file();
        if file.is_own() {
            file.unlock();
            file.leave();
        }
    }

    /// Wakes every waiter, in every process, so that it checks its deadline.
    pub(crate) fn nudge(&self) {
        self.file().nudge();
        self.releases().fetch_add(1, Ordering::SeqCst);
        futex::wake(self.releases(), i32::MAX);
    }

    /// Whether its last holder died and no other has acquired it yet.
    pub(crate) fn is_abandoned(&self) -> bool {
        let is_set = || self.holder().load(Ordering::Acquire) != 0;
        // Twice, for a holder that has released it before the kernel was asked.
        is_set() && !self.file().is_locked() && is_set()
    }

    /// Whether a living thread holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.holder().load(Ordering::Relaxed) != 0 && self.file().is_locked()
    }

    /// Lets the next one in, which finds the lock as `left` says. The calling thread is the one that acquired.
    pub(crate) fn release(&self, _: Hold, left: Acquired) {
        let file = self.file();
        crate::fault::point("release.before");
        if !file.is_own() {
            return; // a forked child has its parent's guard, but not its lock
        }
        let value = if left == Acquired::Abandoned { UNREPAIRED } else { 0 };
        self.holder().store(value, Ordering::Release);
        crate::fault::point("release.marked");
        file.unlock();
        crate::fault::point("release.freed");
        // A waiter that announces itself from here on finds the byte free.
        if self.waiting().swap(0, Ordering::SeqCst) != 0 {
            self.releases().fetch_add(1, Ordering::SeqCst);
            crate::fault::point("release.unlocked");
            futex::wake(self.releases(), 1);
        }
        file.leave();
    }
}
