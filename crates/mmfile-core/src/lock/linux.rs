//! A robust futex: the kernel releases it when its holder dies, and says so to the next one.
//!
//! The word follows the kernel's robust-futex protocol (the holder's thread id, a bit for waiters, a
//! bit for "the owner died"), and the 64 bytes around it are a C library's robust, process-shared
//! `pthread_mutex_t`. A C program can therefore take the same lock with `pthread_mutex_lock`. We do
//! not: the C library keeps list pointers inside the mutex and follows them, so that a process that
//! scribbles over shared memory would crash every other one. Here nothing that is read from shared
//! memory is ever used as an address. docs/decisions/0002-robust-lock.md has the whole story.

use super::robust_list::Pending;
use super::{Acquired, Deadline, Hold};
#[cfg(not(loom))]
use crate::control::layout::LOCK_SIZE;
use crate::control::layout::OFF_LOCK;
use crate::error::{Error, Result};
use crate::mapping::Mapping;
use crate::sync::{AtomicU32, spin_loop};
use crate::wake::futex;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const WAITERS: u32 = 0x8000_0000;
const OWNER_DIED: u32 = 0x4000_0000;
const THREAD_ID: u32 = 0x3fff_ffff;

/// Where the C library keeps the word inside its mutex, and where it keeps the owner.
#[cfg(not(target_env = "musl"))]
const WORD: u64 = OFF_LOCK;
#[cfg(target_env = "musl")]
const WORD: u64 = OFF_LOCK + 4;
#[cfg(not(target_env = "musl"))]
const GLIBC_OWNER: Option<u64> = Some(OFF_LOCK + 8);
#[cfg(target_env = "musl")]
const GLIBC_OWNER: Option<u64> = None;

/// Tries before the first sleep: the holder is usually in the middle of an append.
const SPINS: u32 = if cfg!(loom) { 1 } else { 100 };
/// The longest single sleep. It bounds what a wake-up can cost that got lost with its sender, which
/// kernels before 5.5 allow.
const SLICE: Duration = Duration::from_millis(20);

/// The lock of one control block.
#[derive(Debug, Clone)]
pub(crate) struct ProcessLock {
    mapping: Arc<Mapping>,
}

impl ProcessLock {
    /// The lock inside a control block that is finished.
    pub(crate) fn new(mapping: &Arc<Mapping>) -> Self {
        Self { mapping: Arc::clone(mapping) }
    }

    /// Makes the lock of a new control block, which nobody else can use yet.
    #[cfg(not(loom))]
    pub(crate) fn initialize(mapping: &Arc<Mapping>) -> Result<Self> {
        let unsupported = || Error::Unsupported { what: "robust, process-shared mutexes" };
        if size_of::<libc::pthread_mutex_t>() as u64 > LOCK_SIZE {
            return Err(unsupported());
        }
        let at = mapping.region().range(OFF_LOCK, LOCK_SIZE).ok_or_else(unsupported)?;
        // SAFETY: an all-zero attribute object is only there to be initialized.
        let mut attributes: libc::pthread_mutexattr_t = unsafe { std::mem::zeroed() };
        let raw = &raw mut attributes;
        // SAFETY: `raw` is initialized by the first call, used by the next ones and destroyed by
        // the last; `at` is 64-byte aligned, mapped, writable and large enough, and nobody else
        // looks at it before the block is ready.
        let failed = unsafe {
            let mut failed = libc::pthread_mutexattr_init(raw);
            failed |= libc::pthread_mutexattr_setpshared(raw, libc::PTHREAD_PROCESS_SHARED);
            failed |= libc::pthread_mutexattr_setrobust(raw, libc::PTHREAD_MUTEX_ROBUST);
            failed |= libc::pthread_mutex_init(at.as_ptr().cast(), raw);
            failed |= libc::pthread_mutexattr_destroy(raw);
            failed
        };
        if failed == 0 { Ok(Self::new(mapping)) } else { Err(unsupported()) }
    }

    /// In a model the C library's part is of no use.
    #[cfg(loom)]
    pub(crate) fn initialize(mapping: &Arc<Mapping>) -> Result<Self> {
        Ok(Self::new(mapping))
    }

    fn word(&self) -> Result<&AtomicU32> {
        let unsupported = Error::Unsupported { what: "a control block without a lock" };
        self.mapping.region().atomic_u32(WORD).ok_or(unsupported)
    }

    /// Waits for the lock until the deadline.
    pub(crate) fn acquire(&self, deadline: &Deadline, hold: Hold) -> Result<Acquired> {
        let word = self.word()?;
        let pending = Pending::announce(word);
        crate::fault::point("lock.announced");
        if hold == Hold::Section && !pending.has_room() {
            // It would not be let go if this thread died.
            let needed = "room among the locks that this thread holds (2000)".into();
            return Err(Error::NoSpace { needed, os: None });
        }
        let acquired = acquire_word(word, pending.thread_id(), deadline)?;
        crate::fault::point("lock.taken");
        if acquired == Acquired::Abandoned
            && let Some(owner) = GLIBC_OWNER.and_then(|at| self.mapping.region().atomic_u32(at))
        {
            // Else glibc would tell its own callers that the mutex cannot be recovered.
            owner.store(0, Ordering::Relaxed);
        }
        match hold {
            Hold::Operation => pending.keep(),
            Hold::Section => pending.enlist(),
        }
        Ok(acquired)
    }

    /// Lets the next one in. The calling thread is the one that acquired.
    pub(crate) fn release(&self, hold: Hold) {
        self.leave(hold, 0);
    }

    /// Lets the next one in and leaves it to that one to repair what a dead holder left.
    pub(crate) fn release_abandoned(&self, hold: Hold) {
        self.leave(hold, OWNER_DIED);
    }

    /// Makes everybody who waits look again, in every process.
    pub(crate) fn nudge(&self) {
        if let Ok(word) = self.word() {
            futex::wake(word, i32::MAX);
        }
    }

    /// Whether its last holder died and nobody has come for it yet.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.word().is_ok_and(|word| word.load(Ordering::Relaxed) & !WAITERS == OWNER_DIED)
    }

    fn leave(&self, hold: Hold, value: u32) {
        let Ok(word) = self.word() else { return };
        let pending = match hold {
            Hold::Operation => Pending::resume(word),
            Hold::Section => Pending::delist(word),
        };
        crate::fault::point("release.before");
        if word.load(Ordering::Relaxed) & THREAD_ID != pending.thread_id() {
            return; // a forked child has its parent's guard, but not its lock
        }
        let waited_for = word.swap(value, Ordering::AcqRel) & WAITERS != 0;
        crate::fault::point("release.freed");
        if waited_for {
            crate::fault::point("release.unlocked");
            futex::wake(word, 1);
        }
        // Only now: had we died before the wake, the kernel would have made it.
        drop(pending);
    }
}

fn acquire_word(word: &AtomicU32, thread_id: u32, deadline: &Deadline) -> Result<Acquired> {
    let mut others = 0;
    let mut spins = 0;
    loop {
        let seen = word.load(Ordering::Relaxed);
        if seen & THREAD_ID == 0 {
            let mine = thread_id | (seen & WAITERS) | others;
            if word.compare_exchange(seen, mine, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                let died = seen & OWNER_DIED != 0;
                return Ok(if died { Acquired::Abandoned } else { Acquired::Clean });
            }
            continue;
        }
        if seen & THREAD_ID == thread_id {
            return Err(Error::LockHeld);
        }
        let Some(slice) = deadline.slice(SLICE) else {
            return Err(Error::Timeout { what: "waiting for the lock" });
        };
        if spins < SPINS {
            spins += 1;
            spin_loop();
            continue;
        }
        let expected = seen | WAITERS;
        if seen != expected
            && word.compare_exchange(seen, expected, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            continue;
        }
        crate::fault::point("lock.waiting");
        futex::wait(word, expected, slice);
        crate::fault::point("lock.woken");
        // There may be more sleepers than us: whoever takes the word from here on says so.
        others = WAITERS;
    }
}
