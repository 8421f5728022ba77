//! Making a file: the control object first, "ready" last.

use super::{CreateOptions, Handle, MmFile, OpenOptions};
use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Description, Lifetime};
use crate::error::{Error, Result};
use crate::fault;
use crate::lock::{Deadline, ProcessLock};
use crate::mapping::{Access, Object, create_named};
use crate::name::{FileId, ObjectNames};
use crate::registry::{self, RegistryLock};
use crate::segments::{Segments, SparseIndex};
use raw_sync::Timeout;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};

impl MmFile {
    /// Makes a file of `capacity` bytes, with all of its memory reserved.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a capacity of 0, [`Error::Exists`] if the id is in use,
    /// [`Error::NoSpace`] if there is not that much memory, [`Error::Access`] if something that is
    /// not ours stands at its name.
    pub fn create_new(capacity: u64, options: &CreateOptions) -> Result<Self> {
        if capacity == 0 {
            let reason = "must be at least 1 byte".into();
            return Err(Error::InvalidArgument { name: "capacity", reason });
        }
        let id = options.id.clone().unwrap_or_else(FileId::random);
        let names = ObjectNames::new(id, &options.prefixes);
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let registry = RegistryLock::acquire(&deadline)?;
        registry::remove_all_stale(&options.prefixes, &registry);
        fault::point("create.swept");
        let handle = make(names, capacity, options, &registry)?;
        Ok(Self { handle: Arc::new(handle) })
    }

    /// Opens the file of that id, or makes it if there is none. Its lifetime is
    /// [`Lifetime::LastProcess`] if it is made, whatever the options say.
    ///
    /// # Errors
    /// As [`MmFile::create_new`] and [`MmFile::open_existing`], but for those that say that the file
    /// is or is not there.
    pub fn create_or_open(id: &str, capacity: u64, options: &CreateOptions) -> Result<Self> {
        let mut create = options.clone();
        create.id = Some(FileId::parse(id)?);
        create.lifetime = Lifetime::LastProcess;
        let open = OpenOptions {
            access: Access::ReadWrite,
            synchronized: options.synchronized,
            lock_timeout: options.lock_timeout,
            prefixes: options.prefixes.clone(),
        };
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        loop {
            match Self::open_existing(id, &open) {
                Err(Error::NotFound { .. }) => {}
                other => return other,
            }
            match Self::create_new(capacity, &create) {
                Err(Error::Exists { .. }) => {}
                other => return other,
            }
            // Somebody made it and somebody ended it, between one look and the next.
            if deadline.slice(super::DEFAULT_LOCK_TIMEOUT).is_none() {
                return Err(Error::Timeout { what: "opening a file that comes and goes" });
            }
        }
    }
}

/// Takes a name away again unless all goes well.
struct Undo<'a> {
    object: Option<Object>,
    name: &'a str,
}

impl Undo<'_> {
    fn keep(mut self) -> Option<Object> {
        self.object.take()
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        if let Some(object) = &self.object {
            object.unlink_if_same(self.name);
        }
    }
}

/// Makes both objects. The registry's lock keeps others from taking them for a dead creator's.
fn make(
    names: ObjectNames,
    capacity: u64,
    options: &CreateOptions,
    _: &RegistryLock,
) -> Result<Handle> {
    let id = names.id.as_str();
    if !matches!(Object::open(&names.data, Access::Read, id), Err(Error::NotFound { .. })) {
        return Err(Error::Exists { id: id.into() }); // a foreign program's, without a control block
    }
    let (object, mapping) = create_named(&names.control, CONTROL_SIZE, id)?;
    fault::point("create.control");
    let undo_control = Undo { object: Some(object), name: &names.control };
    let missing = || Error::NotFound { id: id.into() };
    undo_control.object.as_ref().ok_or_else(missing)?.share()?;
    let mut control = Control::new(mapping, id)?;
    fault::point("create.shared");

    let (data, mapping) = create_named(&names.data, capacity, id)?;
    fault::point("create.data");
    let identity = data.identity();
    control.set_data_identity(identity);
    let undo_data = Undo { object: Some(data), name: &names.data };
    fault::point("create.identity");

    let lock = ProcessLock::initialize(control.mapping())?;
    let lifetime = options.lifetime;
    control.describe(&Description { capacity, lifetime, data: identity });
    fault::point("create.described");
    control.set_ready();
    fault::point("create.ready");

    let data = undo_data.keep().ok_or_else(missing)?;
    let object = undo_control.keep().ok_or_else(missing)?;
    Ok(Handle {
        segments: Segments::new(&Arc::new(mapping), capacity, true),
        control,
        lock,
        index: Mutex::new(SparseIndex::default()),
        object,
        data,
        access: Access::ReadWrite,
        lifetime,
        created: true,
        synchronized: options.synchronized,
        lock_timeout: options.lock_timeout,
        section: AtomicU32::new(0),
        recovered: AtomicU64::new(0),
        names,
    })
}
