//! Creating an object: complete before it has its name.

use super::close::remove_under;
use super::handle::{AtEnd, Object};
use super::liveness::{self, Occupancy};
use super::open::{has_ended, parts, remove_vacant};
use super::sweep;
use crate::control::{Description, Lifetime, ObjectKind, Participant, participants};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::fault;
use crate::object::checks::data_of;
use crate::object::nonce::new_nonce;
use crate::object::rebuild::{initialize_locks, session};
use crate::object::{NewObject, Opened, Spec};
use crate::platform::{Location, Staged};
use crate::retry::Backoff;

/// Creates an object at a name that no living object has.
///
/// # Errors [`Error::Exists`]; [`Error::Access`] if the name leads to something else; [`Error::NoSpace`];
/// [`Error::Unsupported`] if the folder cannot hold objects; [`Error::Timeout`] if other processes keep the
/// name locked until the deadline.
pub(crate) fn create(spec: &Spec, new: &NewObject, deadline: &Deadline) -> Result<Opened> {
    let location = spec.folder.location(&spec.names.object).known_as(spec.names.id.as_str());
    let prefix = spec.names.prefix();
    // A process that was killed during a creation may have left an object whose memory is needed.
    sweep::begin(&spec.folder, prefix);
    fault::point("create.swept");
    // Before anything is reserved for a name that is taken.
    vacate(&location, new.kind, deadline).map_err(|error| spec.folder.explain(error, false))?;
    let staged = |named| {
        let staged = match stage(&location, new, named, deadline) {
            Err(Error::NoSpace { .. }) if sweep::stale(&spec.folder, prefix, new.kind) => {
                stage(&location, new, named, deadline)
            }
            staged => staged,
        };
        staged.map_err(|error| spec.folder.explain(error, true))
    };
    let opened = publish(&location, new, deadline, staged)?;
    sweep::some(&spec.folder, prefix, new.kind);
    Ok(opened)
}

/// Creates objects until one gets the name.
pub(super) fn publish(
    location: &Location,
    new: &NewObject,
    deadline: &Deadline,
    stage: impl Fn(bool) -> Result<(Staged, u64)>,
) -> Result<Opened> {
    let mut backoff = Backoff::new(deadline, "waiting for a process that removes what it creates");
    let mut named = false;
    loop {
        let (mut staged, nonce) = stage(named)?;
        let (mut control, before) = parts(&staged.memory, &staged.descriptor, location.id())?;
        initialize_locks(&control, new.kind)?;
        control.describe(&Description {
            kind: new.kind,
            capacity: new.capacity,
            lifetime: new.lifetime,
            creator: nonce,
            channel: new.channel,
        });
        // Its creator always has a row: nothing else can take one before it is published.
        participants::enter(&control, &Participant::new(nonce, new.mode), |_| true)?;
        if new.kind == ObjectKind::DiskChannel {
            control.set_session(session(staged.descriptor.identity().number()));
        }
        fault::point("create.described");
        let Some(data) = data_of(&before, new.capacity) else {
            return Err(Error::Closed); // it was staged with that size
        };
        let at_end = match (new.kind, new.lifetime) {
            (kind, _) if kind.is_on_disk() => AtEnd::Stays,
            (_, Lifetime::LastProcess) => AtEnd::GoesWithLast,
            (_, Lifetime::Creator) => AtEnd::Goes,
        };
        loop {
            match location.publish(&mut staged) {
                Ok(true) => {
                    fault::point("create.published");
                    let mut object = Object::new(location, staged.descriptor, nonce, at_end);
                    object.has_entered(&control);
                    fault::point("create.entered");
                    let (lifetime, mode) = (new.lifetime, new.mode);
                    return Ok(Opened { object, control, source: None, data, lifetime, mode });
                }
                Ok(false) => break,
                Err(error @ Error::Exists { .. }) if new.kind.is_on_disk() => return Err(error),
                Err(Error::Exists { .. }) => vacate(location, new.kind, deadline)?,
                Err(error) => return Err(error),
            }
        }
        drop(staged);
        named = true;
        backoff.pause()?;
    }
}

/// An object without its name, with its memory reserved, whose handle counts as alive.
pub(super) fn stage(
    location: &Location,
    new: &NewObject,
    named: bool,
    deadline: &Deadline,
) -> Result<(Staged, u64)> {
    let mut backoff = Backoff::new(deadline, "waiting for a process that removes staging objects");
    let (staged, nonce) = loop {
        let nonce = new_nonce();
        match location.stage(new.capacity, nonce, named) {
            Ok(Some(staged)) => {
                // A process that takes it for a dead one's holds it, and removes its name: that one may be stopped.
                if liveness::join(&staged.descriptor, nonce)? {
                    break (staged, nonce);
                }
            }
            Ok(None) => {}
            Err(Error::NotFound { id, .. }) => {
                return Err(Error::NotFound {
                    id,
                    reason: "its folder does not exist: create that first",
                });
            }
            Err(error) => return Err(error),
        }
        backoff.pause()?;
    };
    fault::point("create.joined");
    location.reserve(&staged, new.capacity)?;
    fault::point("create.reserved");
    Ok((staged, nonce))
}

/// Removes the object at a name if no process has it open, or if it has ended. It may be of any kind, since prefixes
/// may overlap.
///
/// # Errors [`Error::Exists`] if a living object is there, and those of [`create`].
fn vacate(location: &Location, kind: ObjectKind, deadline: &Deadline) -> Result<()> {
    let mut backoff = Backoff::new(deadline, "waiting for a process that is removing the name");
    loop {
        let descriptor = match location.open() {
            Ok(descriptor) => descriptor,
            Err(Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let removed = match liveness::occupancy(&descriptor)? {
            Occupancy::Vacant => remove_vacant(location, &descriptor)?,
            Occupancy::Locked => false,
            Occupancy::Live if has_ended(location, &descriptor, kind)? => {
                let removed = remove_under(location, &descriptor, liveness::lock_name);
                liveness::leave(&descriptor);
                removed?
            }
            Occupancy::Live => return Err(Error::Exists { id: location.id().into() }),
        };
        if !removed {
            drop(descriptor);
            backoff.pause()?;
        }
    }
}
