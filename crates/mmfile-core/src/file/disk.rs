//! Files on disk: the same segments, which survive every process and a reboot.

use super::handle::Handle;
use super::open::{check_capacity, open_or_create};
use super::{CreateOptions, MmFile, OpenOptions};
use crate::control::{Lifetime, ObjectKind};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::object::{self, NewObject, Object, Opened};
use crate::platform::Location;
use raw_sync::Timeout;
use std::path::Path;
use std::sync::Arc;

impl MmFile {
    /// Creates a file on disk with room for `capacity` bytes of segments, readable and writable for this
    /// user. It stays when it is closed. Of the options, `id`, `directory`, `prefixes` and `lifetime` do
    /// not count.
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
        let location = Location::on_disk(path.as_ref());
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let options = OpenOptions::from(options);
        let opened = object::create_file(&location, &new(capacity, &options), &deadline)?;
        Ok(on_disk(&location, opened, true, &options))
    }

    /// Opens a file on disk that [`MmFile::create_file`] created. Of the options, `directory` and
    /// `prefixes` do not count.
    ///
    /// A file that may not be written to can be opened with [`Access::Read`](crate::Access::Read); it is
    /// then polled instead of being waited on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Access`] if it may not be opened, [`Error::Corrupt`] if it does not
    /// have the size that it was created with, [`Error::Incompatible`] if it is not one of ours or another
    /// version, architecture or C library has it open, [`Error::Timeout`].
    pub fn open_file(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        let location = Location::on_disk(path.as_ref());
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let opened = object::open_file(&location, ObjectKind::DiskFile, options.mode(), &deadline);
        let opened = opened.map_err(|error| missing(path.as_ref(), error))?;
        Ok(on_disk(&location, opened, false, options))
    }

    /// Opens the file on disk, or creates it if there is none.
    ///
    /// # Errors
    /// As [`MmFile::create_file`] and [`MmFile::open_file`], but for those that say that the file is or is
    /// not there.
    pub fn create_or_open_file(
        path: impl AsRef<Path>,
        capacity: u64,
        options: &CreateOptions,
    ) -> Result<Self> {
        check_capacity(capacity)?;
        let location = Location::on_disk(path.as_ref());
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let options = OpenOptions::from(options);
        open_or_create(
            &deadline,
            || {
                let kind = ObjectKind::DiskFile;
                let opened = object::open_file(&location, kind, options.mode(), &deadline)?;
                Ok(on_disk(&location, opened, false, &options))
            },
            || {
                let opened = object::create_file(&location, &new(capacity, &options), &deadline);
                let opened = opened.map_err(|error| match error {
                    // It will not come by itself.
                    Error::Exists { id } if leads_nowhere(path.as_ref()) => {
                        missing(path.as_ref(), Error::NotFound { id, reason: "" })
                    }
                    other => other,
                })?;
                Ok(on_disk(&location, opened, true, &options))
            },
        )
    }

    /// Writes everything that was appended so far to the disk, and waits until it is there. What is in
    /// a file on disk when the machine loses its power is what was flushed, and perhaps more.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a file in memory, [`Error::NoSpace`] if the disk refuses.
    pub fn flush(&self) -> Result<()> {
        self.flusher()?.flush()
    }

    /// What flushes on another thread. It does not keep the file open.
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

/// The error of a file on disk that is not there: no process need have it open.
fn missing(path: &Path, error: Error) -> Error {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    error.missing_because(if leads_nowhere(path) {
        "the link at that path leads to nothing: create the file that it names, or remove the link"
    } else if folder.is_none_or(Path::exists) {
        "no file is at that path: check it, or create the file first"
    } else {
        "its folder does not exist: create that first"
    })
}

/// Whether a link stands at the path, and nothing where it leads.
fn leads_nowhere(path: &Path) -> bool {
    path.is_symlink() && !path.exists()
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

/// What is to be created.
fn new(capacity: u64, options: &OpenOptions) -> NewObject {
    let (kind, lifetime) = (ObjectKind::DiskFile, Lifetime::LastProcess);
    NewObject { kind, capacity, lifetime, mode: options.mode(), channel: None }
}

fn on_disk(location: &Location, opened: Opened, created: bool, options: &OpenOptions) -> MmFile {
    let path = location.full_path();
    let id = path.to_string_lossy().into_owned();
    MmFile { handle: Handle::new(id, Some(path), opened, created, options) }
}
