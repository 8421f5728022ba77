//! Types about locks for platforms and the layers above.

use crate::error::Result;

/// A lock on a range of bytes.
#[allow(dead_code, reason = "Windows has none")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockKind {
    /// Others may have a shared one, too.
    Shared,
    /// It excludes all others.
    Exclusive,
}

/// A range of bytes of an object, which need not exist.
#[allow(dead_code, reason = "Windows has none")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByteRange {
    pub(crate) start: u64,
    /// 0 reaches as far as a file can.
    pub(crate) length: u64,
}

/// How the lock was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acquired {
    /// Released by its last holder.
    Clean,
    /// Its last holder died. Its unfinished work has to be repaired.
    Abandoned,
}

/// Whether the participant that holds the lock is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// Its thread is one of another PID namespace, or the lock names another thread than the holder's.
    Alive,
    /// It died, although the kernel has not released the lock.
    Dead,
    /// It has the file open, or did not identify itself: only its thread's life counts.
    Unknown,
}

/// Questions of a waiter for the lock, which the layers above answer.
pub(crate) trait Surroundings {
    /// Whether the thread that the lock names as its holder is alive; asked before each sleep.
    ///
    /// # Errors Any reason that makes the wait pointless.
    fn before_sleep(&self, thread: u32) -> Result<Holder>;

    /// Whether the lock can be touched, after a sleep.
    ///
    /// # Errors
    /// It cannot.
    #[allow(dead_code, reason = "Windows' kernel keeps the lock")]
    fn after_sleep(&self) -> Result<()>;
}

/// How long the lock will be held, which decides how the kernel learns of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// For one operation: this thread hardly ever takes another lock meanwhile.
    Operation,
    /// Over several operations: this thread may take the locks of other files meanwhile.
    Section,
}

/// Tries before the first sleep for a lock: its holder is usually in the middle of an append.
#[allow(dead_code, reason = "on Windows the kernel is asked")]
pub(crate) const SPINS: u32 = if cfg!(platform = "loom") { 1 } else { 100 };
