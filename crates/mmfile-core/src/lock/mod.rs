//! The lock that all processes share and that survives its holder: which thread of a handle has it.
//!
//! The lock itself is the platform's `RawMutex`: acquire until a deadline, release, release as abandoned.
//! The thread that acquires it learns whether the holder before died, and repairs what that one left.
//!
//! ```
//! # fn main() -> mmfile_core::Result<()> {
//! use mmfile_core::{CreateOptions, MmFile, OpenOptions};
//! let a = MmFile::create_new(4096, &CreateOptions::default())?;
//! // process A holds the lock over two operations
//! let guard = a.lock(None)?;
//! let next = a.len()?;
//! a.append(next.to_le_bytes().as_slice())?;
//! // process B waits meanwhile, here not at all
//! let b = MmFile::open_existing(a.id(), &OpenOptions::default())?;
//! # std::thread::scope(|scope| { scope.spawn(|| {
//! assert!(b.try_lock().unwrap().is_none());
//! # }); });
//! drop(guard);
//! assert!(b.try_lock()?.is_some());
//! # Ok(()) }
//! ```

mod holder;
mod section;

pub use holder::{LockHolder, Notify};
pub use section::LockGuard;
pub(crate) use section::Section;

/// How the lock was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acquired {
    /// Released by its last holder.
    Clean,
    /// Its last holder died. What it was doing has to be repaired.
    Abandoned,
}

/// What a waiter knows of the participant that holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// It has the file open; or its thread may be one of another PID namespace.
    Alive,
    /// It died, although the kernel has not released the lock.
    Dead,
    /// It did not say who it is: its thread is all that is known.
    Unknown,
}

/// How long the lock will be held, which decides how the kernel learns of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// For one operation: this thread hardly ever takes another lock meanwhile.
    Operation,
    /// Over several operations: this thread may take the locks of other files meanwhile.
    Section,
}
