//! Which files there are, and whose names may be taken away.
//!
//! A name is made and taken away only under one lock per user, after looking whether it still leads
//! to the object that was meant. Who is alive is told by the advisory lock that every participant
//! has on the control object, which the kernel releases however a process ends.
//!
//! ```
//! # fn main() -> mmfile_core::Result<()> {
//! use mmfile_core::{CreateOptions, MmFile, OpenOptions};
//! // process A makes a file and leaves
//! let a = MmFile::create_new(4096, &CreateOptions::default())?;
//! let id = a.id().to_owned();
//! drop(a);
//! // process B comes too late
//! let gone = MmFile::open_existing(id.as_str(), &OpenOptions::default());
//! assert_eq!(gone.unwrap_err().code(), "ERR_MMFILE_NOT_FOUND");
//! # Ok(()) }
//! ```

use crate::control::Control;
use crate::control::layout::CONTROL_SIZE;
use crate::error::{Error, Result};
use crate::lock::Deadline;
use crate::mapping::{Access, Identity, Object, current_user, list_named, open_named, unlink};
use crate::name::{FileId, ObjectNames, Prefixes};
use std::time::Duration;

/// The lock under which names are made and taken away. Its file goes with it.
#[derive(Debug)]
pub(crate) struct RegistryLock {
    object: Object,
    name: String,
}

impl RegistryLock {
    /// Waits for the lock until the deadline.
    pub(crate) fn acquire(deadline: &Deadline) -> Result<Self> {
        let name = format!("mmfile-registry-{}", current_user());
        let mut pause = Duration::from_micros(20);
        loop {
            let object = Object::open_or_create(&name, &name)?;
            // Whoever had it before may have taken the file away while we waited for its lock.
            if object.try_exclusive()? && object.is_linked() {
                return Ok(Self { object, name });
            }
            drop(object);
            let Some(limit) = deadline.slice(pause) else {
                return Err(Error::Timeout { what: "waiting for the registry of files" });
            };
            std::thread::sleep(limit);
            pause = (pause * 2).min(Duration::from_millis(2));
        }
    }
}

impl Drop for RegistryLock {
    fn drop(&mut self) {
        // Only its holder takes the file away, so it is still this one.
        unlink(&self.name);
        self.object.unshare();
    }
}

/// Takes the names of a file away, as far as they still lead to its objects.
pub(crate) fn remove(names: &ObjectNames, control: &Object, data: Identity, _: &RegistryLock) {
    crate::fault::point("remove.begin");
    if let Ok(object) = Object::open(&names.data, Access::Read, names.id.as_str())
        && (object.identity() == data || data == Identity::default())
    {
        object.unlink_if_same(&names.data);
    }
    crate::fault::point("remove.data");
    control.unlink_if_same(&names.control);
    crate::fault::point("remove.control");
}

/// Removes one file if nobody alive has it open. Whether it did.
pub(crate) fn remove_if_stale(names: &ObjectNames, registry: &RegistryLock) -> bool {
    let id = names.id.as_str();
    let Ok(object) = Object::open(&names.control, Access::ReadWrite, id) else { return false };
    if !object.try_exclusive().unwrap_or(false) || !object.is_linked() {
        return false;
    }
    // One that died before it recorded its data object had made sure that no other stands there.
    let data = recorded_data(names, &object).unwrap_or_default();
    remove(names, &object, data, registry);
    true
}

fn recorded_data(names: &ObjectNames, object: &Object) -> Option<Identity> {
    let id = names.id.as_str();
    if object.size().ok()? < CONTROL_SIZE {
        return None;
    }
    let mapping = open_named(&names.control, object, Access::Read, id).ok()?;
    Some(Control::new(mapping, id).ok()?.data_identity())
}

/// Removes every file of this user that no live process has open. Their ids.
pub(crate) fn remove_all_stale(prefixes: &Prefixes, registry: &RegistryLock) -> Vec<FileId> {
    let mut removed = Vec::new();
    for name in list_named(prefixes.mutex()) {
        let Some(id) = name.strip_prefix(prefixes.mutex()) else { continue };
        let Ok(id) = FileId::parse(id) else { continue };
        let names = ObjectNames::new(id, prefixes);
        if remove_if_stale(&names, registry) {
            removed.push(names.id);
        }
    }
    removed
}
