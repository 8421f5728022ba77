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

pub(crate) use entry::{LEAVING, create_entry, leave, open_entry, share};
use entry::{Seen, look};
pub use list::{FileInfo, list, remove, sweep};
pub(crate) use lock::RegistryLock;

/// The data that belongs to a control block.
pub(crate) struct Data {
    /// Empty if there is none.
    name: String,
    identity: Identity,
    /// Whether that is all that is known: nobody who asks has it open. Many file systems give a number
    /// again, so that its identity may be another object's by now.
    recorded: bool,
}

/// The identity of no object.
const NOWHERE: Identity = Identity { device: 0, inode: 0 };

impl Data {
    /// That of a file which the caller has open.
    pub(crate) fn open(names: &ObjectNames, identity: Identity) -> Self {
        Self { name: names.data.clone(), identity, recorded: false }
    }

    /// What a control block says. Without one, or without a word of it, the data can only be where the
    /// caller would have put it.
    fn recorded(names: &ObjectNames, control: Option<&Control>) -> Self {
        let prefix = control.and_then(Control::data_prefix);
        let name = match prefix {
            Some(prefix) if !names.data.is_empty() => format!("{prefix}{}", names.id),
            _ => names.data.clone(),
        };
        let identity = control.map_or(NOWHERE, Control::data_identity);
        Self { name, identity, recorded: true }
    }

    /// Whether `object`, found at its name, is this one.
    fn is(&self, names: &ObjectNames, object: &Object) -> bool {
        let same = match self.identity {
            // Its creator died before it recorded which one, or between the two words of that, of which
            // this is the second: before anything was written to it.
            Identity { inode: 0, .. } => is_blank(&self.name, object),
            identity => object.identity() == identity,
        };
        same && !(self.recorded && is_in_use(names, object))
    }
}

/// Whether data belongs to a file of somebody alive that is not the file of `names`. That somebody has
/// it open does not say so: of a process that is just dying the kernel closes one object after the
/// other, and a view keeps it open for longer than its file.
fn is_in_use(names: &ObjectNames, data: &Object) -> bool {
    let claims = |name: &String| {
        if *name == names.control {
            return false;
        }
        let Ok(object) = Object::open(name, Access::ReadWrite, name) else { return false };
        described(name, &object).is_some_and(|control| control.data_identity() == data.identity())
            && look(&object).is_ok_and(|seen| seen != Seen::Deserted)
    };
    !data.try_exclusive().unwrap_or(false) && list_named().is_ok_and(|all| all.iter().any(claims))
}

/// Takes the names of a file away, as far as they still lead to its objects.
///
/// Without a descriptor to look with it leaves both: data without a control block would be swept by
/// nobody.
pub(crate) fn take_away(
    names: &ObjectNames,
    control: &Object,
    data: &Data,
    _: &RegistryLock,
) -> Result<()> {
    crate::fault::point("remove.begin");
    if !data.name.is_empty() {
        match Object::open(&data.name, Access::Read, names.id.as_str()) {
            // (Nobody makes another one there meanwhile.)
            Ok(object) if data.is(names, &object) => drop(unlink(&data.name)),
            Err(error @ Error::NoSpace { .. }) => return Err(error),
            _ => {}
        }
    }
    crate::fault::point("remove.data");
    control.unlink_if_same(&names.control);
    crate::fault::point("remove.control");
    Ok(())
}

/// Whether there is nothing in an object, as far as is looked.
fn is_blank(name: &str, object: &Object) -> bool {
    /// What has anything in it has a word here.
    const BEGIN: u64 = 4096;
    let Ok(size) = object.size() else { return false };
    if size == 0 {
        return true;
    }
    let Ok(mapping) = open_named(name, object, Access::Read, name) else {
        return NAMES_OUTLIVE_MEMORY;
    };
    let region = mapping.region();
    (0..size.min(BEGIN)).step_by(4).all(|at| region.load_word(at).is_none_or(|word| word == 0))
}

/// Ends what somebody else began: a file whose creator closed it and could not take its names away, or
/// died between the two. Nothing can open it any more; those who have it open go on using it.
pub(crate) fn finish_removal(names: &ObjectNames, registry: &RegistryLock) {
    if !NAMES_OUTLIVE_PROCESSES {
        return;
    }
    let id = names.id.as_str();
    let Ok(object) = Object::open(&names.control, Access::ReadWrite, id) else {
        return forget_lost_data(names);
    };
    let Some(control) = described(&names.control, &object) else { return };
    let data = Data::recorded(names, Some(&control));
    let has_data = || match Object::open(&data.name, Access::Read, id) {
        Ok(object) => object.identity() == data.identity,
        Err(error) => !matches!(error, Error::NotFound { .. }),
    };
    let is_file = || {
        control.is_ready()
            && control.examine(id).is_ok_and(|description| description.kind == Kind::Memory)
    };
    if control.has_ended() || is_file() && !has_data() {
        // What cannot be looked at now stays for the next time.
        let _ = take_away(names, &object, &data, registry);
    }
}

/// Takes data away that has neither a control block nor memory: both are gone with a restart, and the
/// control block's name with a sweep that could not know of this one.
fn forget_lost_data(names: &ObjectNames) {
    if !NAMES_OUTLIVE_MEMORY {
        return;
    }
    let Ok(data) = Object::open(&names.data, Access::Read, &names.data) else { return };
    let mapped = open_named(&names.data, &data, Access::Read, &names.data);
    if matches!(mapped, Err(Error::NotFound { .. })) && data.try_exclusive().unwrap_or(false) {
        unlink(&names.data);
    }
}

/// Removes one file if nobody alive has it open, or its creator has closed it. Whether it did.
pub(crate) fn remove_if_stale(names: &ObjectNames, registry: &RegistryLock) -> bool {
    let id = names.id.as_str();
    let Ok(object) = Object::open(&names.control, Access::ReadWrite, id) else { return false };
    let stale = object.try_exclusive().unwrap_or(false) || has_ended(names, &object);
    if !stale || !object.is_linked() {
        return false;
    }
    let Some(data) = recorded_data(names, &object) else { return false };
    take_away(names, &object, &data, registry).is_ok()
}

fn has_ended(names: &ObjectNames, object: &Object) -> bool {
    described(&names.control, object).is_some_and(|control| control.has_ended())
}

/// Whether an object with a control block's name is one, or was to become one. Anything else that
/// happens to have such a name is not ours to take away.
pub(crate) fn is_control_block(names: &ObjectNames, object: &Object) -> bool {
    recorded_data(names, object).is_some()
}

/// The control block that an object is, if it says what it is.
fn described(name: &str, object: &Object) -> Option<Control> {
    let mapping = open_named(name, object, Access::Read, name).ok()?;
    Control::new(mapping, name).ok().filter(Control::is_described)
}

/// Whether a control block stands there that says what it is.
fn is_described(name: &str) -> bool {
    Object::open(name, Access::Read, name).is_ok_and(|object| described(name, &object).is_some())
}

/// Which data belongs to a control block, also to one whose creator died before it was done. `None` if
/// it is no control block.
fn recorded_data(names: &ObjectNames, object: &Object) -> Option<Data> {
    let id = names.id.as_str();
    let size = object.size().ok()?;
    if size == 0 {
        return Some(Data::recorded(names, None));
    }
    let mapping = match open_named(&names.control, object, Access::Read, id) {
        // Nobody lives to whom it could belong.
        Err(Error::NotFound { .. }) if NAMES_OUTLIVE_MEMORY => {
            return Some(Data::recorded(names, None));
        }
        opened => opened.ok()?,
    };
    let control = Control::new(mapping, id).ok()?;
    let ours = control.is_described() || control.is_blank() && size == CONTROL_SIZE;
    ours.then(|| Data::recorded(names, Some(&control)))
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
