//! Files on disk: objects that stay when every process has left.
//!
//! As long as a process has the file open, its control block is as good as one in memory. The first one
//! that opens it again rebuilds the block from the data, in case a machine went down with the lock held or
//! with half of its pages written.

use super::create::{publish, stage};
use super::handle::{AtEnd, Object};
use super::liveness::{self, Occupancy};
use super::observe::apart;
use super::open::parts;
use super::sweep;
use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Description, Lifetime, ObjectKind};
use crate::deadline::Deadline;
use crate::error::{Error, OsError, Result};
use crate::fault;
use crate::ids::staged_name;
use crate::memory::{Access, Memory, Mode};
use crate::object::checks::{check_size, examine_file};
use crate::object::nonce::new_nonce;
use crate::object::rebuild::rebuild;
use crate::object::{NewObject, Opened};
use crate::platform::{Descriptor, Location};
use crate::retry::Backoff;

/// Creates a file or a channel at a path that nothing has.
///
/// # Errors
/// [`Error::Exists`], [`Error::NotFound`] if its folder does not exist, [`Error::NoSpace`],
/// [`Error::Access`].
pub(crate) fn create_file(
    location: &Location,
    new: &NewObject,
    deadline: &Deadline,
) -> Result<Opened> {
    // Before its space is reserved.
    if location.exists()? {
        return Err(Error::Exists { id: location.id().into() });
    }
    publish(location, new, deadline, |named| {
        let staged = match stage(location, new, named, deadline) {
            // A killed creation may have left the space that is missing.
            Err(Error::NoSpace { .. }) => {
                sweep_staged(location);
                stage(location, new, named, deadline)?
            }
            staged => staged?,
        };
        if staged.0.has_name() {
            sweep_staged(location);
        }
        Ok(staged)
    })
}

/// Removes what a process was creating at a path when it died.
fn sweep_staged(location: &Location) {
    let (folder, name) = (location.folder(), location.name());
    let Ok(names) = folder.names() else { return };
    for staged_as in names.filter(|it| staged_name(it) == Some(&name)) {
        let _ = sweep::staged(&folder.location(&staged_as));
    }
}

/// Opens a file by its path. One that may not be written to is opened for reading only, if that is
/// enough.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Access`], [`Error::Corrupt`] if it was cut, [`Error::Incompatible`],
/// [`Error::Timeout`].
pub(crate) fn open_file(
    location: &Location,
    kind: ObjectKind,
    mode: Mode,
    deadline: &Deadline,
) -> Result<Opened> {
    let mut backoff = Backoff::new(deadline, "waiting for the process that is opening the file");
    loop {
        match attempt(location, kind, mode) {
            Ok(Some(opened)) => return Ok(opened),
            Ok(None) => backoff.pause()?,
            // On a full disk: existing contents can be read.
            Err(Error::NoSpace { .. }) if mode.access == Access::Read => {
                return open_unwritable(location, location.open_read_only()?, kind, Some(mode));
            }
            Err(Error::Access { os: Some(OsError { errno, .. }), .. })
                if mode.access == Access::Read
                    && matches!(errno, libc::EACCES | libc::EPERM | libc::EROFS) =>
            {
                return open_unwritable(location, location.open_read_only()?, kind, Some(mode));
            }
            Err(error) => return Err(error),
        }
    }
}

/// `None` while another process rebuilds the control block.
fn attempt(location: &Location, kind: ObjectKind, mode: Mode) -> Result<Option<Opened>> {
    let descriptor = location.open()?;
    let nonce = new_nonce();
    let vacant = match liveness::occupancy(&descriptor)? {
        Occupancy::Live => false,
        Occupancy::Locked => return Ok(None),
        Occupancy::Vacant => {
            if !liveness::lock_all(&descriptor)? {
                return Ok(None);
            }
            true
        }
    };
    let joined = match vacant {
        // Its exclusive lock is enough, and is released in the same way.
        true => Some(Object::new(location, descriptor, nonce, AtEnd::Stays)),
        false => Object::join(location, descriptor, nonce, AtEnd::Stays)?,
    };
    let Some(mut object) = joined else { return Ok(None) };
    check_size(object.size()?, location.id())?;
    let Some(mapped) = location.map(object.descriptor(), mode.access)? else { return Ok(None) };
    fault::point("open.mapped");
    let (mut control, description, data) =
        examine(&mapped.memory, object.descriptor(), kind, location.id())?;
    let capacity = description.capacity;
    // The process that repairs it writes to it.
    if mode.access == Access::ReadWrite || vacant {
        location.reserve_holes(object.descriptor())?;
    }
    control.memory().provide(0, CONTROL_SIZE)?;
    if vacant {
        let place = object.descriptor().identity().number();
        let data = writable(location, &object, &data, mode.access)?;
        rebuild(&mut control, &data, &description, place, location.id())?;
        fault::point("open.rebuilt");
        liveness::downgrade(object.descriptor(), nonce)?;
    } else {
        control.examine(location.id())?;
        control.accept(capacity);
        load(&control, kind, &data)?;
        control.join();
    }
    object.set_views(mapped.descriptor.filter(|_| mode.access == Access::Read));
    object.enter(&control, mode)?;
    fault::point("open.entered");
    let (source, lifetime) = (None, Lifetime::LastProcess);
    Ok(Some(Opened { object, control, source, data, lifetime, mode }))
}

/// The control block of a mapped file, and the data.
fn examine(
    memory: &Memory,
    descriptor: &Descriptor,
    kind: ObjectKind,
    id: &str,
) -> Result<(Control, Description, Memory)> {
    let (control, before) = parts(memory, descriptor, id)?;
    control.memory().load(0, CONTROL_SIZE)?;
    let (description, data) = examine_file(&control, &before, kind, id)?;
    Ok((control, description, data))
}

/// Sees to it that a reader can read what is there, also where there are holes in it.
fn load(control: &Control, kind: ObjectKind, data: &Memory) -> Result<()> {
    let all = data.region().len() as u64;
    data.load(0, if kind == ObjectKind::DiskChannel { all } else { control.tail().size })
}

/// The data, for the repair: a reader has it mapped without write permission.
fn writable(location: &Location, object: &Object, data: &Memory, access: Access) -> Result<Memory> {
    if access == Access::ReadWrite {
        return Ok(data.clone());
    }
    let mapped = location.map(object.descriptor(), Access::ReadWrite)?;
    let data = mapped.and_then(|it| it.memory.part(0, data.region().len() as u64));
    data.ok_or_else(|| Error::not_found(location.id()))
}

/// Observes a file. One that no process has open is opened: it has no other peers, and it may have to
/// be repaired.
///
/// # Errors
/// As [`open_file`].
pub(crate) fn observe_file(
    location: &Location,
    kind: ObjectKind,
    deadline: &Deadline,
) -> Result<Opened> {
    let descriptor = location.open_read_only()?;
    if liveness::occupancy(&descriptor)? == Occupancy::Live {
        return open_unwritable(location, descriptor, kind, None);
    }
    open_file(location, kind, Mode::READING, deadline)
}

/// A reader that may not write to the file has a private control block, and reads the committed end from the
/// file's. Without a mode it only observes.
fn open_unwritable(
    location: &Location,
    descriptor: Descriptor,
    kind: ObjectKind,
    mode: Option<Mode>,
) -> Result<Opened> {
    check_size(descriptor.size()?, location.id())?;
    let Some(mapped) = location.map_read_only(&descriptor)? else {
        return Err(Error::not_found(location.id()));
    };
    let (source, description, data) = examine(&mapped.memory, &descriptor, kind, location.id())?;
    let mut opened = apart(location, descriptor, source, &description, data, AtEnd::Stays)?;
    if let Some(source) = &opened.source {
        load(source, kind, &opened.data)?;
    }
    if let Some(mode) = mode {
        opened.mode = mode;
        opened.object.enter(&opened.control, mode)?;
    }
    opened.object.set_views(mapped.descriptor);
    Ok(opened)
}
