//! Shared memory between processes that survives the death of any of them.
//!
//! A [`MmFile`] is an append-only list of segments in named shared memory, guarded by a lock that every
//! process shares. If a process dies, at any instruction, the others continue: a segment is there completely
//! or not at all, and the lock passes to the next process, which repairs the file.
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
//! From the bottom up: `platform` has every call to the operating system, `memory` checked access to mapped
//! bytes, `control` the control block, `object` the objects at names and paths, `frames` the segments, `lock`
//! and `wake` a handle's locking and sleeping, and [`MmFile`] and [`NamedMutex`] put them together.

#![cfg_attr(not(any(test, platform = "loom")), warn(unused_crate_dependencies))]
// A model knows nothing of files on disk.
#![cfg_attr(platform = "loom", allow(dead_code))]
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

mod channel;
mod control;
mod deadline;
mod error;
mod file;
mod frames;
mod ids;
mod lock;
mod memory;
mod mutex;
mod object;
mod peer;
#[cfg_attr(
    platform = "loom",
    allow(missing_docs, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]
#[doc(hidden)]
pub mod platform;
mod retry;
mod ring;
mod timeouts;
mod wake;

pub use channel::{
    CHANNEL_LAYOUT, Channel, ChannelMemory, ChannelOptions, ChannelWaiter,
    DEFAULT_CHANNEL_CAPACITY, DEFAULT_ENCODING, DEFAULT_PARTICIPANTS, ExclusiveWriter, Filling,
    Job, Lossy, LossyReader, Member, Message, OnFull, OpenChannelOptions, Reader, StartFrom,
};
pub use control::Lifetime;
pub use error::{Error, OsError, ParticipantInfo, Result, Role};
#[cfg(feature = "fault-points")]
#[doc(hidden)]
pub use fault::arm;
#[cfg(not(platform = "loom"))]
pub use file::Flusher;
pub use file::{CreateOptions, MmFile, OpenOptions, SegmentIter, ViewMemory, Waiter};
pub use frames::{MAX_SEGMENT_SIZE, Payload, Span, Target};
pub use ids::{DEFAULT_CHANNEL_PREFIX, DEFAULT_MUTEX_PREFIX, FileId, MAX_ID_LENGTH, Prefixes};
pub use lock::{LockGuard, LockHolder, Notify};
pub use memory::Access;
pub use mutex::{MutexOptions, NamedMutex};
pub use object::{Kind, ListOptions, ObjectInfo, Peer, list, remove, sweep};
pub use peer::RequirePeer;
pub use platform::WakeRing;
pub(crate) use platform::{fault, sync};
pub use raw_sync::Timeout;
pub use timeouts::DEFAULT_LOCK_TIMEOUT;
