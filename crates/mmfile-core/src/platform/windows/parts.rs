//! The parts of a named object.

use super::liveness::Presence;
use super::object::{Held, Object};
use super::section::{self, in_session, rights};
use super::view;
use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Description, Lifetime};
use crate::error::Result;
use crate::fault;
use crate::ids::Names;
use crate::memory::{Access, Memory};
use crate::object::rebuild::initialize_locks;
use crate::object::{NewObject, Opened};
use std::os::windows::io::OwnedHandle;

/// The suffix, after the lock's name, of the name of the control block's section. No id contains it.
pub(super) const CONTROL_SUFFIX: &str = "~control";
pub(super) fn control_name(names: &Names) -> String {
    format!("{}{CONTROL_SUFFIX}", names.lock)
}

/// Creates the section of a control block, and maps it.
pub(super) fn create_control(names: &Names) -> Result<(OwnedHandle, Memory)> {
    let section = section::create(&control_name(names), CONTROL_SIZE, names.id.as_str())?;
    let memory = view::map(&section, CONTROL_SIZE, rights(Access::ReadWrite))?;
    Ok((section, memory))
}

/// The parts of a new object.
pub(super) struct Parts {
    pub(super) section: OwnedHandle,
    pub(super) data: Option<OwnedHandle>,
    pub(super) control: Control,
    pub(super) data_memory: Memory,
}

/// Completes the control block of a new object, which other processes wait for.
pub(super) fn begin(
    names: &Names,
    parts: Parts,
    new: &NewObject,
    is_creator: bool,
) -> Result<Opened> {
    let Parts { section, data, mut control, data_memory } = parts;
    initialize_locks(&control, new.kind)?;
    let lock = in_session(&names.lock);
    let presence = Presence::enter(&lock, names.id.as_str())?;
    let creator = if is_creator { presence.nonce() } else { 0 };
    let NewObject { kind, capacity, lifetime, mode, channel } = *new;
    let held = Held { presence: Some(presence), data, _control: Some(section) };
    let ends = is_creator && lifetime == Lifetime::Creator;
    let object = Object::new(&control, mode, Some(lock), held, None, ends)?;
    fault::point("create.entered");
    control.describe(&Description { kind, capacity, lifetime, creator, channel });
    fault::point("create.described");
    Ok(Opened { object, control, source: None, data: data_memory, lifetime, mode })
}
