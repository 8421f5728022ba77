//! A thread that holds a lock for a caller that must not block, or that moves between threads.

use super::section::{LockGuard, Section};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::platform::thread_id;
use raw_sync::Timeout;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Takes the lock on the holder's thread, for the operations of the thread whose id is given.
pub(crate) type Enter = dyn Fn(&Deadline, u32) -> Result<LockGuard> + Send + Sync;
/// Called on the holder's thread once it has the lock (with whether the lock was abandoned) or cannot get it.
pub type Notify = Box<dyn FnOnce(Result<bool>) + Send>;

/// The thread's task.
enum Phase {
    Idle,
    /// Take the lock.
    Wanted {
        timeout: Timeout,
        owner: u32,
        notify: Notify,
    },
    /// The thread is waiting for the lock, or has it.
    Busy,
    /// Release it.
    Release,
    End,
}

struct Shared {
    phase: Mutex<Phase>,
    changed: Condvar,
    cancelled: Arc<AtomicBool>,
    /// Whether the next holder should find the lock abandoned.
    abandons: AtomicBool,
    /// The owner's operations are outside of it before the lock itself is released.
    section: Arc<Section>,
}

/// A thread that holds one lock. Dropping it releases the lock and ends the thread.
pub struct LockHolder {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl LockHolder {
    /// Starts the thread, idle.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if the system has no thread left.
    pub(crate) fn start(section: &Arc<Section>, enter: Box<Enter>) -> Result<Self> {
        let shared = Arc::new(Shared {
            phase: Mutex::new(Phase::Idle),
            changed: Condvar::new(),
            cancelled: Arc::new(AtomicBool::new(false)),
            abandons: AtomicBool::new(false),
            section: Arc::clone(section),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("mmfile-lock".into())
            .stack_size(128 << 10)
            .spawn(move || theirs.run(&*enter))
            .map_err(|error| Error::no_thread(&error))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Begins to wait for the lock, for the operations of the calling thread. `notify` hears how it
    /// went.
    ///
    /// # Errors
    /// [`Error::LockHeld`] if it is waited for or held already.
    pub fn acquire(&self, timeout: Timeout, notify: Notify) -> Result<()> {
        let mut phase = self.shared.lock();
        if !matches!(*phase, Phase::Idle) {
            return Err(Error::LockHeld);
        }
        self.shared.cancelled.store(false, Ordering::SeqCst);
        *phase = Phase::Wanted { timeout, owner: thread_id(), notify };
        self.shared.changed.notify_all();
        Ok(())
    }

    /// As [`Self::release`], and the next holder finds the lock abandoned.
    pub fn abandon(&self) {
        self.shared.abandons.store(true, Ordering::SeqCst);
        self.release();
        self.shared.abandons.store(false, Ordering::SeqCst);
    }

    /// Releases the lock, or stops waiting for it. It is free when this returns.
    pub fn release(&self) {
        self.shared.cancelled.store(true, Ordering::SeqCst);
        self.shared.section.give_up();
        let mut phase = self.shared.lock();
        if matches!(*phase, Phase::Idle | Phase::End) {
            return;
        }
        if let Phase::Wanted { notify, .. } = std::mem::replace(&mut *phase, Phase::Release) {
            *phase = Phase::Idle;
            drop(phase);
            notify(Err(Error::timeout("waiting for a lock that was given up")));
            return;
        }
        self.shared.changed.notify_all();
        while !matches!(*phase, Phase::Idle) {
            phase = self.shared.wait(phase);
        }
    }
}

impl Drop for LockHolder {
    fn drop(&mut self) {
        self.release();
        *self.shared.lock() = Phase::End;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for LockHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LockHolder").finish_non_exhaustive()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, phase: MutexGuard<'a, Phase>) -> MutexGuard<'a, Phase> {
        self.changed.wait(phase).unwrap_or_else(PoisonError::into_inner)
    }

    /// Has nothing to do, unless it should end.
    fn rest<'a>(&self, mut phase: MutexGuard<'a, Phase>) -> MutexGuard<'a, Phase> {
        if !matches!(*phase, Phase::End) {
            *phase = Phase::Idle;
        }
        self.changed.notify_all();
        phase
    }

    fn run(&self, enter: &Enter) {
        let mut phase = self.lock();
        loop {
            match std::mem::replace(&mut *phase, Phase::Busy) {
                Phase::Wanted { timeout, owner, notify } => {
                    drop(phase);
                    let deadline = Deadline::after(&timeout).unless(Arc::clone(&self.cancelled));
                    let entered = enter(&deadline, owner);
                    let mut guard = match entered {
                        Ok(guard) => guard,
                        Err(error) => {
                            // Idle before the caller learns of it, since it may want the lock again at once.
                            drop(self.rest(self.lock()));
                            notify(Err(error));
                            phase = self.lock();
                            continue;
                        }
                    };
                    notify(Ok(guard.abandoned()));
                    phase = self.lock();
                    while matches!(*phase, Phase::Busy) {
                        phase = self.wait(phase);
                    }
                    if self.abandons.load(Ordering::SeqCst) {
                        guard.abandon();
                    }
                    drop(guard);
                    phase = self.rest(phase);
                }
                Phase::End => return,
                other => {
                    *phase = other;
                    phase = self.wait(phase);
                }
            }
        }
    }
}
