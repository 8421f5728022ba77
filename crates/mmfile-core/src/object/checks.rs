//! The checks of an object before it is used.

use crate::control::layout::{CONTROL_SIZE, control_offset, control_offset_of};
use crate::control::{Control, Description, ObjectKind};
use crate::error::{Error, Result};
use crate::memory::Memory;

/// Refuses an object of another kind.
pub(crate) fn check_kind(description: &Description, kind: ObjectKind, id: &str) -> Result<()> {
    if description.kind == kind {
        if (description.capacity == 0) == (kind == ObjectKind::Mutex) {
            return Ok(());
        }
        return Err(Error::access(id, "its control block contradicts its size"));
    }
    Err(other_kind(description.kind, id))
}

/// The error for a name that leads to an object of another kind.
pub(crate) fn other_kind(kind: ObjectKind, id: &str) -> Error {
    Error::access(
        id,
        match kind {
            ObjectKind::File => {
                "a file stands at its name: use prefixes of which none begins with another"
            }
            ObjectKind::Mutex => {
                "a mutex stands at its name: use prefixes of which none begins with another"
            }
            ObjectKind::DiskFile => {
                "a file on disk stands there: open it with MmFile.openFile, or use another name"
            }
            ObjectKind::Channel => {
                "a channel stands at its name: use prefixes of which none begins with another"
            }
            ObjectKind::DiskChannel => {
                "a channel on disk stands there: open it with Channel.openFile, or use another name"
            }
        },
    )
}

/// Refuses a file whose size no file of this package has.
pub(crate) fn check_size(size: u64, id: &str) -> Result<()> {
    if control_offset_of(size).is_some_and(|offset| offset > 0) {
        return Ok(());
    }
    Err(Error::Incompatible {
        id: id.into(),
        reason: "something other than mmfile, or was cut",
        cure: "name a file that createFile made",
    })
}

/// The error of a file whose size is not the one that its control block says.
fn cut(size: u64) -> Error {
    let reason = "the file does not have the size that it was created with";
    Error::Corrupt { offset: size, reason }
}

/// The control block of a mapped object, and what precedes it.
pub(crate) fn parts(memory: &Memory, id: &str) -> Result<(Memory, Memory)> {
    let offset = control_offset_of(memory.region().len() as u64);
    let parts = offset.and_then(|at| Some((memory.part(at, CONTROL_SIZE)?, memory.part(0, at)?)));
    parts.ok_or_else(|| Error::access(id, "something else stands at its name"))
}

/// The data of a mapped object, if what precedes its control block is as large as that says.
pub(crate) fn data_of(before: &Memory, capacity: u64) -> Option<Memory> {
    let whole = control_offset(capacity) == Some(before.region().len() as u64);
    if whole { before.part(0, capacity) } else { None }
}

/// The description in the control block of a file or channel on disk, and its data. The block need only be
/// readable.
pub(crate) fn examine_file(
    control: &Control,
    before: &Memory,
    kind: ObjectKind,
    id: &str,
) -> Result<(Description, Memory)> {
    let description = control.examine_format(id)?;
    check_kind(&description, kind, id)?;
    let size = (before.region().len() as u64).saturating_add(CONTROL_SIZE);
    let data = data_of(before, description.capacity).ok_or_else(|| cut(size))?;
    Ok((description, data))
}
