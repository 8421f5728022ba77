//! Removing what dead processes left. An object is stale if no living process has it open: then, and only
//! then, an exclusive lock on its name and all of its handles is granted.

use super::handle::remove_under;
use super::liveness::{self, Occupancy};
use super::open::copy_control;
use crate::control::{Control, ObjectKind};
use crate::error::Result;
use crate::ids::{FileId, staged_name};
use crate::platform::{Folder, Location};
use crate::sync::PerProcess;
use std::collections::HashMap;
use std::path::PathBuf;

/// How many objects a creation examines, and how many names it passes over for that.
const EXAMINED: usize = 2;
const PASSED: usize = 64;
/// So many creations begin no new pass after one has ended.
const CREATIONS_BETWEEN_PASSES: u32 = 16;
/// So many passes a process has under way, since each keeps a folder open.
const PASSES: usize = 8;

/// The objects of a prefix in a folder, and their ids. On the way it removes what processes were creating when
/// they died.
///
/// # Errors
/// If the folder cannot be read.
pub(super) fn objects<'a>(
    folder: &'a Folder,
    prefix: &'a str,
) -> Result<impl Iterator<Item = (Location, FileId)> + 'a> {
    Ok(folder.names()?.filter_map(move |name| {
        let location = folder.location(&name);
        if let Some(id) = id_of(&name, prefix) {
            return Some((location, id));
        }
        if staged_name(&name).is_some_and(|name| id_of(name, prefix).is_some()) {
            let _ = staged(&location); // it stays for the next time
        }
        None
    }))
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

/// Removes everything stale of a kind whose name begins with a prefix. Whether there was anything.
pub(super) fn stale(folder: &Folder, prefix: &str, kind: ObjectKind) -> bool {
    let Ok(objects) = objects(folder, prefix) else { return false };
    objects.fold(false, |any, (location, _)| {
        any | object(&location, kind).is_ok_and(|removed| removed.is_some())
    })
}

type Names = Box<dyn Iterator<Item = String> + Send>;

/// A pass over a folder, or how many creations ago the last one ended.
enum Pass {
    Under(Names),
    Over(u32),
}

/// The passes of this process, each over the names of a prefix in a folder.
static UNDER_WAY: PerProcess<HashMap<(PathBuf, String), Pass>> = PerProcess::new();

/// Before the first creation in a folder: removes what processes were creating when they died.
pub(super) fn begin(folder: &Folder, prefix: &str) {
    let place = (folder.path().to_owned(), prefix.to_owned());
    let is_first = UNDER_WAY.with(|passes| {
        if passes.contains_key(&place) {
            return None;
        }
        // What is dropped closes its folder: not while other threads are kept out.
        let others = (passes.len() >= PASSES).then(|| std::mem::take(passes));
        passes.insert(place, Pass::Over(CREATIONS_BETWEEN_PASSES));
        Some(others)
    });
    if is_first.flatten().is_some()
        && let Ok(objects) = objects(folder, prefix)
    {
        objects.for_each(drop);
    }
}

/// Goes on with a pass over the folder: a creation pays for a few names, however many there are.
pub(super) fn some(folder: &Folder, prefix: &str, kind: ObjectKind) {
    let place = (folder.path().to_owned(), prefix.to_owned());
    let pass = UNDER_WAY.with(|passes| {
        let pass = passes.get_mut(&place)?;
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
            let _ = object(&folder.location(&name), kind);
            examined += 1;
            if examined == EXAMINED {
                break;
            }
        }
    }
    UNDER_WAY.with(|passes| passes.get_mut(&place).map(|pass| *pass = Pass::Under(names)));
}

/// The id in an object's name.
fn id_of(name: &str, prefix: &str) -> Option<FileId> {
    let id = name.strip_prefix(prefix)?;
    // Nothing but what a file of ours would be called.
    FileId::parse(id).ok().filter(|parsed| parsed.as_str() == id)
}
