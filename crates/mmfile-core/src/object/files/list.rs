//! Lists objects without joining them.

use super::close::remove_under;
use super::liveness::{self, Occupancy};
use super::open::{copy_control, has_ended, parts, remove_vacant};
use super::sweep;
use crate::control::{Control, ObjectKind};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::ids::Names;
use crate::memory::{Access, Memory};
use crate::object::checks::data_of;
use crate::object::{Kind, ObjectInfo};
use crate::platform::{Descriptor, Folder, Location};
use crate::retry::Backoff;

/// The rows of all objects of a prefix; if `removes`, of those that are stale, which it removes.
///
/// # Errors
/// [`Error::NoSpace`] if the system has no descriptors or no memory left; the folder cannot be read.
pub(crate) fn list(
    folder: &Folder,
    prefix: &str,
    kind: Kind,
    removes: bool,
) -> Result<Vec<ObjectInfo>> {
    let mut infos = Vec::new();
    for (location, id) in sweep::objects(folder, prefix)? {
        // Before it is gone.
        let channel = (kind == Kind::Channel).then(|| map_channel(&location).ok().flatten());
        let (live, data) = channel.flatten().unzip();
        let found = if removes {
            sweep::object(&location, kind.object_kind()).map(|it| Some((it?, true)))
        } else {
            examine(&location)
        };
        match found {
            Ok(found) => infos.extend(found.and_then(|(copy, stale)| {
                let control = live.as_ref().unwrap_or(&copy);
                ObjectInfo::of(control, data.as_ref(), id, kind, stale)
            })),
            Err(error @ Error::NoSpace { .. }) => return Err(error),
            Err(_) => {} // another user's, or no object of this package, or gone meanwhile
        }
    }
    Ok(infos)
}

/// An object's control block, if it has one, and whether it is stale.
fn examine(location: &Location) -> Result<Option<(Control, bool)>> {
    let descriptor = location.open()?;
    let stale = liveness::occupancy(&descriptor)? == Occupancy::Vacant;
    Ok(copy_control(location, &descriptor)?.map(|control| (control, stale)))
}

/// The control block and the data of a channel, as they are.
fn map_channel(location: &Location) -> Result<Option<(Control, Memory)>> {
    let descriptor = location.open()?;
    let Some(mapped) = location.map(&descriptor, Access::Read)? else { return Ok(None) };
    let (control, before) = parts(&mapped.memory, &descriptor, location.id())?;
    let capacity = control.examine_format(location.id())?.capacity;
    Ok(data_of(&before, capacity).map(|data| (control, data)))
}

/// Removes a name: nothing can open the object from now on; a process that has it open keeps it.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Access`], [`Error::Timeout`].
pub(crate) fn remove(
    folder: &Folder,
    names: &Names,
    kind: ObjectKind,
    deadline: &Deadline,
) -> Result<()> {
    let location = &folder.location(&names.object).known_as(names.id.as_str());
    let mut backoff = Backoff::new(deadline, "waiting for a process that is removing the name");
    let mut ended = None;
    loop {
        let descriptor = match location.open() {
            // Another process removed the name, since this one ended the object.
            Err(Error::NotFound { .. }) if ended.is_some() => return Ok(()),
            opened => opened.map_err(|error| folder.explain(error, false))?,
        };
        if ended.is_some_and(|identity| identity != descriptor.identity()) {
            return Ok(());
        }
        let removed = match liveness::occupancy(&descriptor)? {
            Occupancy::Vacant => {
                has_ended(location, &descriptor, kind)?; // or it is of another kind
                remove_vacant(location, &descriptor)?
            }
            Occupancy::Locked => false,
            Occupancy::Live => {
                if !has_ended(location, &descriptor, kind)? {
                    if !end(location, &descriptor)? {
                        backoff.pause()?;
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

/// No process opens an object from now on. `false` if its name leads to another one by now.
fn end(location: &Location, descriptor: &Descriptor) -> Result<bool> {
    let id = location.id();
    let Some(mapped) = location.map(descriptor, Access::ReadWrite)? else { return Ok(false) };
    let (control, _) = parts(&mapped.memory, descriptor, id)?;
    if !control.is_described() {
        return Err(Error::access(id, "something else stands at its name"));
    }
    control.memory().provide(0, crate::control::layout::CONTROL_SIZE)?;
    control.set_ended();
    Ok(true)
}
