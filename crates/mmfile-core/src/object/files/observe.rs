//! Observing an object without joining it. Other processes do not notice such a handle: it is no peer, takes
//! no lock, stores nothing, and keeps no name. Like a reader that may not write to a file on disk, it uses a
//! private control block.

use super::handle::{AtEnd, Object};
use super::liveness::{self, Occupancy};
use super::open::parts;
use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Description, ObjectKind};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::memory::{Access, Memory, Mode};
use crate::object::checks::data_of;
use crate::object::nonce::new_nonce;
use crate::object::rebuild::begin_unwritable;
use crate::object::{Opened, Spec, check_kind};
use crate::platform::{self, Descriptor, Location};
use crate::retry::Backoff;

/// Observes the object of a name. One that no process has open counts as not there, and stays.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Access`], [`Error::Incompatible`], [`Error::Timeout`] if other processes
/// keep the name locked until the deadline.
pub(crate) fn observe(spec: &Spec, deadline: &Deadline) -> Result<Opened> {
    let location = spec.folder.location(&spec.names.object).known_as(spec.names.id.as_str());
    let mut backoff = Backoff::new(deadline, "waiting for a process that is removing the name");
    loop {
        match attempt(&location, spec.kind) {
            Ok(Some(opened)) => return Ok(opened),
            Ok(None) => backoff.pause()?,
            Err(error) => return Err(spec.folder.explain(error, false)),
        }
    }
}

/// `None` if another process has the name locked, or another object has it by now.
fn attempt(location: &Location, kind: ObjectKind) -> Result<Option<Opened>> {
    let id = location.id();
    let descriptor = location.open()?;
    match liveness::occupancy(&descriptor)? {
        Occupancy::Vacant => return Err(Error::not_found(id)),
        Occupancy::Locked => return Ok(None),
        Occupancy::Live => {}
    }
    let Some(mapped) = location.map(&descriptor, Access::Read)? else { return Ok(None) };
    let (source, before) = parts(&mapped.memory, &descriptor, id)?;
    if !source.is_described() {
        return Err(Error::access(id, "something else stands at its name"));
    }
    let description = source.examine_format(id)?;
    check_kind(&description, kind, id)?;
    if source.has_ended() {
        return Err(Error::not_found(id));
    }
    let Some(data) = data_of(&before, description.capacity) else {
        return Err(Error::access(id, "its control block contradicts its size"));
    };
    let mut opened = apart(location, descriptor, source, &description, data, AtEnd::Untouched)?;
    opened.object.set_views(mapped.descriptor);
    Ok(Some(opened))
}

/// A handle that shares only the format: it reads the committed end from the object's control block, and uses a
/// private one for everything else.
pub(super) fn apart(
    location: &Location,
    descriptor: Descriptor,
    mut source: Control,
    description: &Description,
    data: Memory,
    at_end: AtEnd,
) -> Result<Opened> {
    let Description { kind, capacity, lifetime, .. } = *description;
    let sync = platform::sync_objects(&descriptor);
    let own = platform::map_private(CONTROL_SIZE)?;
    let mut control = Control::new(own, sync, location.id())?;
    begin_unwritable(&mut control, kind, capacity)?;
    source.accept(capacity);
    let object = Object::new(location, descriptor, new_nonce(), at_end);
    let source = Some(source);
    Ok(Opened { object, control, source, data, lifetime, mode: Mode::READING })
}
