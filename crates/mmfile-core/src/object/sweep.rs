//! Removing what dead processes left. An object is stale if no living process has it open: then, and only
//! then, an exclusive lock on its name and all of its handles is granted.

use super::handle::remove_under;
use super::list::{describe, id_of};
use super::liveness::{self, Occupancy};
use super::open::{has_ended, is_object};
use super::{Kind, ObjectInfo};
use crate::error::Result;
use crate::platform::{Folder, Location, staged_name};
use crate::sync::PerProcess;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

/// How many objects a creation examines, and how many names it passes over for that.
const EXAMINED: usize = 2;
const PASSED: usize = 64;
/// So many creations begin no new pass after one has ended.
const CREATIONS_BETWEEN_PASSES: u32 = 16;

/// A folder and a prefix in it.
type Place = (PathBuf, String);

/// Removes one object if it is stale, or if it has ended and its name is still there: its creator could not
/// remove it, or died on the way. What there was, if it was stale.
///
/// # Errors
/// If the system refuses to examine it.
pub(super) fn object(location: &Location, id: &str, kind: Kind) -> Result<Option<ObjectInfo>> {
    let descriptor = location.open()?;
    match liveness::occupancy(&descriptor)? {
        Occupancy::Vacant if is_object(location, &descriptor)? => {
            let info = describe(location, &descriptor, id, kind)?;
            let removed = remove_under(location, &descriptor, liveness::lock_all);
            liveness::leave(&descriptor);
            // Another process may have had it open for a moment when it was described.
            let info = info.map(|info| ObjectInfo { stale: true, ..info });
            Ok(if removed? { info } else { None })
        }
        Occupancy::Live if has_ended(location, &descriptor)? => {
            let removed = remove_under(location, &descriptor, liveness::lock_name);
            liveness::leave(&descriptor);
            removed.map(|_| None)
        }
        _ => Ok(None),
    }
}

/// Removes an object that a process was creating when it died.
pub(super) fn staged(location: &Location) -> Result<()> {
    let descriptor = location.open()?;
    if liveness::occupancy(&descriptor)? == Occupancy::Vacant {
        let removed = remove_under(location, &descriptor, liveness::lock_all);
        liveness::leave(&descriptor);
        removed?;
    }
    Ok(())
}

/// Removes all such objects whose names begin with a prefix.
pub(super) fn all_staged(folder: &Folder, prefix: &str) {
    let Ok(names) = folder.names() else { return };
    for name in names.filter(|name| is_staged(name, prefix)) {
        let _ = staged(&folder.location(&name)); // it stays for the next time
    }
}

/// Removes what a process was creating at a path when it died.
#[cfg(not(platform = "loom"))]
pub(super) fn staged_beside(location: &Location) {
    let (folder, name) = (location.folder(), location.name());
    let Ok(names) = folder.names() else { return };
    for staged_as in names.filter(|it| staged_name(it) == Some(&name)) {
        let _ = staged(&folder.location(&staged_as));
    }
}

/// The same as [`all_staged`], once in the life of a process.
pub(super) fn staged_once(folder: &Folder, prefix: &str) {
    static DONE: PerProcess<HashSet<Place>> = PerProcess::new();
    let place = (folder.path().to_owned(), prefix.to_owned());
    if DONE.with(|done| done.insert(place)) == Some(true) {
        all_staged(folder, prefix);
    }
}

/// Removes everything stale whose name begins with a prefix. Whether there was anything.
pub(super) fn stale(folder: &Folder, prefix: &str) -> bool {
    all_staged(folder, prefix);
    let Ok(names) = folder.names() else { return false };
    let mut any = false;
    for name in names {
        any |= id_of(&name, prefix).is_some()
            && remove_if_vacant(&folder.location(&name)).unwrap_or(false);
    }
    any
}

/// Goes on with a pass over the folder: a creation pays for a few names, however many there are.
pub(super) fn some(folder: &Folder, prefix: &str) {
    type Names = Box<dyn Iterator<Item = String> + Send>;
    /// A pass, or how many creations ago the last one ended.
    enum Pass {
        Under(Names),
        Over(u32),
    }
    static PASSES: PerProcess<HashMap<Place, Pass>> = PerProcess::new();
    let place = (folder.path().to_owned(), prefix.to_owned());
    let pass = PASSES.with(|passes| {
        let pass = passes.entry(place.clone()).or_insert(Pass::Over(CREATIONS_BETWEEN_PASSES));
        if let Pass::Over(creations) = pass {
            *creations += 1;
            if *creations < CREATIONS_BETWEEN_PASSES {
                return None;
            }
        }
        // While this thread is at it, no other is.
        Some(std::mem::replace(pass, Pass::Over(0)))
    });
    let mut names: Names = match pass.flatten() {
        None => return,
        Some(Pass::Under(names)) => names,
        Some(Pass::Over(_)) => match folder.names() {
            Ok(names) => Box::new(names),
            Err(_) => return,
        },
    };
    let mut examined = 0;
    for _ in 0..PASSED {
        let Some(name) = names.next() else { return };
        if id_of(&name, prefix).is_some() {
            // What cannot be examined stays for the next time.
            let _ = remove_if_vacant(&folder.location(&name));
            examined += 1;
            if examined == EXAMINED {
                break;
            }
        }
    }
    PASSES.with(|passes| passes.insert(place, Pass::Under(names)));
}

/// Removes an object, whatever it is, that no process has open. Whether it did.
fn remove_if_vacant(location: &Location) -> Result<bool> {
    let descriptor = location.open()?;
    if liveness::occupancy(&descriptor)? != Occupancy::Vacant || !is_object(location, &descriptor)?
    {
        return Ok(false);
    }
    let removed = remove_under(location, &descriptor, liveness::lock_all);
    liveness::leave(&descriptor);
    removed
}

fn is_staged(name: &str, prefix: &str) -> bool {
    staged_name(name).is_some_and(|name| id_of(name, prefix).is_some())
}
