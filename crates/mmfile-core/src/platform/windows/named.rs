//! Objects by name. Each has a section with the data (a mutex has none), a section with the control block, and the lock
//! with its semaphores.
//!
//! A name exists before its object is complete: as long as the control block is not ready, the process that creates the
//! object is still at work.

use super::folder::Folder;
use super::foreign::{self, FOREIGN};
use super::liveness::Presence;
use super::object::{Held, Object};
use super::parts::{CONTROL_SUFFIX, Parts, begin, control_name, create_control};
use super::section::{self, in_session, rights};
use super::sync_objects::{How, SyncObjects};
use super::{directory, view};
use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Description, ObjectKind};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::fault;
use crate::ids::{FileId, Names};
use crate::memory::{Access, Memory, Mode};
use crate::object::rebuild::begin_unwritable;
use crate::object::{Kind, NewObject, ObjectInfo, Opened, Spec, check_kind};
use crate::platform::DATA_SUFFIX;
use crate::retry::Backoff;
use crate::timeouts::LONGEST_END;
use raw_sync::Timeout;
use std::os::windows::io::OwnedHandle;

/// A page, on every machine that Windows runs on.
const PAGE: u64 = 4096;

/// Creates an object at a name that no other object has.
///
/// # Errors [`Error::Exists`]; [`Error::Access`] if the name leads to another program's data without a lock
/// that would make it a file; [`Error::NoSpace`].
pub(crate) fn create(spec: &Spec, new: &NewObject, deadline: &Deadline) -> Result<Opened> {
    // Of a process that ends, the names go one after the other.
    let limit = Timeout::Val(deadline.slice(LONGEST_END).unwrap_or_default());
    let limit = Deadline::after(&limit);
    let mut backoff = Backoff::new(&limit, "waiting for a process that is ending");
    loop {
        match attempt_create(spec, new) {
            Err(foreign @ Error::Access { reason: FOREIGN, .. }) => {
                backoff.pause().map_err(|_| foreign)?;
            }
            other => return other,
        }
    }
}

fn attempt_create(spec: &Spec, new: &NewObject) -> Result<Opened> {
    let (names, id) = (&spec.names, spec.names.id.as_str());
    let (section, memory) = create_control(names)?;
    fault::point("create.control");
    let sync = SyncObjects::new(&in_session(&names.lock), How::Create, id)?;
    fault::point("create.lock");
    let (data, data_memory) = match new.kind {
        ObjectKind::Mutex => (None, memory.part(0, 0).ok_or(Error::Closed)?),
        _ => {
            let data = match section::create(&names.object, new.capacity, id) {
                Err(Error::Exists { .. }) => return Err(Error::access(id, FOREIGN)),
                data => data?,
            };
            let all = view::map(&data, new.capacity, rights(Access::ReadWrite))?;
            (Some(data), all)
        }
    };
    fault::point("create.data");
    let control = Control::new(memory, sync, id)?;
    let parts = Parts { section, data, control, data_memory };
    begin(names, parts, new, true)
}

/// Opens the object of a name, or makes a foreign program's data and lock one.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Access`], [`Error::Incompatible`], [`Error::Timeout`] if its creator does not
/// complete it.
pub(crate) fn open(spec: &Spec, mode: Mode, deadline: &Deadline) -> Result<Opened> {
    let mut backoff = Backoff::new(deadline, "waiting for the process that creates it");
    let mut attempts = 0;
    loop {
        let missing = match attempt(spec, mode) {
            Ok(Some(opened)) => return Ok(opened),
            Ok(None) => {
                backoff.pause()?;
                continue;
            }
            Err(missing @ Error::NotFound { .. }) => missing,
            Err(error) => return Err(error),
        };
        if spec.kind.is_channel() {
            return Err(missing);
        }
        match foreign::join(spec, mode) {
            // Another process was quicker; or a file of the package has ended, and its names go with the
            // processes that have it open.
            Err(Error::Exists { .. }) if attempts < foreign::ATTEMPTS => attempts += 1,
            Err(Error::Exists { .. }) => return Err(missing),
            other => return other,
        }
    }
}

/// `None` while the object is not complete, or is ending.
fn attempt(spec: &Spec, mode: Mode) -> Result<Option<Opened>> {
    let access = mode.access;
    let (names, id) = (&spec.names, spec.names.id.as_str());
    let (section, memory) = open_control(&control_name(names), Access::ReadWrite, id)?;
    let seen = Control::new(memory.clone(), SyncObjects::none(), id)?;
    if seen.has_ended() {
        return Err(Error::not_found(id));
    }
    if !seen.is_ready() {
        return Ok(None);
    }
    let description = seen.examine(id)?;
    check_kind(&description, spec.kind, id)?;
    let capacity = description.capacity;
    let lock = in_session(&names.lock);
    let sync = match SyncObjects::new(&lock, How::Open, id) {
        Err(Error::NotFound { .. }) => return Ok(None),
        sync => sync?,
    };
    let Some((data, data_memory)) = data_of(spec, access, capacity, &memory)? else {
        return Ok(None);
    };
    fault::point("open.mapped");
    let mut control = Control::new(memory, sync, id)?;
    control.accept(capacity);
    let presence = Presence::enter(&lock, id)?;
    fault::point("open.joined");
    let held = Held { presence: Some(presence), data, _control: Some(section) };
    let object = Object::new(&control, mode, Some(lock), held, None, false)?;
    control.join();
    fault::point("open.entered");
    let lifetime = description.lifetime;
    Ok(Some(Opened { object, control, source: None, data: data_memory, lifetime, mode }))
}

/// Observes the object of a name without joining it: it reads the committed end from the object's control block,
/// and uses a private one for everything else. Another program's object has no control block: it is joined.
///
/// # Errors
/// As [`open`].
pub(crate) fn observe(spec: &Spec, deadline: &Deadline) -> Result<Opened> {
    let mut backoff = Backoff::new(deadline, "waiting for the process that creates it");
    loop {
        match attempt_to_observe(spec) {
            Ok(Some(opened)) => return Ok(opened),
            Ok(None) => backoff.pause()?,
            Err(Error::NotFound { .. }) => return open(spec, Mode::READING, deadline),
            Err(error) => return Err(error),
        }
    }
}

/// `None` while the object is not complete, or is ending.
fn attempt_to_observe(spec: &Spec) -> Result<Option<Opened>> {
    let (names, id) = (&spec.names, spec.names.id.as_str());
    let (section, memory) = open_control(&control_name(names), Access::Read, id)?;
    let seen = Control::new(memory.clone(), SyncObjects::none(), id)?;
    if seen.has_ended() {
        return Err(Error::not_found(id));
    }
    if !seen.is_ready() {
        return Ok(None);
    }
    let description = seen.examine_format(id)?;
    check_kind(&description, spec.kind, id)?;
    let Description { kind, capacity, lifetime, .. } = description;
    let lock = in_session(&names.lock);
    let sync = match SyncObjects::new(&lock, How::Open, id) {
        Err(Error::NotFound { .. }) => return Ok(None),
        sync => sync?,
    };
    let Some((data, data_memory)) = data_of(spec, Access::Read, capacity, &memory)? else {
        return Ok(None);
    };
    let mut source = Control::new(memory, sync, id)?;
    source.accept(capacity);
    let own = view::map_private(CONTROL_SIZE)?;
    let mut control = Control::new(own, SyncObjects::private(id)?, id)?;
    begin_unwritable(&mut control, kind, capacity)?;
    let held = Held { presence: None, data, _control: Some(section) };
    let object = Object::apart(&control, lock, held, None);
    let (source, mode) = (Some(source), Mode::READING);
    Ok(Some(Opened { object, control, source, data: data_memory, lifetime, mode }))
}

/// The section of an object's data, and its mapping; a mutex has no data. `None` while it does not exist yet, or not
/// any more.
fn data_of(
    spec: &Spec,
    access: Access,
    capacity: u64,
    control: &Memory,
) -> Result<Option<(Option<OwnedHandle>, Memory)>> {
    if spec.kind == ObjectKind::Mutex {
        return Ok(control.part(0, 0).map(|nothing| (None, nothing)));
    }
    let id = spec.names.id.as_str();
    let data = match section::open(&spec.names.object, access, id) {
        Err(Error::NotFound { .. }) => return Ok(None),
        data => data?,
    };
    let all = view::map(&data, 0, rights(access))?;
    let whole = capacity.checked_next_multiple_of(PAGE) == Some(all.region().len() as u64);
    match all.part(0, capacity).filter(|_| whole) {
        Some(memory) => Ok(Some((Some(data), memory))),
        None => Err(Error::access(id, "its data is not the one that belongs to it")),
    }
}

/// Opens the section of a control block, and maps it.
fn open_control(name: &str, access: Access, id: &str) -> Result<(OwnedHandle, Memory)> {
    let section = section::open(name, access, id)?;
    let memory = view::map(&section, CONTROL_SIZE, rights(access))
        .map_err(|_| Error::access(id, "something else stands at its name"))?;
    Ok((section, memory))
}

/// The objects whose locks' names begin with a prefix. None of them is ever stale, so that there is nothing
/// to remove.
pub(crate) fn list(_: &Folder, prefix: &str, kind: Kind, removes: bool) -> Result<Vec<ObjectInfo>> {
    let mut infos = Vec::new();
    for name in if removes { Default::default() } else { directory::sections() } {
        let id = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(CONTROL_SUFFIX));
        let Some(id) = id else { continue };
        match describe(&name, id, kind) {
            Ok(info) => infos.extend(info),
            Err(error @ Error::NoSpace { .. }) => return Err(error),
            Err(_) => {} // another user's, or no object of this package, or gone meanwhile
        }
    }
    Ok(infos)
}

fn describe(name: &str, id: &str, kind: Kind) -> Result<Option<ObjectInfo>> {
    // Only names that the package itself would give.
    let parsed = FileId::parse(id)?;
    if parsed.as_str() != id {
        return Ok(None);
    }
    let (_section, memory) = open_control(name, Access::Read, id)?;
    let control = Control::new(memory, SyncObjects::none(), id)?;
    if !control.is_ready() {
        return Ok(None);
    }
    // A channel's data says how many messages there are.
    let data = (kind == Kind::Channel).then(|| {
        let lock = name.strip_suffix(CONTROL_SUFFIX)?;
        let section = section::open(&format!("{lock}{DATA_SUFFIX}"), Access::Read, id).ok()?;
        let all = view::map(&section, 0, rights(Access::Read)).ok()?;
        all.part(0, control.examine_format(id).ok()?.capacity)
    });
    Ok(ObjectInfo::of(&control, data.flatten().as_ref(), parsed, kind, false))
}

/// Ends an object: nothing can open it from now on. Its names go with the last process that has it open.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Access`], [`Error::Timeout`].
pub(crate) fn remove(
    _: &Folder,
    names: &Names,
    kind: ObjectKind,
    deadline: &Deadline,
) -> Result<()> {
    let id = names.id.as_str();
    let mut backoff = Backoff::new(deadline, "waiting for the process that creates it");
    loop {
        let (_section, memory) = open_control(&control_name(names), Access::ReadWrite, id)?;
        let control = Control::new(memory, SyncObjects::none(), id)?;
        if control.has_ended() {
            return Err(Error::not_found(id));
        }
        if control.is_ready() {
            if let Ok(description) = control.examine_format(id) {
                check_kind(&description, kind, id)?;
            }
            control.set_ended();
            fault::point("remove.ended");
            return Ok(());
        }
        backoff.pause()?;
    }
}
