//! The control block of a file on disk that no process has open.

use crate::control::{Control, Description, Lifetime, ObjectKind, Tail};
use crate::error::Result;
use crate::frames::Segments;
use crate::memory::Memory;
use crate::platform::RawMutex;

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
