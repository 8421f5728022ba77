//! [`MmFile`]: one handle on one file.

mod committed;
#[cfg(not(platform = "loom"))]
mod disk;
mod iter;
mod lock;
mod open;
mod options;
mod peers;
mod read;
mod view;
mod wait;
mod write;

pub use iter::SegmentIter;
pub(crate) use open::open_or_create;
pub use options::{CreateOptions, OpenOptions};
pub use view::ViewMemory;
pub use wait::{RequirePeer, Waiter};

use crate::control::{Control, Lifetime};
use crate::error::{Error, Result};
use crate::frames::{Segments, SparseIndex};
use crate::lock::Section;
use crate::memory::{Access, Mode};
use crate::object::{Object, Opened};
use committed::Counted;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A handle on an append-only list of segments in shared memory.
///
/// It may be used from several threads. Dropping it closes it: a creator's file with
/// [`Lifetime::Creator`] cannot be opened from then on, and the memory goes with the last handle.
#[derive(Debug)]
pub struct MmFile {
    handle: Arc<Handle>,
}

/// What a handle, its guards and its waiters share.
#[derive(Debug)]
struct Handle {
    /// The id; the path of a file on disk.
    id: String,
    path: Option<PathBuf>,
    control: Control,
    /// Where the committed end is read from, if not from `control`.
    source: Option<Control>,
    /// What this handle counted behind the committed end.
    counted: Counted,
    segments: Segments,
    section: Arc<Section>,
    index: Mutex<SparseIndex>,
    settings: Settings,
    recovered: AtomicU64,
    #[cfg(platform = "macos")]
    reader_copy: view::ReaderCopy,
    /// Last: it is left after everything else is gone.
    object: Arc<Object>,
}

/// How a handle was opened.
#[derive(Debug, Clone)]
struct Settings {
    mode: Mode,
    lifetime: Lifetime,
    is_creator: bool,
    lock_timeout: Duration,
}

impl MmFile {
    /// Counts as closed for others from now on, while this handle can still be used: for a process
    /// that is about to end without dropping it.
    pub fn leave(&self) {
        self.handle.object.leave();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.object.leave();
    }
}

impl Handle {
    fn file(
        id: String,
        path: Option<PathBuf>,
        opened: Opened,
        is_creator: bool,
        options: &OpenOptions,
    ) -> MmFile {
        let Opened { object, control, source, data, lifetime, mode } = opened;
        let object = Arc::new(object);
        let lock_timeout = options.lock_timeout;
        let handle = Self {
            id,
            path,
            segments: Segments::new(&data, control.capacity(), mode.access == Access::ReadWrite),
            section: Arc::new(Section::new(&control, &object)),
            index: Mutex::new(SparseIndex::default()),
            settings: Settings { mode, lifetime, is_creator, lock_timeout },
            recovered: AtomicU64::new(0),
            #[cfg(platform = "macos")]
            reader_copy: view::ReaderCopy::default(),
            control,
            source,
            counted: Counted::default(),
            object,
        };
        MmFile { handle: Arc::new(handle) }
    }

    /// Refuses a file on disk that another program has cut short: touching what is gone would kill
    /// the process. It can only be seen, not prevented.
    fn check_whole(&self) -> Result<()> {
        if self.path.is_none() {
            return Ok(());
        }
        let size = self.object.size()?;
        if self.control.fits(size) {
            return Ok(());
        }
        let reason = "another program has cut the file short while it was open";
        Err(Error::Corrupt { offset: size.min(self.control.capacity()), reason })
    }
}

impl MmFile {
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

    /// What the handle may do.
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
