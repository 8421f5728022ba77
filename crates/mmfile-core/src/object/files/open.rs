//! Opening an object by its name.

use super::close::remove_under;
use super::handle::{AtEnd, Object};
use super::liveness::{self, Occupancy};
use crate::control::{Control, ObjectKind};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::fault;
use crate::memory::{Access, Memory, Mode};
use crate::object::checks::{self, data_of};
use crate::object::nonce::new_nonce;
use crate::object::{Opened, Spec, check_kind};
use crate::platform::{self, Descriptor, Location, Mapped};
use crate::retry::Backoff;

/// Opens the object of a name. One that no process has open is removed and counts as not there.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Access`], [`Error::Incompatible`], [`Error::Timeout`] if other processes
/// keep the name locked until the deadline.
pub(crate) fn open(spec: &Spec, mode: Mode, deadline: &Deadline) -> Result<Opened> {
    let location = spec.folder.location(&spec.names.object).known_as(spec.names.id.as_str());
    let mut backoff = Backoff::new(deadline, "waiting for a process that is removing the name");
    loop {
        match attempt(&location, spec.kind, mode) {
            Ok(Some(opened)) => return Ok(opened),
            Ok(None) => backoff.pause()?,
            Err(error) => return Err(spec.folder.explain(error, false)),
        }
    }
}

/// `None` if another process has the name locked, or another object has it by now.
fn attempt(location: &Location, kind: ObjectKind, mode: Mode) -> Result<Option<Opened>> {
    let descriptor = location.open()?;
    match liveness::occupancy(&descriptor)? {
        Occupancy::Locked => return Ok(None),
        Occupancy::Vacant if remove_vacant(location, &descriptor)? => {
            return Err(Error::not_found(location.id()));
        }
        Occupancy::Vacant => return Ok(None),
        Occupancy::Live => {}
    }
    let nonce = new_nonce();
    let joined = Object::join(location, descriptor, nonce, AtEnd::GoesWithLast)?;
    let Some(object) = joined else { return Ok(None) };
    let Some(mapped) = location.map(object.descriptor(), mode.access)? else { return Ok(None) };
    fault::point("open.mapped");
    finish(object, mapped, kind, mode).map(Some)
}

/// Checks what is mapped and joins its participants.
fn finish(mut object: Object, mapped: Mapped, kind: ObjectKind, mode: Mode) -> Result<Opened> {
    let id = object.location().id().to_owned();
    let (mut control, data) = parts(&mapped.memory, object.descriptor(), &id)?;
    control.map_for_writing();
    if !control.is_described() {
        return Err(Error::access(&id, "something else stands at its name"));
    }
    let description = control.examine(&id)?;
    check_kind(&description, kind, &id)?;
    if control.has_ended() {
        // Its creator could not remove the name, or died on the way.
        let _ = object.remove_under(liveness::lock_name);
        return Err(Error::not_found(&id));
    }
    let Some(data) = data_of(&data, description.capacity) else {
        return Err(Error::access(&id, "its control block contradicts its size"));
    };
    control.accept(description.capacity);
    // A handle that writes needs no more mappings.
    object.set_views(mapped.descriptor.filter(|_| mode.access == Access::Read));
    object.enter(&control, mode)?;
    control.join();
    fault::point("open.entered");
    let lifetime = description.lifetime;
    Ok(Opened { object, control, source: None, data, lifetime, mode })
}

/// The control block of a mapped object, and what precedes it.
pub(super) fn parts(
    memory: &Memory,
    descriptor: &Descriptor,
    id: &str,
) -> Result<(Control, Memory)> {
    let (control, before) = checks::parts(memory, id)?;
    Ok((Control::new(control, platform::sync_objects(descriptor), id)?, before))
}

/// Removes the name of an object that no process has open, of whichever kind: prefixes may overlap. `false` if
/// one has it, after all.
///
/// # Errors [`Error::Access`] if something else is there, which is left alone.
pub(super) fn remove_vacant(location: &Location, descriptor: &Descriptor) -> Result<bool> {
    let kind = copy_control(location, descriptor)?.and_then(|control| control.kind());
    match kind {
        None => return Err(Error::access(location.id(), "something else stands at its name")),
        Some(kind) if kind.is_on_disk() => return Err(checks::other_kind(kind, location.id())),
        Some(_) => {}
    }
    let removed = remove_under(location, descriptor, liveness::lock_all);
    liveness::leave(descriptor);
    removed
}

/// Whether an object has ended, although a process has it open.
///
/// # Errors
/// [`Error::Access`] if it has not, and is of another kind.
pub(super) fn has_ended(
    location: &Location,
    descriptor: &Descriptor,
    kind: ObjectKind,
) -> Result<bool> {
    let Some(control) = copy_control(location, descriptor)? else { return Ok(false) };
    match control.kind() {
        None => Ok(false),
        Some(_) if control.has_ended() => Ok(true),
        Some(_) if control.is_of(kind) => Ok(false),
        Some(other) => Err(checks::other_kind(other, location.id())),
    }
}

/// A copy of an object's control block, if it is large enough for one.
pub(super) fn copy_control(
    location: &Location,
    descriptor: &Descriptor,
) -> Result<Option<Control>> {
    match location.copy_control(descriptor)? {
        Some(memory) => {
            let sync = platform::sync_objects(descriptor);
            Control::new(memory, sync, location.id()).map(Some)
        }
        None => Ok(None),
    }
}
