//! Where a lock without robust mutexes is taken: a byte of a file, which the kernel gives back when its
//! holder dies, and a gate in front of it for the threads of one handle, whom the kernel takes for one.

use super::Deadline;
use crate::error::{Error, OsError, Result};
use crate::mapping::Identity;
use crate::mapping::bytes::{self, Hold};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The byte that the holder has for itself; see `mapping/object.rs` for the others.
const LOCK_BYTE: u64 = 1 << 59;

/// What belongs to the lock of one handle, in its process.
#[derive(Debug)]
pub(crate) struct LockFile {
    /// None for a control block of this handle alone.
    file: Option<Arc<OwnedFd>>,
    /// Tells the object from others, by whichever handle it is locked.
    key: Identity,
    /// The process that opened it.
    process: u32,
    /// Whether a thread of this handle is inside.
    taken: Mutex<bool>,
    changed: Condvar,
}

impl LockFile {
    pub(crate) fn new(file: Arc<OwnedFd>, key: Identity) -> Self {
        Self { file: Some(file), key, ..Self::default() }
    }

    pub(super) fn key(&self) -> Identity {
        self.key
    }

    /// Whether this is the process that opened it, and not a forked child of that one: to the kernel,
    /// the two are one holder.
    pub(super) fn is_mine(&self) -> bool {
        self.process == std::process::id()
    }

    fn gate(&self) -> MutexGuard<'_, bool> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no other thread of this handle is inside. `false` once the deadline has passed.
    pub(super) fn enter(&self, deadline: &Deadline, slice: Duration) -> bool {
        let mut taken = self.gate();
        while *taken {
            let Some(limit) = deadline.slice(slice) else { return false };
            taken = match self.changed.wait_timeout(taken, limit) {
                Ok((taken, _)) => taken,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        *taken = true;
        true
    }

    /// Lets the next thread of this handle in.
    pub(super) fn leave(&self) {
        *self.gate() = false;
        self.changed.notify_one();
    }

    /// Makes the threads of this handle that wait look again.
    pub(super) fn nudge(&self) {
        drop(self.gate());
        self.changed.notify_all();
    }

    /// Takes the byte, without waiting. `false` if another handle has it. Its caller has entered.
    pub(super) fn try_lock(&self) -> Result<bool> {
        let Some(file) = &self.file else { return Ok(true) };
        bytes::set(file, Hold::Alone, LOCK_BYTE, 1).map_err(|errno| {
            let os = Some(OsError { syscall: "fcntl", errno });
            Error::NoSpace { needed: "a lock of the system's".into(), os }
        })
    }

    /// Gives the byte back.
    pub(super) fn unlock(&self) {
        if let Some(file) = &self.file {
            // It can only fail for arguments that are wrong.
            let _ = bytes::set(file, Hold::Nothing, LOCK_BYTE, 1);
        }
    }

    /// Whether anybody has the lock who is alive.
    pub(super) fn is_locked(&self) -> bool {
        if *self.gate() {
            return true;
        }
        let locked = |file: &Arc<OwnedFd>| bytes::is_locked(file, LOCK_BYTE, 1).unwrap_or(true);
        self.file.as_ref().is_some_and(locked)
    }
}

impl Default for LockFile {
    /// That of a control block which nobody else has.
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let inode = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            file: None,
            key: Identity { device: u64::MAX, inode },
            process: std::process::id(),
            taken: Mutex::new(false),
            changed: Condvar::new(),
        }
    }
}
