//! What is checked of an object before it is used, and the control block of a file on disk that no process
//! has open.

use crate::control::layout::control_offset_of;
use crate::control::{Control, Description, Lifetime, ObjectKind, Tail};
use crate::error::{Error, Result};
use crate::frames::Segments;
use crate::memory::Memory;
use crate::platform::RawMutex;

/// Refuses an object of another kind.
pub(crate) fn check_kind(description: &Description, kind: ObjectKind, id: &str) -> Result<()> {
    if description.kind == kind {
        if (description.capacity == 0) == (kind == ObjectKind::Mutex) {
            return Ok(());
        }
        return Err(Error::access(id, "its control block contradicts its size"));
    }
    Err(Error::access(
        id,
        match description.kind {
            ObjectKind::File => "a file stands at its name",
            ObjectKind::Mutex => "a mutex stands at its name",
            ObjectKind::DiskFile => "a file on disk stands at its name",
        },
    ))
}

/// Refuses a file whose size no file of ours has.
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
pub(crate) fn cut(size: u64) -> Error {
    let reason = "the file does not have the size that it was created with";
    Error::Corrupt { offset: size, reason }
}

/// Rebuilds the control block of a file from its data. No other process has the file open.
pub(crate) fn rebuild(control: &mut Control, data: &Memory) -> Result<()> {
    let capacity = data.region().len() as u64;
    control.accept(capacity);
    // The record of what a writer was doing is the only part of the old block that counts.
    Segments::new(data, capacity, true).settle(control, control.is_sealed())?;
    control.forget_participants();
    RawMutex::initialize(control)?;
    describe(control, capacity);
    Ok(())
}

/// Makes `control`, which no other process has, that of a reader that may not write to the file: for it, every
/// writer is a foreign one.
pub(crate) fn begin_unwritable(control: &mut Control, capacity: u64) -> Result<()> {
    RawMutex::initialize(control)?;
    describe(control, capacity);
    control.reset(Tail { size: 0, count: 0 }, false);
    Ok(())
}

/// Its creator is gone.
fn describe(control: &mut Control, capacity: u64) {
    let (kind, lifetime) = (ObjectKind::DiskFile, Lifetime::LastProcess);
    control.describe(&Description { kind, capacity, lifetime, creator: 0 });
}
