//! [`Channel`]: a bounded log between processes that forgets what all readers have read.
//!
//! Every operation that waits takes a [`Timeout`](crate::Timeout); a zero timeout tries once. To wait without
//! blocking a thread, use a [`ChannelWaiter`], which tells when to try again.
//!
//! ```
//! # fn main() -> mmfile_core::Result<()> {
//! use mmfile_core::{Channel, ChannelOptions, OpenChannelOptions, StartFrom, Timeout};
//! use std::time::Duration;
//! // process A
//! let a = Channel::create_new(&ChannelOptions::default())?;
//! // process B reads every message from here on
//! let b = Channel::open_existing(a.id(), &OpenChannelOptions::default())?;
//! let mut reader = b.reader(StartFrom::New)?;
//! // process A
//! a.send(b"hello", None, Timeout::Infinite)?;
//! // process B
//! let message = reader.receive(Timeout::Val(Duration::from_secs(5)), Duration::ZERO)?;
//! assert_eq!((message.index, reader.read(&message)?), (0, b"hello".to_vec()));
//! reader.release(message.position);
//! # Ok(()) }
//! ```

mod groups;
mod handle;
mod limit;
mod lossy;
mod member;
mod memory;
mod newest;
mod open;
mod options;
mod participants;
mod reader;
mod send;
mod wait;
mod writer;

pub use lossy::{Lossy, LossyReader};
pub use member::{Job, Member};
pub use memory::{CHANNEL_LAYOUT, ChannelMemory};
pub use options::{
    ChannelOptions, DEFAULT_CHANNEL_CAPACITY, DEFAULT_ENCODING, DEFAULT_PARTICIPANTS, OnFull,
    OpenChannelOptions,
};
pub use reader::{Message, Reader};
pub use send::Filling;
pub use wait::ChannelWaiter;
pub use writer::ExclusiveWriter;

use crate::control::Lifetime;
use crate::error::Result;
use crate::memory::Access;
use crate::object::Peer;
use handle::Handle;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A handle on a channel. It may be used from several threads. Dropping it closes it; readers, members and
/// exclusive writers keep what they need, and count as open until they are dropped.
#[derive(Debug)]
pub struct Channel {
    handle: Arc<Handle>,
}

/// Where a reader or a group begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFrom {
    /// With the next message that is sent.
    New,
    /// With the oldest message that is left.
    Oldest,
    /// With the newest message that there is.
    Newest,
    /// With the message of that index. A reader may begin with one that is still to come.
    Index(u64),
}

impl Channel {
    /// The id by which other processes open it; the path of one on disk.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.handle.id
    }

    /// Where a channel on disk is, without links; `None` for one in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.handle.path.as_deref()
    }

    /// Bytes for messages and their headers.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.handle.ring.shape().ring
    }

    /// The most bytes that one message may have: a quarter of the capacity; of 16 GiB, 16 bytes less.
    #[must_use]
    pub fn max_byte_length(&self) -> u64 {
        self.handle.ring.max_byte_length()
    }

    /// The name of the encoding.
    #[must_use]
    pub fn encoding(&self) -> &str {
        &self.handle.settings.encoding
    }

    /// What happens to a send when the slowest reader leaves no room.
    #[must_use]
    pub fn on_full(&self) -> OnFull {
        self.handle.on_full()
    }

    /// Whether the handle may write.
    #[must_use]
    pub fn access(&self) -> Access {
        self.handle.settings.access
    }

    /// How long the channel can be opened.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        self.handle.settings.lifetime
    }

    /// Whether this handle created it.
    #[must_use]
    pub fn is_creator(&self) -> bool {
        self.handle.settings.is_creator
    }

    /// How often this handle went on behind a dead process: took a lock from one, or freed its slot.
    #[must_use]
    pub fn recovered(&self) -> u64 {
        self.handle.recovered.load(Ordering::Relaxed)
    }

    /// The index that the next message gets.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`].
    pub fn next_index(&self) -> Result<u64> {
        self.handle.check_whole()?;
        Ok(self.handle.ring.newest()?.next_index)
    }

    /// The index of the oldest message that is left; the next index if there is no message.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`].
    pub fn oldest_index(&self) -> Result<u64> {
        self.handle.check_whole()?;
        self.handle.oldest_index()
    }

    /// Whether it takes no more messages.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] for one on disk that another program cut.
    pub fn is_sealed(&self) -> Result<bool> {
        self.handle.check_whole()?;
        Ok(self.handle.ring.is_sealed())
    }

    /// A row for each open handle, as [`crate::MmFile::peers`].
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        self.handle.peers()
    }

    /// Counts as closed for others from now on, while this handle can still be used: for a process that is
    /// about to end without dropping it.
    pub fn leave(&self) {
        self.handle.object.leave();
    }
}
