//! Creating and opening files.

use super::handle::Handle;
use super::{CreateOptions, MmFile, OpenOptions};
use crate::control::{Lifetime, ObjectKind};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::ids::{FileId, Names};
use crate::object::{self, NewObject, Opened, Spec, open_or_create};
use crate::platform::Folder;
use raw_sync::Timeout;

impl MmFile {
    /// Creates a file of `capacity` bytes, with all of its memory reserved.
    ///
    /// # Errors [`Error::InvalidArgument`] for a capacity of 0, [`Error::Exists`] if the id is in use,
    /// [`Error::NoSpace`] if there is not that much memory, [`Error::Access`] if its name leads to something
    /// else, [`Error::Unsupported`] if the folder cannot hold shared memory.
    pub fn create_new(capacity: u64, options: &CreateOptions) -> Result<Self> {
        check_capacity(capacity)?;
        let id = options.id.clone().unwrap_or_else(FileId::random);
        let spec = spec(id, &OpenOptions::from(options))?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        create(&spec, capacity, options, &deadline)
    }

    /// Opens the file of that id.
    ///
    /// If every process that had the file open has died, it counts as missing, on every platform.
    ///
    /// # Errors [`Error::InvalidArgument`] for a malformed id, [`Error::NotFound`] if there is no such file,
    /// [`Error::Access`] if the name leads to another user's object or to no file of this package,
    /// [`Error::Incompatible`] if another version, architecture or C library made it, or a process of another
    /// PID namespace, [`Error::Timeout`].
    pub fn open_existing(id: &str, options: &OpenOptions) -> Result<Self> {
        let spec = spec(FileId::parse(id)?, options)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let opened = object::open(&spec, options.mode(), &deadline)?;
        Ok(file(&spec, opened, false, options))
    }

    /// Observes the file of that id without joining the handles that have it open: it reads, is no peer of any process,
    /// takes no lock and keeps no name. Of the options, `access` and `synchronized` do not count.
    ///
    /// # Errors
    /// As [`MmFile::open_existing`].
    #[cfg(not(platform = "loom"))]
    pub fn observe(id: &str, options: &OpenOptions) -> Result<Self> {
        let spec = spec(FileId::parse(id)?, options)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        Ok(file(&spec, object::observe(&spec, &deadline)?, false, options))
    }

    /// Opens the file of that id, or creates it if there is none. Its lifetime is [`Lifetime::LastProcess`]
    /// if it is created, regardless of the options.
    ///
    /// # Errors As [`MmFile::create_new`] and [`MmFile::open_existing`], except [`Error::Exists`] and
    /// [`Error::NotFound`].
    pub fn create_or_open(id: &str, capacity: u64, options: &CreateOptions) -> Result<Self> {
        check_capacity(capacity)?;
        let create_options = CreateOptions { lifetime: Lifetime::LastProcess, ..options.clone() };
        let open_options = OpenOptions::from(options);
        let spec = spec(FileId::parse(id)?, &open_options)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        open_or_create(
            &deadline,
            || {
                let opened = object::open(&spec, open_options.mode(), &deadline)?;
                Ok(file(&spec, opened, false, &open_options))
            },
            || create(&spec, capacity, &create_options, &deadline),
        )
    }
}

fn create(
    spec: &Spec,
    capacity: u64,
    options: &CreateOptions,
    deadline: &Deadline,
) -> Result<MmFile> {
    let (kind, lifetime) = (ObjectKind::File, options.lifetime);
    let open_options = OpenOptions::from(options);
    let (mode, channel) = (open_options.mode(), None);
    let new = NewObject { kind, capacity, lifetime, mode, channel };
    let opened = object::create(spec, &new, deadline)?;
    let file = file(spec, opened, true, &open_options);
    file.handle.segments.prepare();
    Ok(file)
}

fn spec(id: FileId, options: &OpenOptions) -> Result<Spec> {
    let folder = Folder::of(options.directory.as_deref())?;
    Ok(Spec { names: Names::of_file(id, &options.prefixes), folder, kind: ObjectKind::File })
}

fn file(spec: &Spec, opened: Opened, is_creator: bool, options: &OpenOptions) -> MmFile {
    let id = spec.names.id.as_str().to_owned();
    MmFile { handle: Handle::new(id, None, opened, is_creator, options) }
}

pub(super) fn check_capacity(capacity: u64) -> Result<()> {
    if capacity > 0 {
        return Ok(());
    }
    Err(Error::InvalidArgument { name: "capacity", reason: "must be at least 1 byte".into() })
}
