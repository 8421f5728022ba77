//! Shared memory between processes that survives the death of any of them.
//!
//! A [`MmFile`] is an append-only list of segments in named shared memory, guarded by a lock that
//! every process shares. Whoever dies, at whatever instruction, the others go on: a segment is there
//! whole or not at all, and the lock passes to the next one, who repairs what was left.
//!
//! ```
//! # fn main() -> mmfile_core::Result<()> {
//! use mmfile_core::{CreateOptions, MmFile, OpenOptions, Timeout};
//! use std::time::Duration;
//!
//! // the source process
//! let source = MmFile::create_new(1 << 20, &CreateOptions::default())?;
//! source.write(0, "a list of tasks")?;
//! let id = source.id().to_owned(); // goes to the destination on its command line
//!
//! // the destination process
//! let destination = MmFile::open_existing(id.as_str(), &OpenOptions::default())?;
//! assert_eq!(destination.read_text(0)?, "a list of tasks");
//! let index = destination.append("the result")?;
//!
//! // the source again
//! source.wait_for(1, Timeout::Val(Duration::from_secs(30)), Duration::ZERO)?;
//! assert_eq!((index, source.read_text(1)?.as_str()), (1, "the result"));
//! # Ok(()) }
//! ```
//!
//! Where to look: `mapping` makes and opens named memory, `control` is the block beside it, `lock`
//! and `wake` are the only modules that talk to the kernel about waiting, `segments` alone knows the
//! frames, `registry` knows who is alive, and [`MmFile`] puts them together.

#![cfg_attr(not(any(test, loom)), warn(unused_crate_dependencies))]
// A model knows nothing of files on disk.
#![cfg_attr(loom, allow(dead_code))]
// The library never panics, and cuts no number short without saying so; its tests may.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
    )
)]

pub mod control;
pub mod error;
mod fault;
pub mod file;
pub mod lock;
pub mod mapping;
#[cfg(loom)]
#[doc(hidden)]
#[allow(missing_docs, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
pub mod modelled;
pub mod mutex;
pub mod name;
pub mod registry;
pub mod segments;
mod sync;
pub mod wake;

pub use control::Lifetime;
pub use error::{Error, OsError, Result};
#[cfg(all(feature = "fault-points", not(loom)))]
#[doc(hidden)]
pub use fault::arm;
pub use file::{CreateOptions, MmFile, OpenOptions, SegmentIter, ViewMemory, Waiter};
pub use lock::{LockGuard, LockHolder, Notify};
pub use mapping::Access;
pub use mutex::NamedMutex;
pub use name::{FileId, MAX_ID_LENGTH, Prefixes};
pub use raw_sync::Timeout;
pub use registry::{FileInfo, list, remove, sweep};
pub use segments::{MAX_SEGMENT_SIZE, Payload, Span, Target};
#[cfg(all(target_os = "linux", not(loom)))]
pub use wake::WakeRing;
