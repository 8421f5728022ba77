//! Making a file in shared memory: the control object first, "ready" last.

use super::place::Place;
use super::{CreateOptions, Handle, MmFile, OpenOptions, Settings};
use crate::control::{Control, Description, Kind, Lifetime};
use crate::error::{Error, Result};
use crate::fault;
use crate::lock::{Deadline, ProcessLock};
use crate::mapping::{Access, Mapping, Object, create_named};
use crate::name::{FileId, ObjectNames};
use crate::registry::{self, RegistryLock, create_entry, share};
use crate::sync::sleep;
use raw_sync::Timeout;
use std::time::Duration;

impl MmFile {
    /// Makes a file of `capacity` bytes, with all of its memory reserved.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a capacity of 0, [`Error::Exists`] if the id is in use,
    /// [`Error::NoSpace`] if there is not that much memory, [`Error::Access`] if something that is
    /// not ours stands at its name.
    pub fn create_new(capacity: u64, options: &CreateOptions) -> Result<Self> {
        Self::create(capacity, options, |id| Error::Exists { id })
    }

    /// `foreign` is the error for data without a control block at the file's name.
    fn create(
        capacity: u64,
        options: &CreateOptions,
        foreign: fn(String) -> Error,
    ) -> Result<Self> {
        check_capacity(capacity)?;
        let id = options.id.clone().unwrap_or_else(FileId::random);
        let names = ObjectNames::of_file(id, &options.prefixes)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let registry = RegistryLock::acquire(&deadline)?;
        // What could not be cleared up is no reason not to make this one.
        let _ = registry::remove_all_stale(&options.prefixes, &registry);
        fault::point("create.swept");
        let (object, control) = begin(&names, &deadline, &registry, foreign)?;
        match fill(&names, control, capacity, options.lifetime, &deadline) {
            Ok((control, data, mapping)) => {
                let place = Place::memory(names, object, data, true, options.lifetime);
                let settings = Settings::created(options);
                let file = Handle::file(place, control, mapping, settings);
                drop(registry); // the rest concerns nobody else
                file.handle.segments.prepare();
                Ok(file)
            }
            Err(error) => {
                object.unlink_if_same(&names.control);
                Err(error)
            }
        }
    }

    /// Opens the file of that id, or makes it if there is none. Its lifetime is
    /// [`Lifetime::LastProcess`] if it is made, whatever the options say.
    ///
    /// # Errors
    /// As [`MmFile::create_new`] and [`MmFile::open_existing`], but for those that say that the file
    /// is or is not there.
    pub fn create_or_open(id: &str, capacity: u64, options: &CreateOptions) -> Result<Self> {
        check_capacity(capacity)?;
        let mut create = options.clone();
        create.id = Some(FileId::parse(id)?);
        create.lifetime = Lifetime::LastProcess;
        let open = OpenOptions {
            access: Access::ReadWrite,
            synchronized: options.synchronized,
            lock_timeout: options.lock_timeout,
            prefixes: options.prefixes.clone(),
        };
        /// How long the names of a process of ours that is ending may take, one after the other.
        const ENDING: Duration = Duration::from_secs(2);
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let ending = Deadline::after(&Timeout::Val(ENDING.min(options.lock_timeout)));
        // It can be neither opened nor made, and waiting does not help: where names end with a process,
        // only if it goes on for longer than one takes to end.
        fn foreign(id: String) -> Error {
            let reason = "another program's data stands at its name";
            Error::Access { id, reason, os: None }
        }
        loop {
            match Self::open_existing(id, &open) {
                Err(Error::NotFound { .. }) => {}
                other => return other,
            }
            match Self::create(capacity, &create, foreign) {
                Err(Error::Exists { .. }) => {}
                Err(Error::Access { .. }) if cfg!(windows) && ending.slice(ENDING).is_some() => {}
                other => return other,
            }
            // Somebody made it and somebody ended it, between one look and the next; or half of it is
            // there, as long as a process that died has not been cleared away.
            let Some(limit) = deadline.slice(registry::PAUSE) else {
                return Err(Error::Timeout { what: "opening a file that comes and goes" });
            };
            sleep(limit);
        }
    }
}

pub(super) fn check_capacity(capacity: u64) -> Result<()> {
    if capacity > 0 {
        return Ok(());
    }
    Err(Error::InvalidArgument { name: "capacity", reason: "must be at least 1 byte".into() })
}

fn begin(
    names: &ObjectNames,
    deadline: &Deadline,
    registry: &RegistryLock,
    foreign: fn(String) -> Error,
) -> Result<(Object, Control)> {
    let id = names.id.as_str();
    registry::finish_removal(names, registry);
    match Object::open(&names.data, Access::Read, id) {
        Err(Error::NotFound { .. }) => return create_entry(names, deadline, registry),
        Err(error @ Error::NoSpace { .. }) => return Err(error),
        _ => {}
    }
    Err(match Object::open(&names.control, Access::Read, id) {
        Err(Error::NotFound { .. }) => foreign(id.into()),
        Err(error @ Error::NoSpace { .. }) => error,
        _ => Error::Exists { id: id.into() },
    })
}

/// Makes the data object and finishes the control block. What it made is gone again if it fails.
fn fill(
    names: &ObjectNames,
    mut control: Control,
    capacity: u64,
    lifetime: Lifetime,
    deadline: &Deadline,
) -> Result<(Control, Object, Mapping)> {
    control.set_data_prefix(names.data_prefix());
    fault::point("create.prefix");
    let (data, mapping) = create_named(&names.data, capacity, names.id.as_str())?;
    fault::point("create.data");
    control.set_data_identity(data.identity());
    // So that nobody with other prefixes takes it for a control block that a dead process left.
    let prepared = share(&data, deadline).and_then(|()| ProcessLock::initialize(control.mapping()));
    fault::point("create.identity");
    if let Err(error) = prepared {
        data.unlink_if_same(&names.data);
        return Err(error);
    }
    let identity = data.identity();
    control.describe(&Description { kind: Kind::Memory, capacity, lifetime, data: identity });
    fault::point("create.described");
    control.set_ready();
    fault::point("create.ready");
    Ok((control, data, mapping))
}
