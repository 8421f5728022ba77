//! The table of participants: a row for each open handle, as far as there is room.
//!
//! A row is written by its owner. It counts as long as both of its numbers are the owner's and the platform says that
//! the owner is alive. A row whose owner died is taken over by the next participant that finds it.
//!
//! The contents are stored with `Release` and loaded with `Acquire`: a reader that sees any contents of a new owner
//! also sees the new owner's number, and drops the row.

use super::Control;
use super::description::now;
use super::layout as at;
use crate::error::{Error, Result};
use crate::memory::{Access, Mode};
use std::sync::atomic::Ordering;

/// A participant's description of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Participant {
    /// The number of the handle, which no other handle of any process has.
    pub(crate) nonce: u64,
    pub(crate) pid: u32,
    pub(crate) mode: Mode,
    /// Milliseconds since 1970.
    pub(crate) since: u64,
}

impl Participant {
    /// A handle of this process that is opened now.
    pub(crate) fn new(nonce: u64, mode: Mode) -> Self {
        Self { nonce, pid: std::process::id(), mode, since: now() }
    }
}

/// The rows of the table that are in use, including those of dead processes.
pub(crate) fn rows(control: &Control) -> impl Iterator<Item = Participant> + '_ {
    (0..at::PARTICIPANT_COUNT).filter_map(|row| {
        let slot = slot(row);
        let nonce = control.long(slot + at::SLOT_LIVE).load(Ordering::Acquire);
        let participant = Participant {
            nonce,
            pid: control.word(slot + at::SLOT_PID).load(Ordering::Acquire),
            mode: mode_of(control.word(slot + at::SLOT_FLAGS).load(Ordering::Acquire)),
            since: control.long(slot + at::SLOT_SINCE).load(Ordering::Acquire),
        };
        // Last: a row that another participant takes over meanwhile has lost this number before.
        let owner = control.long(slot + at::SLOT_NONCE).load(Ordering::Acquire);
        (nonce != 0 && nonce == owner).then_some(participant)
    })
}

/// Enters a participant that already counts as alive. If the table is full, it gets no row. `is_alive` tells
/// whether the owners of used rows are alive.
///
/// # Errors
/// [`Error::NoSpace`] if there is no room for a handle that writes without the lock: such a handle must be a
/// participant.
pub(crate) fn enter(
    control: &Control,
    new: &Participant,
    is_alive: impl Fn(u64) -> bool,
) -> Result<()> {
    let claimed = claim(control, new.nonce, |_| false)
        .or_else(|| claim(control, new.nonce, |owner| !is_alive(owner)));
    let Some(slot) = claimed else {
        let needed = "a place in the file's table of participants, which a handle with \
                      `synchronized: false` takes: close another handle";
        let refused = || Error::NoSpace { needed: needed.into(), os: None };
        return if new.mode.writes_without_lock() { Err(refused()) } else { Ok(()) };
    };
    crate::fault::point("participant.claimed");
    let flags = flags_of(new.mode);
    control.word(slot + at::SLOT_PID).store(new.pid, Ordering::Release);
    control.word(slot + at::SLOT_FLAGS).store(flags, Ordering::Release);
    control.long(slot + at::SLOT_SINCE).store(new.since, Ordering::Release);
    control.long(slot + at::SLOT_LIVE).store(new.nonce, Ordering::Release);
    Ok(())
}

/// Frees a participant's row. Its byte is unlocked afterwards.
pub(crate) fn leave(control: &Control, nonce: u64) {
    for slot in (0..at::PARTICIPANT_COUNT).map(slot) {
        let owner = control.long(slot + at::SLOT_NONCE);
        if owner.load(Ordering::Relaxed) == nonce {
            // Fails if another process took the row over because it considered this one dead.
            let _ = owner.compare_exchange(nonce, 0, Ordering::Release, Ordering::Relaxed);
            return;
        }
    }
}

fn mode_of(flags: u32) -> Mode {
    let access = match flags & at::PARTICIPANT_READS {
        0 => Access::ReadWrite,
        _ => Access::Read,
    };
    Mode { access, synchronized: flags & at::PARTICIPANT_UNSYNCHRONIZED == 0 }
}

fn flags_of(mode: Mode) -> u32 {
    let reads = if mode.access == Access::Read { at::PARTICIPANT_READS } else { 0 };
    reads | if mode.writes_without_lock() { at::PARTICIPANT_UNSYNCHRONIZED } else { 0 }
}

/// The first row that is free, or whose owner is `dead`.
fn claim(control: &Control, nonce: u64, dead: impl Fn(u64) -> bool) -> Option<u64> {
    (0..at::PARTICIPANT_COUNT).map(slot).find(|slot| {
        let owner = control.long(slot + at::SLOT_NONCE);
        let seen = owner.load(Ordering::Acquire);
        (seen == 0 || dead(seen))
            && owner.compare_exchange(seen, nonce, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    })
}

fn slot(row: u64) -> u64 {
    at::OFF_PARTICIPANTS + row * at::PARTICIPANT_SIZE
}
