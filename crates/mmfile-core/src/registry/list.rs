//! What files this user has on this machine.

use super::{RegistryLock, ids_of, is_control_block, recorded_data, remove_all_stale, take_away};
use super::{Seen, look};
use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Kind, Lifetime};
use crate::error::{Error, Result};
use crate::lock::Deadline;
use crate::mapping::{Access, Object, list_named, open_named};
use crate::name::{FileId, ObjectNames, Prefixes};
use raw_sync::Timeout;
use std::time::Duration;

/// A file in shared memory, seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// Its id.
    pub id: FileId,
    /// How many bytes its segments and their size words may take; 0 if it was never finished.
    pub capacity: u64,
    /// How many bytes they take.
    pub size: u64,
    /// How many segments it has.
    pub length: u64,
    /// Whether it takes no more.
    pub sealed: bool,
    /// How long it can be opened.
    pub lifetime: Lifetime,
    /// When it was made, in milliseconds since 1970.
    pub created_at: u64,
    /// The process that made it.
    pub creator: u32,
    /// Whether no live process has it open: [`sweep`] removes it.
    pub stale: bool,
}

/// The files of this user on this machine, in no order. It opens none of them.
///
/// # Errors
/// [`Error::NoSpace`] if the system has no descriptors or no memory left for looking.
pub fn list(prefixes: &Prefixes) -> Result<Vec<FileInfo>> {
    let mut files = Vec::new();
    for id in ids_of(&list_named()?, prefixes.mutex()) {
        match describe(&ObjectNames::new(id, prefixes)) {
            Ok(info) => files.extend(info),
            Err(error @ Error::NoSpace { .. }) => return Err(error),
            Err(_) => {} // another user's, or no file of ours, or gone meanwhile
        }
    }
    Ok(files)
}

/// Removes the files of this user that no live process has open, and answers their ids.
///
/// # Errors
/// [`Error::Timeout`] if somebody else is at it for ten seconds, [`Error::NoSpace`] if the system has no
/// descriptors left for looking.
pub fn sweep(prefixes: &Prefixes) -> Result<Vec<FileId>> {
    remove_all_stale(prefixes, &registry()?)
}

/// Takes a file's names away: nothing can open it from now on, and its id is free. Whoever has it open
/// goes on using it.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Access`] if it is another user's or something else stands at its name;
/// [`Error::Timeout`] if somebody else is at it for ten seconds.
pub fn remove(id: &FileId, prefixes: &Prefixes) -> Result<()> {
    let names = ObjectNames::of_file(id.clone(), prefixes)?;
    let registry = registry()?;
    let object = Object::open(&names.control, Access::ReadWrite, id.as_str())?;
    let Some(data) = recorded_data(&names, &object) else {
        let reason = "something else stands at its name";
        return Err(Error::Access { id: id.as_str().into(), reason, os: None });
    };
    take_away(&names, &object, &data, &registry)
}

fn registry() -> Result<RegistryLock> {
    RegistryLock::acquire(&Deadline::after(&Timeout::Val(Duration::from_secs(10))))
}

fn describe(names: &ObjectNames) -> Result<Option<FileInfo>> {
    let object = Object::open(&names.control, Access::Read, names.id.as_str())?;
    let stale = look(&object)? == Seen::Deserted;
    object.unshare();
    if !is_control_block(names, &object) {
        return Ok(None);
    }
    let mut info = FileInfo {
        id: names.id.clone(),
        capacity: 0,
        size: 0,
        length: 0,
        sealed: false,
        lifetime: Lifetime::Creator,
        created_at: 0,
        creator: 0,
        stale,
    };
    if object.size()? < CONTROL_SIZE {
        return Ok(Some(info));
    }
    let mapping = open_named(&names.control, &object, Access::Read, names.id.as_str())?;
    let mut control = Control::new(mapping, names.id.as_str())?;
    (info.created_at, info.creator) = control.origin();
    if control.has_ended() {
        return Ok(None); // its creator has closed it
    }
    let Ok(description) = control.examine(names.id.as_str()) else { return Ok(Some(info)) };
    if description.kind != Kind::Memory || !control.is_ready() {
        return Ok((description.kind == Kind::Memory).then_some(info));
    }
    control.accept(description.capacity);
    let tail = control.tail();
    info.capacity = description.capacity;
    info.lifetime = description.lifetime;
    (info.size, info.length, info.sealed) = (tail.size, tail.count, control.is_sealed());
    Ok(Some(info))
}
