//! Data that a program made which knows nothing of control blocks: on Windows a .NET program's named map,
//! with a named mutex beside it. Whoever of us comes first makes the control block.

use super::place::Place;
use super::{Handle, MmFile, OpenOptions, Settings};
use crate::control::{Control, Description, Kind, Lifetime};
use crate::error::{Error, Result};
use crate::lock::{Deadline, ProcessLock};
use crate::mapping::{Object, create_beside, open_named};
use crate::name::ObjectNames;

/// How often somebody else may be quicker, and gone again.
const ATTEMPTS: u32 = 2;

/// Opens a file of ours, or else joins a foreign one.
pub(super) fn open_or_join(
    names: &ObjectNames,
    options: &OpenOptions,
    deadline: &Deadline,
) -> Result<MmFile> {
    let mut attempts = 0;
    loop {
        let missing = match MmFile::open_ours(names, options, deadline) {
            Err(missing @ Error::NotFound { .. }) => missing,
            other => return other,
        };
        match join(names, options) {
            // Another of us was quicker; or a file of ours has ended, and its names go with those who
            // have it open.
            Err(Error::Exists { .. }) if attempts < ATTEMPTS => attempts += 1,
            Err(Error::Exists { .. }) => return Err(missing),
            other => return other,
        }
    }
}

/// Makes the control block of foreign data. Nobody holds the file but those who have it open.
fn join(names: &ObjectNames, options: &OpenOptions) -> Result<MmFile> {
    let id = names.id.as_str();
    let data = Object::open(&names.data, options.access, id)?;
    let (object, mapping) = create_beside(&names.control, id)?;
    let mut control = Control::new(mapping, id)?;
    ProcessLock::initialize(control.mapping())?;
    // Its maker may have asked for less: a section is as large as its pages.
    let (capacity, lifetime) = (data.size()?, Lifetime::LastProcess);
    let identity = data.identity();
    control.describe(&Description { kind: Kind::Memory, capacity, lifetime, data: identity });
    let mapping = open_named(&names.data, &data, options.access, id)?;
    control.set_ready();
    let place = Place::memory(names.clone(), object, data, false, lifetime);
    Ok(Handle::file(place, control, mapping, Settings::opened(options, lifetime)))
}
