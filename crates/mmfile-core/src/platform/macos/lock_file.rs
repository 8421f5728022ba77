//! Where a lock without robust mutexes is taken: a byte of a file, which the kernel releases when its holder
//! dies, and a gate before it for the threads of one handle, which the kernel treats as one holder.

use crate::control::places::LockPlace;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::platform::Descriptor;
use crate::platform::locks::{ByteRange, LockKind, Surroundings};
use crate::timeouts::LOCK_SLEEP;
use std::os::fd::AsRawFd;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The byte that the holder of the first lock locks, below the bytes of the name and of all handles. The
/// second lock's byte follows.
const LOCK: u64 = 1 << 59;

/// The state of one handle's lock, in its process.
#[derive(Debug)]
pub(crate) struct LockFile {
    descriptor: Descriptor,
    byte: ByteRange,
    /// Whether the control block is this handle's alone, since its file may only be read.
    is_private: bool,
    /// Whether a thread of this handle is inside.
    taken: Mutex<bool>,
    changed: Condvar,
}

impl LockFile {
    pub(super) fn new(descriptor: &Descriptor, place: LockPlace) -> Self {
        // SAFETY: the descriptor is open; the call touches no memory of ours.
        let flags = unsafe { libc::fcntl(descriptor.fd().as_raw_fd(), libc::F_GETFL) };
        let start = LOCK + u64::from(place == LockPlace::Participants);
        Self {
            descriptor: descriptor.clone(),
            byte: ByteRange { start, length: 1 },
            is_private: flags & libc::O_ACCMODE == libc::O_RDONLY,
            taken: Mutex::new(false),
            changed: Condvar::new(),
        }
    }

    /// Whether this is the process that opened it, and not a forked child of that.
    pub(super) fn is_own(&self) -> bool {
        self.descriptor.is_own()
    }

    fn gate(&self) -> MutexGuard<'_, bool> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no other thread of this handle is inside.
    pub(super) fn enter(&self, deadline: &Deadline, around: &impl Surroundings) -> Result<()> {
        let mut taken = self.gate();
        while *taken {
            let Some(limit) = deadline.slice(LOCK_SLEEP) else {
                return Err(Error::timeout("waiting for the lock"));
            };
            around.before_sleep(0)?; // the kernel knows whether the holder is dead
            let woken = self.changed.wait_timeout(taken, limit);
            taken = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        *taken = true;
        Ok(())
    }

    /// Lets the next thread of this handle in.
    pub(super) fn leave(&self) {
        *self.gate() = false;
        self.changed.notify_one();
    }

    /// Makes the threads of this handle that wait check their deadlines.
    pub(super) fn nudge(&self) {
        drop(self.gate());
        self.changed.notify_all();
    }

    /// Takes the byte, without waiting. `false` if another handle has it. Its caller has entered.
    pub(super) fn try_lock(&self) -> Result<bool> {
        Ok(self.is_private || self.descriptor.lock(Some(LockKind::Exclusive), self.byte)?)
    }

    /// Releases the byte.
    pub(super) fn unlock(&self) {
        if !self.is_private {
            // It can only fail for wrong arguments.
            let _ = self.descriptor.lock(None, self.byte);
        }
    }

    /// Whether a living process has the lock.
    pub(super) fn is_locked(&self) -> bool {
        let by_others = || self.descriptor.blocker(self.byte).map_or(true, |kind| kind.is_some());
        *self.gate() || !self.is_private && by_others()
    }
}
