//! The control block of a file on disk that no process has open.

use crate::control::{Control, Description, Lifetime, LockPlace, ObjectKind, Tail};
use crate::error::Result;
use crate::frames::Segments;
use crate::memory::Memory;
use crate::platform::{RawMutex, boot_number};
use crate::ring;

/// Initializes the locks of a control block that no other process uses.
pub(crate) fn initialize_locks(control: &Control, kind: ObjectKind) -> Result<()> {
    RawMutex::initialize(control, LockPlace::Writers)?;
    if kind.is_channel() {
        RawMutex::initialize(control, LockPlace::Participants)?;
    }
    Ok(())
}

/// Rebuilds the control block of a file or a channel from its data. No other process has it open. `place` tells
/// the file from others of this machine.
pub(crate) fn rebuild(
    control: &mut Control,
    data: &Memory,
    description: &Description,
    place: u64,
    id: &str,
) -> Result<()> {
    let (kind, capacity) = (description.kind, description.capacity);
    control.accept(capacity);
    let channel = if kind == ObjectKind::DiskChannel {
        let shape = control.channel_shape(capacity, id)?;
        ring::recover(control, data, &shape, session(place))?;
        control.set_lock_holder(LockPlace::Participants, 0, 0);
        Some(shape)
    } else {
        // The intent is the only part of the old block that counts.
        Segments::new(data, capacity, true).settle(control, control.is_sealed())?;
        None
    };
    control.forget_participants();
    initialize_locks(control, kind)?;
    let lifetime = Lifetime::LastProcess;
    control.describe(&Description { kind, capacity, lifetime, creator: 0, channel });
    Ok(())
}

/// A number that identifies a run of the machine and a file on it; 0 where that is not known.
pub(crate) fn session(place: u64) -> u64 {
    let boot = boot_number();
    // FNV-1a, whose result is the same in every build.
    let hash = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x100_0000_01b3);
    if boot == 0 { 0 } else { hash(hash(0xcbf2_9ce4_8422_2325, boot), place).max(1) }
}

/// Initialises `control`, which is private, for a reader that may not write to the file: to that reader, every
/// writer is a foreign one.
pub(crate) fn begin_unwritable(
    control: &mut Control,
    kind: ObjectKind,
    capacity: u64,
) -> Result<()> {
    initialize_locks(control, kind)?;
    let lifetime = Lifetime::LastProcess;
    let channel = None;
    control.describe(&Description { kind, capacity, lifetime, creator: 0, channel });
    control.reset(Tail { size: 0, count: 0 }, false);
    Ok(())
}
