//! What objects there are, seen from outside: nothing is joined.

use super::liveness::{self, Occupancy};
use super::open::{copy_control, has_ended, parts, remove_vacant};
use super::{Kind, ObjectInfo, check_kind, sweep};
use crate::backoff::Backoff;
use crate::control::ObjectKind;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::ids::FileId;
use crate::memory::Access;
use crate::object::handle::remove_under;
use crate::platform::{Descriptor, Folder, Location};

/// Calls `each` with every object of a prefix.
///
/// # Errors
/// [`Error::NoSpace`] if the system has no descriptors or no memory left; the folder cannot be read.
pub(super) fn all(
    folder: &Folder,
    prefix: &str,
    kind: Kind,
    mut each: impl FnMut(&Location, &str, Kind) -> Result<Option<ObjectInfo>>,
) -> Result<Vec<ObjectInfo>> {
    sweep::all_staged(folder, prefix);
    let mut infos = Vec::new();
    for name in folder.names()? {
        let Some(id) = id_of(&name, prefix) else { continue };
        match each(&folder.location(&name), id.as_str(), kind) {
            Ok(info) => infos.extend(info),
            Err(error @ Error::NoSpace { .. }) => return Err(error),
            Err(_) => {} // another user's, or no object of ours, or gone meanwhile
        }
    }
    Ok(infos)
}

/// The row of one object; nothing of one that has ended.
pub(super) fn row(location: &Location, id: &str, kind: Kind) -> Result<Option<ObjectInfo>> {
    describe(location, &location.open()?, id, kind)
}

/// The same of one that is open.
pub(super) fn describe(
    location: &Location,
    descriptor: &Descriptor,
    id: &str,
    kind: Kind,
) -> Result<Option<ObjectInfo>> {
    let stale = liveness::occupancy(descriptor)? == Occupancy::Vacant;
    let control = copy_control(location, descriptor)?;
    Ok(control.and_then(|control| ObjectInfo::of(&control, id, kind, stale)))
}

/// Removes a name: nothing can open the object from now on; a process that has it open goes on.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Access`], [`Error::Timeout`].
pub(super) fn remove(location: &Location, kind: ObjectKind, deadline: &Deadline) -> Result<()> {
    let mut backoff = Backoff::new(deadline, "waiting for a process that is removing the name");
    let mut ended = None;
    loop {
        let descriptor = match location.open() {
            // Another process removed the name, since this one ended the object.
            Err(Error::NotFound { .. }) if ended.is_some() => return Ok(()),
            opened => opened?,
        };
        if ended.is_some_and(|identity| identity != descriptor.identity()) {
            return Ok(());
        }
        let removed = match liveness::occupancy(&descriptor)? {
            Occupancy::Vacant => remove_vacant(location, &descriptor)?,
            Occupancy::Locked => false,
            Occupancy::Live => {
                if !has_ended(location, &descriptor)? {
                    if !end(location, &descriptor, kind)? {
                        continue;
                    }
                    ended = Some(descriptor.identity());
                    crate::fault::point("remove.ended");
                }
                let removed = remove_under(location, &descriptor, liveness::lock_name)?;
                liveness::leave(&descriptor);
                removed
            }
        };
        if removed {
            return Ok(());
        }
        drop(descriptor);
        backoff.pause()?;
    }
}

/// No process opens an object of that kind from now on. `false` if its name leads to another one by now.
fn end(location: &Location, descriptor: &Descriptor, kind: ObjectKind) -> Result<bool> {
    let id = location.id();
    let Some(mapped) = location.map(descriptor, Access::ReadWrite)? else { return Ok(false) };
    let (control, _) = parts(&mapped.memory, descriptor, id)?;
    if !control.is_described() {
        return Err(Error::access(id, "something else stands at its name"));
    }
    if let Ok(description) = control.examine_format(id) {
        check_kind(&description, kind, id)?;
    }
    control.set_ended();
    Ok(true)
}

/// The id in an object's name.
pub(super) fn id_of(name: &str, prefix: &str) -> Option<FileId> {
    let id = name.strip_prefix(prefix)?;
    // Nothing but what a file of ours would be called.
    FileId::parse(id).ok().filter(|parsed| parsed.as_str() == id)
}
