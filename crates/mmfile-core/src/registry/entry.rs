//! The control object of a name: made, opened and left in the same way for a file and for a mutex.

use super::{Data, PAUSE, RegistryLock, is_control_block, remove_if_stale, take_away};
use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Description};
use crate::error::{Error, Result};
use crate::fault;
use crate::lock::Deadline;
use crate::mapping::{Access, Identity, NAMES_OUTLIVE_PROCESSES, Object, create_named, open_named};
use crate::name::ObjectNames;
use crate::sync::sleep;
use raw_sync::Timeout;
use std::time::Duration;

/// Makes the control object of a name that nobody has. Its block is not ready yet, and whoever fails
/// on the way takes the name away again.
pub(crate) fn create_entry(
    names: &ObjectNames,
    deadline: &Deadline,
    _: &RegistryLock,
) -> Result<(Object, Control)> {
    let id = names.id.as_str();
    let (object, mapping) = create_named(&names.control, CONTROL_SIZE, id)?;
    fault::point("create.control");
    let begun = share(&object, deadline).and_then(|()| Control::new(mapping, id));
    match begun {
        Ok(control) => {
            object.announce();
            fault::point("create.shared");
            Ok((object, control))
        }
        Err(error) => {
            object.unlink_if_same(&names.control);
            Err(error)
        }
    }
}

/// Counts as alive from now on. Whoever takes the new object for a dead creator's, for a moment, has
/// to wait for the registry, which the caller has, and looks again then; unless he is stopped.
pub(crate) fn share(object: &Object, deadline: &Deadline) -> Result<()> {
    while !object.share()? {
        let Some(limit) = deadline.slice(Duration::from_micros(20)) else {
            return Err(Error::Timeout { what: "waiting for somebody who looks at the new file" });
        };
        sleep(limit);
    }
    Ok(())
}

/// Opens the control object of a name and lets `finish` do the rest. Where that answers `None` the
/// next look will find it otherwise: it is being made, or is ending.
pub(crate) fn open_entry<T>(
    names: &ObjectNames,
    deadline: &Deadline,
    mut finish: impl FnMut(Object, Control, Description) -> Result<Option<T>>,
) -> Result<T> {
    let mut pause = PAUSE;
    loop {
        if let Some((object, control)) = attempt(names, deadline)? {
            let description = control.examine(names.id.as_str())?;
            if let Some(opened) = finish(object, control, description)? {
                return Ok(opened);
            }
        }
        let Some(limit) = deadline.slice(pause) else {
            return Err(Error::Timeout { what: "waiting for its creator to finish it" });
        };
        sleep(limit);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

/// What there is to be seen of others who have an object open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nobody alive has it. This descriptor has it for itself now.
    Deserted,
    /// Somebody has.
    Alive,
    /// Somebody is on the way in, or only looks as we do.
    Busy,
}

pub(super) fn look(object: &Object) -> Result<Seen> {
    // Whoever has announced himself is not even asked to wait: an exclusive lock, however brief,
    // would look to others like a participant.
    let announced = object.is_announced();
    if announced == Some(true) {
        return Ok(Seen::Alive);
    }
    if object.try_exclusive()? {
        return Ok(Seen::Deserted);
    }
    Ok(if announced == Some(false) { Seen::Busy } else { Seen::Alive })
}

fn attempt(names: &ObjectNames, deadline: &Deadline) -> Result<Option<(Object, Control)>> {
    let id = names.id.as_str();
    let object = Object::open(&names.control, Access::ReadWrite, id)?;
    let seen = look(&object)?;
    if seen == Seen::Deserted {
        // Nobody alive has it: a dead process left it, perhaps half-made.
        if !is_control_block(names, &object) {
            let reason = "something else stands at its name";
            return Err(Error::Access { id: id.into(), reason, os: None });
        }
        drop(object);
        let registry = RegistryLock::acquire(deadline)?;
        remove_if_stale(names, &registry);
        return Ok(None);
    }
    // Behind several lookers at once a dead creator's file would pass for one that is alive.
    if seen == Seen::Busy || !object.share()? {
        return Ok(None);
    }
    if object.linked_size()?.is_none_or(|size| size < CONTROL_SIZE) {
        return Ok(None);
    }
    object.announce();
    fault::point("open.shared");
    let mapping = match open_named(&names.control, &object, Access::ReadWrite, id) {
        Ok(mapping) => mapping,
        // It ended while we looked, or its lock and bells have not been made yet.
        Err(Error::NotFound { .. }) if !NAMES_OUTLIVE_PROCESSES || !object.is_linked() => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let control = Control::new(mapping, id)?;
    if control.has_ended() {
        return Err(Error::NotFound { id: id.into() });
    }
    Ok(control.is_ready().then_some((object, control)))
}

/// How long closing waits for somebody who makes or removes another name.
pub(crate) const LEAVING: Duration = Duration::from_secs(2);

/// Leaves a name, and takes it away if `ends` says so or if nobody else has it open. One that has to stay
/// goes with the next sweep: it has ended, or is stale then.
pub(crate) fn leave(
    names: &ObjectNames,
    object: &Object,
    data: Identity,
    ends: bool,
    patience: Duration,
) {
    if !ends {
        // Of those who leave at once, the last one sees that nobody is left.
        object.withdraw();
        fault::point("close.withdrawn");
        if object.is_announced() == Some(true) {
            return;
        }
    }
    if !object.is_linked() {
        return; // it has ended already
    }
    let deadline = Deadline::after(&Timeout::Val(patience));
    let Ok(registry) = RegistryLock::acquire(&deadline) else { return };
    fault::point("close.registry");
    if ends || object.try_exclusive().unwrap_or(false) {
        // What cannot be looked at now stays as well.
        let _ = take_away(names, object, &Data::open(names, data), &registry);
    }
    // Before the registry is free: two who leave at once must not take each other for alive.
    object.unshare();
}
