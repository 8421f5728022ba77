//! The lock that all processes share and that survives its holder. This module keeps track of which thread of a handle
//! has it.
//!
//! The lock itself is the platform's `RawMutex`: it is acquired with a deadline, and released either as it was found or
//! as abandoned. The thread that acquires it learns whether the previous holder died, and repairs what that holder
//! left.
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
pub(crate) use section::{Section, holder};
