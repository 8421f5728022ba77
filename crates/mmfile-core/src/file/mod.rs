//! [`MmFile`]: one handle on one file.

mod create;
mod lock;
mod open;
mod options;
mod read;
mod view;
mod wait;
mod write;

pub use lock::LockGuard;
pub use options::{CreateOptions, DEFAULT_LOCK_TIMEOUT, OpenOptions};
pub use view::ViewMemory;
pub use wait::Waiter;

use crate::control::{Control, Lifetime};
use crate::error::Result;
use crate::lock::{Deadline, ProcessLock};
use crate::mapping::{Access, Object};
use crate::name::{FileId, ObjectNames};
use crate::registry::{self, RegistryLock};
use crate::segments::{Segments, SparseIndex};
use raw_sync::Timeout;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
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
    names: ObjectNames,
    control: Control,
    segments: Segments,
    lock: ProcessLock,
    index: Mutex<SparseIndex>,
    /// The control object, whose advisory lock says that this handle is alive.
    object: Object,
    /// The data object, for a second mapping.
    data: Object,
    access: Access,
    lifetime: Lifetime,
    created: bool,
    synchronized: bool,
    lock_timeout: Duration,
    /// The thread that holds the lock over several operations, or 0.
    section: AtomicU32,
    recovered: AtomicU64,
}

impl MmFile {
    /// The id by which other processes open the file.
    #[must_use]
    pub fn id(&self) -> &FileId {
        &self.handle.names.id
    }

    /// How many bytes the segments and their size words may take together.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.handle.control.capacity()
    }

    /// Whether this handle made the file.
    #[must_use]
    pub fn created(&self) -> bool {
        self.handle.created
    }

    /// Whether operations take the lock.
    #[must_use]
    pub fn synchronized(&self) -> bool {
        self.handle.synchronized
    }

    /// What the handle may do.
    #[must_use]
    pub fn access(&self) -> Access {
        self.handle.access
    }

    /// How long the file can be opened.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        self.handle.lifetime
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

impl Drop for Handle {
    /// Leaves the file, and takes its name away if it ends with this.
    fn drop(&mut self) {
        if !self.object.is_linked() {
            return; // it has ended already
        }
        let patience = Deadline::after(&Timeout::Val(Duration::from_secs(2)));
        // Without the registry the name stays for the next sweep.
        let Ok(registry) = RegistryLock::acquire(&patience) else { return };
        let ends = self.created && self.lifetime == Lifetime::Creator;
        crate::fault::point("close.registry");
        if ends || self.object.try_exclusive().unwrap_or(false) {
            let data = self.data.identity();
            registry::remove(&self.names, &self.object, data, &registry);
        }
        // Before the registry is free: two who leave at once must not take each other for alive.
        self.object.unshare();
    }
}
