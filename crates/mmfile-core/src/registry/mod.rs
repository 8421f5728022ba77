//! Which files there are, and whose names may be taken away.
//!
//! A name is made and taken away only under one lock per user, after looking whether it still leads
//! to the object that was meant. Who is alive is told by the advisory lock that every participant
//! has on the control object, which the kernel releases however a process ends.
//!
//! ```
//! # fn main() -> mmfile_core::Result<()> {
//! use mmfile_core::{CreateOptions, MmFile, OpenOptions};
//! // process A makes a file and leaves
//! let a = MmFile::create_new(4096, &CreateOptions::default())?;
//! let id = a.id().to_owned();
//! drop(a);
//! // process B comes too late
//! let gone = MmFile::open_existing(id.as_str(), &OpenOptions::default());
//! assert_eq!(gone.unwrap_err().code(), "ERR_MMFILE_NOT_FOUND");
//! # Ok(()) }
//! ```

use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Kind};
use crate::error::{Error, Result};
use crate::mapping::{
    Access, Identity, NAMES_OUTLIVE_MEMORY, NAMES_OUTLIVE_PROCESSES, Object, clear_up, list_named,
    open_named, unlink,
};
use crate::name::{CONTROL_SUFFIX, FileId, ObjectNames, Prefixes};
use std::time::Duration;

/// Between two looks at a name that is just coming or going.
pub(crate) const PAUSE: Duration = Duration::from_micros(50);

mod entry;
mod list;
#[cfg(unix)]
mod lock;
#[cfg(windows)]
#[path = "windows.rs"]
mod lock;

use entry::{Seen, look};
pub(crate) use entry::{create_entry, leave, open_entry, share};
pub use list::{FileInfo, list, remove, sweep};
pub(crate) use lock::RegistryLock;

/// Takes the names of a file away, as far as they still lead to its objects.
///
/// Without a descriptor to look with it leaves both: data without a control block would be swept by
/// nobody.
pub(crate) fn take_away(
    names: &ObjectNames,
    control: &Object,
    data: Identity,
    _: &RegistryLock,
) -> Result<()> {
    crate::fault::point("remove.begin");
    if !names.data.is_empty() {
        match Object::open(&names.data, Access::Read, names.id.as_str()) {
            // (Nobody makes another one there meanwhile.)
            Ok(object) if object.identity() == data => drop(unlink(&names.data)),
            // Its creator died before it recorded which one: before anything was written to it.
            Ok(object) if data == Identity::default() && is_blank(names, &object) => {
                unlink(&names.data);
            }
            Err(error @ Error::NoSpace { .. }) => return Err(error),
            _ => take_away_elsewhere(data)?,
        }
    }
    crate::fault::point("remove.data");
    control.unlink_if_same(&names.control);
    crate::fault::point("remove.control");
    Ok(())
}

/// Takes data away that is not where the caller's prefixes lead: its creator had others.
fn take_away_elsewhere(data: Identity) -> Result<()> {
    if data == Identity::default() || !NAMES_OUTLIVE_PROCESSES {
        return Ok(());
    }
    for name in list_named()? {
        if Object::open(&name, Access::Read, &name).is_ok_and(|there| there.identity() == data) {
            unlink(&name);
        }
    }
    Ok(())
}

/// Whether there is nothing in an object, as far as is looked.
fn is_blank(names: &ObjectNames, object: &Object) -> bool {
    /// What has anything in it has a word here.
    const BEGIN: u64 = 4096;
    let Ok(size) = object.size() else { return false };
    if size == 0 {
        return true;
    }
    let Ok(mapping) = open_named(&names.data, object, Access::Read, names.id.as_str()) else {
        return NAMES_OUTLIVE_MEMORY;
    };
    let region = mapping.region();
    (0..size.min(BEGIN)).step_by(4).all(|at| region.load_word(at).is_none_or(|word| word == 0))
}

/// Takes a file's second name away where the first, its data's, is gone: whoever was at it died between
/// the two, and nothing can open the file any more. Those who have it open go on using it.
pub(crate) fn finish_removal(names: &ObjectNames, _: &RegistryLock) {
    if !NAMES_OUTLIVE_PROCESSES {
        return;
    }
    let id = names.id.as_str();
    let Ok(object) = Object::open(&names.control, Access::ReadWrite, id) else { return };
    let Ok(mapping) = open_named(&names.control, &object, Access::Read, id) else { return };
    let Ok(control) = Control::new(mapping, id) else { return };
    // The data may have another prefix than the caller's.
    let has_data = || {
        let Ok(names) = list_named() else { return true };
        let data = control.data_identity();
        let there = |name: &String| Object::open(name, Access::Read, id);
        names.iter().filter_map(|name| there(name).ok()).any(|object| object.identity() == data)
    };
    let is_file = control.is_ready()
        && control.examine(id).is_ok_and(|description| description.kind == Kind::Memory);
    if is_file && !has_data() {
        object.unlink_if_same(&names.control);
    }
}

/// Removes one file if nobody alive has it open. Whether it did.
pub(crate) fn remove_if_stale(names: &ObjectNames, registry: &RegistryLock) -> bool {
    let id = names.id.as_str();
    let Ok(object) = Object::open(&names.control, Access::ReadWrite, id) else { return false };
    if !object.try_exclusive().unwrap_or(false) || !object.is_linked() {
        return false;
    }
    let Some(data) = recorded_data(names, &object) else { return false };
    take_away(names, &object, data, registry).is_ok()
}

/// Whether an object with a control block's name is one, or was to become one. Anything else that
/// happens to have such a name is not ours to take away.
pub(crate) fn is_control_block(names: &ObjectNames, object: &Object) -> bool {
    recorded_data(names, object).is_some()
}

/// Whether a control block stands there that says what it is.
fn is_described(name: &str) -> bool {
    Object::open(name, Access::Read, name)
        .and_then(|object| open_named(name, &object, Access::Read, name))
        .and_then(|mapping| Control::new(mapping, name))
        .is_ok_and(|control| control.is_described())
}

/// Which data object belongs to a control block. None in particular to one whose creator died before
/// it recorded that: it had made sure that no other stands at the name.
fn recorded_data(names: &ObjectNames, object: &Object) -> Option<Identity> {
    let id = names.id.as_str();
    let size = object.size().ok()?;
    if size == 0 {
        return Some(Identity::default());
    }
    let mapping = match open_named(&names.control, object, Access::Read, id) {
        // Nobody lives to whom it could belong.
        Err(Error::NotFound { .. }) if NAMES_OUTLIVE_MEMORY => return Some(Identity::default()),
        opened => opened.ok()?,
    };
    let control = Control::new(mapping, id).ok()?;
    let ours = control.is_described() || control.is_blank() && size == CONTROL_SIZE;
    ours.then(|| control.data_identity())
}

/// Removes every file of this user that no live process has open, and every such mutex. The files'
/// ids.
pub(crate) fn remove_all_stale(
    prefixes: &Prefixes,
    registry: &RegistryLock,
) -> Result<Vec<FileId>> {
    if !NAMES_OUTLIVE_PROCESSES {
        return Ok(Vec::new());
    }
    clear_up();
    let all = list_named()?;
    for names in ids_of(&all, ObjectNames::MUTEX_PREFIX).map(ObjectNames::mutex) {
        remove_if_stale(&names, registry);
    }
    // Without a prefix any object might be a control block that was never begun.
    let wanted = all.iter().filter(|name| !prefixes.mutex().is_empty() || is_described(name));
    let wanted: Vec<String> = wanted.cloned().collect();
    Ok(ids_of(&wanted, prefixes.mutex())
        .map(|id| ObjectNames::new(id, prefixes))
        .filter(|names| remove_if_stale(names, registry))
        .map(|names| names.id)
        .collect())
}

/// The ids of the objects whose names start with `prefix`.
fn ids_of<'a>(names: &'a [String], prefix: &'a str) -> impl Iterator<Item = FileId> + 'a {
    names.iter().filter_map(move |name| {
        let id = name.strip_prefix(prefix)?.strip_suffix(CONTROL_SUFFIX)?;
        FileId::parse(id).ok()
    })
}
