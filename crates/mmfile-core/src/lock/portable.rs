//! A lock for systems without robust mutexes: the kernel's on a byte of a file, and a word that says that
//! somebody holds it.
//!
//! The kernel excludes, and gives the byte back when its holder dies. It does not tell of that: whoever
//! gets the lock and finds the holder's word set knows that the one before died with it. Who has to wait
//! sleeps on another word, which the release changes, and looks at short intervals all the same, since
//! the dead wake nobody. docs/decisions/0012-macos.md has the whole story.

use super::{Acquired, Deadline, Hold, LockFile};
use crate::control::layout::OFF_LOCK;
use crate::error::{Error, Result};
use crate::mapping::{Identity, Mapping};
use crate::sync::{AtomicU32, spin_loop};
use crate::wake::futex;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Not 0 while somebody holds the lock, or died with it.
const OFF_HOLDER: u64 = OFF_LOCK;
/// Changes with every release that somebody waited for.
const OFF_RELEASES: u64 = OFF_LOCK + 4;
/// Not 0 while somebody may be waiting.
const OFF_WAITING: u64 = OFF_LOCK + 8;
/// Stands in the holder's word when nobody holds the lock and what a dead one left has to be repaired.
const UNREPAIRED: u32 = u32::MAX;

/// Looks before the first sleep: the holder is usually in the middle of an append.
const SPINS: u32 = 100;
/// The longest single sleep: who dies with the lock wakes nobody.
const SLICE: Duration = Duration::from_millis(10);

thread_local! {
    /// The locks that this thread holds: it would wait for itself through another handle.
    static HELD: RefCell<Vec<Identity>> = const { RefCell::new(Vec::new()) };
}

/// The calling thread's number, which no other of this process ever has.
pub(crate) fn thread_id() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    thread_local! {
        static ID: Cell<u32> = const { Cell::new(0) };
    }
    ID.with(|id| {
        if id.get() == 0 {
            id.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        id.get()
    })
}

/// The lock of one control block.
#[derive(Debug, Clone)]
pub(crate) struct ProcessLock {
    mapping: Arc<Mapping>,
}

/// The three words of a lock.
struct Words<'a> {
    holder: &'a AtomicU32,
    releases: &'a AtomicU32,
    waiting: &'a AtomicU32,
}

impl ProcessLock {
    /// The lock of a control block that is finished.
    pub(crate) fn new(mapping: &Arc<Mapping>) -> Self {
        Self { mapping: Arc::clone(mapping) }
    }

    /// Makes the lock of a new control block, which nobody else can use yet.
    pub(crate) fn initialize(mapping: &Arc<Mapping>) -> Result<Self> {
        let lock = Self::new(mapping);
        let words = lock.words()?;
        for word in [words.holder, words.releases, words.waiting] {
            word.store(0, Ordering::Relaxed);
        }
        Ok(lock)
    }

    fn words(&self) -> Result<Words<'_>> {
        let word = |offset| {
            let unsupported = Error::Unsupported { what: "a control block without a lock" };
            self.mapping.region().atomic_u32(offset).ok_or(unsupported)
        };
        Ok(Words {
            holder: word(OFF_HOLDER)?,
            releases: word(OFF_RELEASES)?,
            waiting: word(OFF_WAITING)?,
        })
    }

    fn file(&self) -> &LockFile {
        self.mapping.lock_file()
    }

    /// Waits for the lock until the deadline.
    pub(crate) fn acquire(&self, deadline: &Deadline, _: Hold) -> Result<Acquired> {
        let (words, file) = (self.words()?, self.file());
        if !file.is_mine() {
            let what = "a file that was opened before a fork: open it again in the child";
            return Err(Error::Unsupported { what });
        }
        let key = file.key();
        if HELD.try_with(|held| held.borrow().contains(&key)) == Ok(true) {
            return Err(Error::LockHeld);
        }
        if !file.enter(deadline, SLICE) {
            return Err(Error::Timeout { what: "waiting for the lock" });
        }
        crate::fault::point("lock.announced");
        if let Err(error) = wait(&words, file, deadline) {
            file.leave();
            return Err(error);
        }
        crate::fault::point("lock.granted");
        // Where the thread is being taken apart there is no list any more.
        let _ = HELD.try_with(|held| held.borrow_mut().push(key));
        let mine = thread_id().clamp(1, UNREPAIRED - 1);
        let died = words.holder.swap(mine, Ordering::AcqRel) != 0;
        crate::fault::point("lock.taken");
        Ok(if died { Acquired::Abandoned } else { Acquired::Clean })
    }

    /// Lets the next one in. The calling thread is the one that acquired.
    pub(crate) fn release(&self, _: Hold) {
        self.leave(0);
    }

    /// Lets the next one in and leaves it to that one to repair what a dead holder left.
    pub(crate) fn release_abandoned(&self, _: Hold) {
        self.leave(UNREPAIRED);
    }

    /// Makes everybody who waits look again, in every process.
    pub(crate) fn nudge(&self) {
        self.file().nudge();
        if let Ok(words) = self.words() {
            words.releases.fetch_add(1, Ordering::SeqCst);
            futex::wake(words.releases, i32::MAX);
        }
    }

    /// Whether its last holder died and nobody has come for it yet.
    pub(crate) fn is_abandoned(&self) -> bool {
        let Ok(words) = self.words() else { return false };
        let is_set = || words.holder.load(Ordering::Acquire) != 0;
        // The second look is for one who has released it between the first and the kernel's answer.
        is_set() && !self.file().is_locked() && is_set()
    }

    fn leave(&self, value: u32) {
        let (Ok(words), file) = (self.words(), self.file()) else { return };
        crate::fault::point("release.before");
        if !file.is_mine() {
            return; // a forked child has its parent's guard, but not its lock
        }
        let key = file.key();
        let _ = HELD.try_with(|held| held.borrow_mut().retain(|other| *other != key));
        words.holder.store(value, Ordering::Release);
        crate::fault::point("release.marked");
        file.unlock();
        crate::fault::point("release.freed");
        // Whoever announces himself from here on finds the byte free.
        if words.waiting.swap(0, Ordering::SeqCst) != 0 {
            words.releases.fetch_add(1, Ordering::SeqCst);
            crate::fault::point("release.unlocked");
            futex::wake(words.releases, 1);
        }
        file.leave();
    }
}

/// Takes the byte, as soon as whoever has it gives it back or dies.
fn wait(words: &Words<'_>, file: &LockFile, deadline: &Deadline) -> Result<()> {
    let mut spins = 0;
    let mut waits = false;
    loop {
        let seen = words.releases.load(Ordering::SeqCst);
        if waits {
            words.waiting.store(1, Ordering::SeqCst);
        }
        if file.try_lock()? {
            if waits {
                // There may be more sleepers: this one's release wakes the next.
                words.waiting.store(1, Ordering::SeqCst);
            }
            return Ok(());
        }
        let Some(slice) = deadline.slice(SLICE) else {
            return Err(Error::Timeout { what: "waiting for the lock" });
        };
        while spins < SPINS && words.holder.load(Ordering::Relaxed) != 0 {
            spins += 1;
            spin_loop();
        }
        if !waits {
            waits = true; // and look once more, now that it is announced
            continue;
        }
        crate::fault::point("lock.waiting");
        futex::wait(words.releases, seen, slice);
        crate::fault::point("lock.woken");
    }
}
