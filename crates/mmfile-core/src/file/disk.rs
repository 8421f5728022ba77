//! Files on disk: the same segments, which survive every process and a reboot.

use super::handle::Handle;
use super::open::check_capacity;
use super::{CreateOptions, MmFile, OpenOptions};
use crate::control::{Lifetime, ObjectKind};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::object::{self, NewObject, Object, OnDisk};
use raw_sync::Timeout;
use std::path::Path;
use std::sync::Arc;

impl MmFile {
    /// Creates a file on disk with room for `capacity` bytes of segments, readable and writable for this user. It stays
    /// when it is closed. The options `id`, `directory`, `prefixes` and `lifetime` have no effect.
    ///
    /// # Errors
    /// [`Error::Exists`] if something stands at the path, [`Error::NotFound`] if its folder does not
    /// exist, [`Error::NoSpace`] if the disk is full, [`Error::Access`] if the folder is read-only.
    pub fn create_file(
        path: impl AsRef<Path>,
        capacity: u64,
        options: &CreateOptions,
    ) -> Result<Self> {
        check_capacity(capacity)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let options = OpenOptions::from(options);
        Ok(on_disk(
            object::create_file(path.as_ref(), &new(capacity, &options), &deadline)?,
            &options,
        ))
    }

    /// Opens a file on disk that [`MmFile::create_file`] created. The options `directory` and `prefixes` have no
    /// effect.
    ///
    /// A file to which this user may not write can be opened with [`Access::Read`](crate::Access::Read); waits then
    /// poll it instead of being woken.
    ///
    /// # Errors [`Error::NotFound`], [`Error::Access`] if it may not be opened, [`Error::Corrupt`] if it does
    /// not have the size that it was created with, [`Error::Incompatible`] if it is not a file of this
    /// package or another version, architecture or C library has it open, [`Error::Timeout`].
    pub fn open_file(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let (kind, mode) = (ObjectKind::DiskFile, options.mode());
        Ok(on_disk(object::open_file(path.as_ref(), kind, mode, &deadline)?, options))
    }

    /// Observes a file on disk, as [`MmFile::observe`].
    ///
    /// # Errors
    /// As [`MmFile::open_file`].
    pub fn observe_file(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let found = object::observe_file(path.as_ref(), ObjectKind::DiskFile, &deadline)?;
        Ok(on_disk(found, options))
    }

    /// Opens the file on disk, or creates it if there is none.
    ///
    /// # Errors As [`MmFile::create_file`] and [`MmFile::open_file`], except [`Error::Exists`] and, for the
    /// file itself, [`Error::NotFound`].
    pub fn create_or_open_file(
        path: impl AsRef<Path>,
        capacity: u64,
        options: &CreateOptions,
    ) -> Result<Self> {
        check_capacity(capacity)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let options = OpenOptions::from(options);
        let new = new(capacity, &options);
        Ok(on_disk(object::create_or_open_file(path.as_ref(), &new, &deadline)?, &options))
    }

    /// Writes everything that was appended so far to the disk, and waits until it is there. After a power
    /// failure, a file on disk holds everything that was flushed, and perhaps more.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a file in memory, [`Error::NoSpace`] if the disk refuses.
    pub fn flush(&self) -> Result<()> {
        self.flusher()?.flush()
    }

    /// Flushes from another thread. It does not keep the file open.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a file in memory.
    pub fn flusher(&self) -> Result<Flusher> {
        if self.path().is_none() {
            return Err(Error::unsupported("flushing a file that is in memory only"));
        }
        let mappings = [self.handle.segments.memory(), self.handle.control.memory()];
        Ok(Flusher {
            object: Arc::clone(&self.handle.object),
            mappings: mappings.map(Clone::clone),
        })
    }
}

/// Flushes one file on disk; see [`MmFile::flusher`].
#[derive(Debug)]
pub struct Flusher {
    mappings: [Memory; 2],
    object: Arc<Object>,
}

impl Flusher {
    /// As [`MmFile::flush`].
    ///
    /// # Errors
    /// [`Error::NoSpace`] if the disk refuses.
    pub fn flush(&self) -> Result<()> {
        self.object.sync(self.mappings.each_ref())
    }
}

/// The object to create.
fn new(capacity: u64, options: &OpenOptions) -> NewObject {
    let (kind, lifetime) = (ObjectKind::DiskFile, Lifetime::LastProcess);
    NewObject { kind, capacity, lifetime, mode: options.mode(), channel: None }
}

fn on_disk(it: OnDisk, options: &OpenOptions) -> MmFile {
    let id = it.path.to_string_lossy().into_owned();
    MmFile { handle: Handle::new(id, Some(it.path), it.opened, it.is_creator, options) }
}
