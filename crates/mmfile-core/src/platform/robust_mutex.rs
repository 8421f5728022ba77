//! A robust futex: the kernel releases it when its holder dies, and tells the next one.
//!
//! The word follows the kernel's robust-futex protocol (the holder's thread id, a bit for waiters, a
//! bit for "the owner died"), and the 64 bytes around it are a C library's robust, process-shared
//! `pthread_mutex_t`. A C program can therefore take the same lock with `pthread_mutex_lock`. We do
//! not: the C library keeps list pointers inside the mutex and follows them, so that a process that
//! scribbles over shared memory would crash every other one. Here nothing that is read from shared
//! memory is ever used as an address. docs/decisions/0002-robust-lock.md has the whole story.

#[cfg(platform = "linux")]
use crate::control::layout::LOCK_SIZE;
use crate::control::layout::OFF_LOCK;
use crate::control::{Control, LockPlace};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::platform::locks::{Acquired, Hold, Holder, SPINS, Surroundings};
use crate::platform::robust_list::{Pending, ROOM};
use crate::platform::{futex, is_no_thread};
use crate::sync::{AtomicU32, spin_loop};
use crate::timeouts::LOCK_SLEEP;
use libc::{FUTEX_OWNER_DIED as OWNER_DIED, FUTEX_TID_MASK as THREAD_ID, FUTEX_WAITERS as WAITERS};
use std::sync::atomic::Ordering;

/// Where the C library keeps the word inside its mutex, and where it keeps the owner.
#[cfg(not(target_env = "musl"))]
const WORD: u64 = OFF_LOCK;
#[cfg(target_env = "musl")]
const WORD: u64 = OFF_LOCK + 4;
#[cfg(not(target_env = "musl"))]
const GLIBC_OWNER: Option<u64> = Some(OFF_LOCK + 8);
#[cfg(target_env = "musl")]
const GLIBC_OWNER: Option<u64> = None;

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

    /// Initializes a lock of a control block that no other process uses.
    #[cfg(platform = "linux")]
    pub(crate) fn initialize(control: &Control, place: LockPlace) -> Result<()> {
        let unsupported = || Error::unsupported("robust, process-shared mutexes");
        if size_of::<libc::pthread_mutex_t>() as u64 > LOCK_SIZE {
            return Err(unsupported());
        }
        let region = control.memory().region();
        let at = region.range(OFF_LOCK + place.shift(), LOCK_SIZE).ok_or_else(unsupported)?;
        // SAFETY: an all-zero attribute object is only there to be initialized.
        let mut attributes: libc::pthread_mutexattr_t = unsafe { std::mem::zeroed() };
        let raw = &raw mut attributes;
        // SAFETY: `raw` is initialized by the first call, used by the next ones and destroyed by
        // the last; `at` is 64-byte aligned, mapped, writable and large enough, and no other process
        // uses it before the object has its name.
        let failed = unsafe {
            let mut failed = libc::pthread_mutexattr_init(raw);
            failed |= libc::pthread_mutexattr_setpshared(raw, libc::PTHREAD_PROCESS_SHARED);
            failed |= libc::pthread_mutexattr_setrobust(raw, libc::PTHREAD_MUTEX_ROBUST);
            failed |= libc::pthread_mutex_init(at.as_ptr().cast(), raw);
            failed |= libc::pthread_mutexattr_destroy(raw);
            failed
        };
        if failed == 0 { Ok(()) } else { Err(unsupported()) }
    }

    /// In a model the C library's part is of no use.
    #[cfg(platform = "loom")]
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(crate) fn initialize(_: &Control, _: LockPlace) -> Result<()> {
        Ok(())
    }

    fn word(&self) -> &AtomicU32 {
        self.control.word(WORD + self.place.shift())
    }

    /// Waits for the lock until the deadline. `around` can end the wait, and tells whether the thread that
    /// holds the lock is alive.
    pub(crate) fn acquire(
        &self,
        deadline: &Deadline,
        hold: Hold,
        around: &impl Surroundings,
    ) -> Result<Acquired> {
        let word = self.word();
        let pending = Pending::announce(word);
        crate::fault::point("lock.announced");
        if hold == Hold::Section && !pending.has_room() {
            // The kernel would not release it if this thread died.
            let needed = format!("room among the locks that this thread holds ({ROOM})");
            return Err(Error::NoSpace { needed, os: None });
        }
        let acquired = acquire_word(word, pending.thread_id(), deadline, around)?;
        crate::fault::point("lock.taken");
        if acquired == Acquired::Abandoned
            && let Some(owner) = GLIBC_OWNER.map(|at| self.control.word(at + self.place.shift()))
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

    /// Forgets the lock, whose word cannot be stored to: others find out that its holder has given it up.
    pub(crate) fn forget(&self, hold: Hold) {
        drop(match hold {
            Hold::Operation => Pending::resume(self.word()),
            Hold::Section => Pending::delist(self.word()),
        });
    }

    /// Wakes every waiter, in every process, so that it checks its deadline.
    pub(crate) fn nudge(&self) {
        futex::wake(self.word(), i32::MAX);
    }

    /// Whether its last holder died and no other has acquired it yet.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.word().load(Ordering::Relaxed) & !WAITERS == OWNER_DIED
    }

    /// Whether a living thread holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.word().load(Ordering::Relaxed) & THREAD_ID != 0
    }

    /// Lets the next one in, which finds the lock as `left` says. The calling thread is the one that acquired.
    pub(crate) fn release(&self, hold: Hold, left: Acquired) {
        let word = self.word();
        let value = if left == Acquired::Abandoned { OWNER_DIED } else { 0 };
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

fn acquire_word(
    word: &AtomicU32,
    thread_id: u32,
    deadline: &Deadline,
    around: &impl Surroundings,
) -> Result<Acquired> {
    let mut others = 0;
    let mut dead = 0;
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
            // Unless a dead thread had the same id, or this one could not store to the word when it released it.
            if !matches!(around.before_sleep(thread_id), Ok(Holder::Dead)) {
                return Err(Error::LockHeld);
            }
            let mine = thread_id | (seen & WAITERS) | others;
            if word.compare_exchange(seen, mine, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return Ok(Acquired::Abandoned);
            }
            continue;
        }
        let Some(slice) = deadline.slice(LOCK_SLEEP) else {
            return Err(Error::timeout("waiting for the lock"));
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
        // Twice, with a sleep in between: the record of the holder is a little younger than the word.
        let holder = seen & THREAD_ID;
        let known = around.before_sleep(holder)?;
        if known == Holder::Dead || known == Holder::Unknown && is_no_thread(holder) {
            if dead == holder {
                let mine = thread_id | WAITERS;
                if word
                    .compare_exchange(expected, mine, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
                {
                    return Ok(Acquired::Abandoned);
                }
                continue;
            }
            dead = holder;
        }
        crate::fault::point("lock.waiting");
        futex::wait(word, expected, slice);
        crate::fault::point("lock.woken");
        around.after_sleep()?;
        // Others may sleep, too: a thread that takes the word after a sleep keeps the waiters' bit.
        others = WAITERS;
    }
}
