//! Removing what dead processes left. An object is stale if no living process has it open: then, and only
//! then, an exclusive lock on its name and all of its handles is granted.

use super::close::remove_under;
use super::liveness::{self, Occupancy};
use super::open::copy_control;
use crate::control::{Control, ObjectKind};
use crate::error::Result;
use crate::ids::{FileId, staged_name};
use crate::platform::{Folder, Location, process_number};
use crate::sync::PerProcess;
use std::collections::HashMap;
use std::path::PathBuf;

/// How many objects a creation examines.
const EXAMINED: usize = 2;
/// After a pass has ended, at least this many creations come before the next one, and one more for every
/// `NAMES_A_CREATION` names that were read.
const CREATIONS_BETWEEN_PASSES: usize = 16;
const NAMES_A_CREATION: usize = 4;
/// The most objects that one pass examines: a process keeps their names in memory.
const LONGEST_PASS: usize = 4096;
/// The most folders and prefixes for which a process keeps passes.
const PLACES: usize = 32;

/// The objects of a prefix in a folder, and their ids. On the way it removes staging objects of dead
/// processes.
///
/// # Errors
/// If the folder cannot be read.
pub(super) fn objects<'a>(
    folder: &'a Folder,
    prefix: &'a str,
) -> Result<impl Iterator<Item = (Location, FileId)> + 'a> {
    Ok(objects_among(folder.names()?, folder, prefix))
}

fn objects_among(
    names: impl Iterator<Item = String>,
    folder: &Folder,
    prefix: &str,
) -> impl Iterator<Item = (Location, FileId)> {
    names.filter_map(move |name| {
        let location = folder.location(&name);
        if let Some(id) = id_of(&name, prefix) {
            return Some((location, id));
        }
        if staged_name(&name).is_some_and(|name| id_of(name, prefix).is_some()) {
            let _ = staged(&location); // it stays for the next time
        }
        None
    })
}

/// Removes one object of a kind if it is stale, or if it has ended and its name is still there: its creator
/// could not remove it, or died on the way. The control block of one that was stale.
///
/// # Errors
/// If the system refuses to examine it.
pub(super) fn object(location: &Location, kind: ObjectKind) -> Result<Option<Control>> {
    let descriptor = location.open()?;
    let occupancy = liveness::occupancy(&descriptor)?;
    let Some(control) = copy_control(location, &descriptor)?.filter(|it| it.is_of(kind)) else {
        return Ok(None);
    };
    let (lock, stale): (fn(&_) -> _, _) = match occupancy {
        Occupancy::Vacant => (liveness::lock_all, true),
        Occupancy::Live if control.has_ended() => (liveness::lock_name, false),
        _ => return Ok(None),
    };
    let removed = remove_under(location, &descriptor, lock);
    liveness::leave(&descriptor);
    Ok((removed? && stale).then_some(control))
}

/// Removes an object that a process was creating when it died, if it has what a creation writes.
pub(super) fn staged(location: &Location) -> Result<()> {
    let descriptor = location.open()?;
    if liveness::occupancy(&descriptor)? != Occupancy::Vacant {
        return Ok(());
    }
    if location.is_staging(&descriptor)? {
        let removed = remove_under(location, &descriptor, liveness::lock_all);
        liveness::leave(&descriptor);
        removed?;
    }
    Ok(())
}

/// Removes everything stale of a kind whose name begins with a prefix. Returns whether it removed anything.
pub(super) fn stale(folder: &Folder, prefix: &str, kind: ObjectKind) -> bool {
    let Ok(objects) = objects(folder, prefix) else { return false };
    objects.fold(false, |any, (location, _)| {
        any | object(&location, kind).is_ok_and(|removed| removed.is_some())
    })
}

/// A pass over the objects of a prefix in a folder.
struct Pass {
    /// The objects that it has not examined yet.
    left: Vec<FileId>,
    /// The number of creations before the next pass.
    creations: usize,
}

#[derive(Default)]
struct Passes {
    places: HashMap<(PathBuf, String), Pass>,
    begun: usize,
}

/// The passes of this process.
static PASSES: PerProcess<Passes> = PerProcess::new();

/// Begins a pass. Processes that create one object each examine different ones.
fn pass(folder: &Folder, prefix: &str) -> Pass {
    let mut read = 0;
    let names = folder.names().into_iter().flatten().inspect(|_| read += 1);
    let mut left: Vec<_> = objects_among(names, folder, prefix).map(|(_, id)| id).collect();
    if !left.is_empty() {
        let begun = PASSES.with(|passes| {
            passes.begun += 1;
            passes.begun
        });
        #[allow(clippy::cast_possible_truncation, reason = "any number will do")]
        let number = process_number() as usize;
        let first = number.wrapping_add(begun.unwrap_or(0) * LONGEST_PASS) % left.len();
        left.rotate_left(first);
        left.truncate(LONGEST_PASS);
    }
    Pass { left, creations: CREATIONS_BETWEEN_PASSES.max(read / NAMES_A_CREATION) }
}

/// Before the first creation in a folder: removes staging objects of dead processes.
pub(super) fn begin(folder: &Folder, prefix: &str) {
    let place = (folder.path().to_owned(), prefix.to_owned());
    if PASSES.with(|passes| passes.places.contains_key(&place)) != Some(false) {
        return;
    }
    let pass = pass(folder, prefix);
    PASSES.with(|passes| {
        if passes.places.len() >= PLACES {
            passes.places.clear();
        }
        passes.places.insert(place, pass)
    });
}

/// Continues the pass over the folder: a creation examines only a few objects, however many there are.
pub(super) fn some(folder: &Folder, prefix: &str, kind: ObjectKind) {
    let place = (folder.path().to_owned(), prefix.to_owned());
    let taken = PASSES.with(|passes| {
        let pass = passes.places.get_mut(&place)?;
        if pass.left.is_empty() {
            pass.creations = pass.creations.saturating_sub(1);
            if pass.creations > 0 {
                return None;
            }
        }
        // While this thread works on the pass, no other does.
        Some(std::mem::replace(pass, Pass { left: Vec::new(), creations: usize::MAX }))
    });
    let Some(mut under_way) = taken.flatten() else { return };
    if under_way.left.is_empty() {
        under_way = pass(folder, prefix);
    }
    let rest = under_way.left.len().saturating_sub(EXAMINED);
    for id in under_way.left.split_off(rest) {
        // An object that cannot be examined is left for the next pass.
        let _ = object(&folder.location(&format!("{prefix}{id}")), kind);
    }
    PASSES.with(|passes| passes.places.get_mut(&place).map(|pass| *pass = under_way));
}

/// The id in an object's name.
fn id_of(name: &str, prefix: &str) -> Option<FileId> {
    let id = name.strip_prefix(prefix)?;
    // Only names that the package itself would give.
    FileId::parse(id).ok().filter(|parsed| parsed.as_str() == id)
}
