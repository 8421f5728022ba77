//! [`MmFile`]: one handle on one file.

mod create;
#[cfg(not(loom))]
mod disk;
#[cfg(windows)]
mod foreign;
mod iter;
mod lock;
mod open;
mod options;
mod place;
mod read;
mod view;
mod wait;
mod write;

pub use iter::SegmentIter;
pub use options::{CreateOptions, DEFAULT_LOCK_TIMEOUT, OpenOptions};
pub use view::ViewMemory;
pub use wait::Waiter;

use crate::control::{Control, Lifetime};
use crate::error::Result;
use crate::lock::{ProcessLock, Section};
use crate::mapping::{Access, Mapping};
use crate::segments::{Segments, SparseIndex};
use place::Place;
use std::path::Path;
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
    control: Control,
    segments: Segments,
    section: Arc<Section>,
    index: Mutex<SparseIndex>,
    settings: Settings,
    recovered: AtomicU64,
    #[cfg(any(target_os = "macos", mmfile_portable))]
    reader_copy: view::ReaderCopy,
    /// Last: it is left after everything else is gone.
    place: Place,
}

/// How a handle was opened.
#[derive(Debug, Clone)]
struct Settings {
    access: Access,
    lifetime: Lifetime,
    created: bool,
    synchronized: bool,
    lock_timeout: Duration,
}

impl Settings {
    fn created(options: &CreateOptions) -> Self {
        Self {
            access: Access::ReadWrite,
            lifetime: options.lifetime,
            created: true,
            synchronized: options.synchronized,
            lock_timeout: options.lock_timeout,
        }
    }

    fn opened(options: &OpenOptions, lifetime: Lifetime) -> Self {
        Self {
            access: options.access,
            lifetime,
            created: false,
            synchronized: options.synchronized,
            lock_timeout: options.lock_timeout,
        }
    }
}

impl MmFile {
    /// Counts as closed for others from now on, while this handle can still be used: for a process
    /// that is about to end without dropping it. Waits as long as told for somebody who makes or
    /// removes another file; after that the names are left to the next sweep.
    pub fn leave(&self, patience: Duration) {
        self.handle.end();
        self.handle.place.leave(patience);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.end();
    }
}

impl Handle {
    /// Nobody opens a creator's file from now on, even if its names cannot be taken away.
    fn end(&self) {
        if self.place.ends() {
            self.control.set_ended();
            crate::fault::point("close.ended");
        }
    }

    fn file(place: Place, control: Control, data: Mapping, settings: Settings) -> MmFile {
        let writable = settings.access == Access::ReadWrite;
        let handle = Self {
            segments: Segments::new(&Arc::new(data), control.capacity(), writable),
            section: Arc::new(Section::new(ProcessLock::new(control.mapping()))),
            index: Mutex::new(SparseIndex::default()),
            recovered: AtomicU64::new(0),
            #[cfg(any(target_os = "macos", mmfile_portable))]
            reader_copy: view::ReaderCopy::default(),
            control,
            settings,
            place,
        };
        MmFile { handle: Arc::new(handle) }
    }
}

impl MmFile {
    /// The id by which other processes open the file; the path of one on disk.
    #[must_use]
    pub fn id(&self) -> &str {
        self.handle.place.id()
    }

    /// Where a file on disk is, without links; `None` for one in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.handle.place {
            Place::Disk { path, .. } => Some(path),
            Place::Memory { .. } => None,
        }
    }

    /// How many bytes the segments and their size words may take together.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.handle.control.capacity()
    }

    /// Whether this handle made the file.
    #[must_use]
    pub fn created(&self) -> bool {
        self.handle.settings.created
    }

    /// Whether operations take the lock.
    #[must_use]
    pub fn synchronized(&self) -> bool {
        self.handle.settings.synchronized
    }

    /// What the handle may do.
    #[must_use]
    pub fn access(&self) -> Access {
        self.handle.settings.access
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
        Ok(self.handle.control.is_sealed())
    }
}
