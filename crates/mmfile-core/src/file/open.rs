//! Opening a file that somebody made, and believing nothing of it before it is checked.

use super::{Handle, MmFile, OpenOptions};
use crate::control::Control;
use crate::control::layout::CONTROL_SIZE;
use crate::error::{Error, Result};
use crate::fault;
use crate::lock::{Deadline, ProcessLock};
use crate::mapping::{Access, Object, open_named};
use crate::name::{FileId, ObjectNames};
use crate::registry::{self, RegistryLock};
use crate::segments::{Segments, SparseIndex};
use raw_sync::Timeout;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

impl MmFile {
    /// Opens the file of that id.
    ///
    /// A file whose every process has died counts as not there, on every platform.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a malformed id, [`Error::NotFound`] if there is no such file,
    /// [`Error::Access`] if what stands there is another user's or no file of ours,
    /// [`Error::Incompatible`] if another version, architecture or C library made it,
    /// [`Error::Timeout`] if its creator does not get done with it.
    pub fn open_existing(id: &str, options: &OpenOptions) -> Result<Self> {
        let names = ObjectNames::new(FileId::parse(id)?, &options.prefixes);
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let mut pause = Duration::from_micros(50);
        loop {
            if let Some(handle) = attempt(&names, options, &deadline)? {
                return Ok(Self { handle: Arc::new(handle) });
            }
            let Some(limit) = deadline.slice(pause) else {
                return Err(Error::Timeout { what: "waiting for the file's creator to finish it" });
            };
            std::thread::sleep(limit);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }
}

/// One look. `None` where the next look will find it otherwise: it is being made, or is ending.
fn attempt(
    names: &ObjectNames,
    options: &OpenOptions,
    deadline: &Deadline,
) -> Result<Option<Handle>> {
    let id = names.id.as_str();
    let object = Object::open(&names.control, Access::ReadWrite, id)?;
    if object.try_exclusive()? {
        // Nobody alive has it: a dead process left it, perhaps half-made.
        drop(object);
        let registry = RegistryLock::acquire(deadline)?;
        registry::remove_if_stale(names, &registry);
        return Ok(None);
    }
    if !object.share()? || !object.is_linked() || object.size()? < CONTROL_SIZE {
        return Ok(None);
    }
    fault::point("open.shared");
    // Not found from here on means that it ended while we looked.
    let ended = |error| match error {
        Error::NotFound { .. } if !object.is_linked() => Ok(None),
        other => Err(other),
    };
    let mapping = match open_named(&names.control, &object, Access::ReadWrite, id) {
        Ok(mapping) => mapping,
        Err(error) => return ended(error),
    };
    let mut control = Control::new(mapping, id)?;
    if !control.is_ready() {
        return Ok(None);
    }
    let description = control.examine(id)?;
    let data = match Object::open(&names.data, options.access, id) {
        Ok(data) => data,
        Err(error) => return ended(error),
    };
    if data.identity() != description.data || data.size()? != description.capacity {
        if !object.is_linked() {
            return Ok(None);
        }
        let reason = "its data object is not the one that belongs to it";
        return Err(Error::Access { id: id.into(), reason, os: None });
    }
    let mapping = match open_named(&names.data, &data, options.access, id) {
        Ok(mapping) => mapping,
        Err(error) => return ended(error),
    };
    control.accept(description.capacity);
    fault::point("open.mapped");
    let writable = options.access == Access::ReadWrite;
    Ok(Some(Handle {
        segments: Segments::new(&Arc::new(mapping), description.capacity, writable),
        lock: ProcessLock::new(control.mapping()),
        control,
        index: Mutex::new(SparseIndex::default()),
        object,
        data,
        access: options.access,
        lifetime: description.lifetime,
        created: false,
        synchronized: options.synchronized,
        lock_timeout: options.lock_timeout,
        section: AtomicU32::new(0),
        recovered: AtomicU64::new(0),
        names: names.clone(),
    }))
}
