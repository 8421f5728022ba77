//! [`MmFile`]: one handle on one file.

mod committed;
#[cfg(not(platform = "loom"))]
mod disk;
mod handle;
mod iter;
mod lock;
mod open;
mod options;
mod peers;
mod read;
mod reader_copy;
mod view;
mod wait;
mod write;

#[cfg(not(platform = "loom"))]
pub use disk::Flusher;
pub use iter::SegmentIter;
pub use options::{CreateOptions, OpenOptions};
pub use view::ViewMemory;
pub use wait::Waiter;

use crate::control::Lifetime;
use crate::error::Result;
use crate::memory::Access;
use handle::Handle;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A handle on an append-only list of segments in shared memory.
///
/// It may be used from several threads. Dropping it closes it: a creator's file with [`Lifetime::Creator`] cannot be
/// opened from then on, and the memory is freed with the last handle.
#[derive(Debug)]
pub struct MmFile {
    handle: Arc<Handle>,
}

impl MmFile {
    /// Makes this handle count as closed for other processes, although it can still be used here. For a process that is
    /// about to end without dropping the handle.
    pub fn leave(&self) {
        self.handle.object.leave();
    }

    /// The id by which other processes open the file; the path of one on disk.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.handle.id
    }

    /// Where a file on disk is, without links; `None` for one in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.handle.path.as_deref()
    }

    /// How many bytes the segments and their size words may take together.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.handle.control.capacity()
    }

    /// Whether this handle created the file.
    #[must_use]
    pub fn is_creator(&self) -> bool {
        self.handle.settings.is_creator
    }

    /// Whether operations take the lock.
    #[must_use]
    pub fn synchronized(&self) -> bool {
        self.handle.settings.mode.synchronized
    }

    /// Whether the handle may write.
    #[must_use]
    pub fn access(&self) -> Access {
        self.handle.settings.mode.access
    }

    /// How long the file can be opened.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        self.handle.settings.lifetime
    }

    /// How often this handle found the lock abandoned by a dead process and repaired the file.
    #[must_use]
    pub fn recovered(&self) -> u64 {
        self.handle.recovered.load(Ordering::Relaxed)
    }

    /// The number of segments, now.
    ///
    /// # Errors
    /// [`crate::Error::Timeout`] if a foreign writer's segment is there and the lock cannot be had.
    pub fn len(&self) -> Result<u64> {
        Ok(self.handle.refresh()?.count)
    }

    /// Whether there is no segment.
    ///
    /// # Errors
    /// As [`MmFile::len`].
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The bytes used, size words included, now.
    ///
    /// # Errors
    /// As [`MmFile::len`].
    pub fn size(&self) -> Result<u64> {
        Ok(self.handle.refresh()?.size)
    }

    /// Whether the file takes no more segments.
    ///
    /// # Errors
    /// As [`MmFile::len`].
    pub fn is_sealed(&self) -> Result<bool> {
        self.handle.refresh()?;
        Ok(self.handle.is_sealed())
    }
}
