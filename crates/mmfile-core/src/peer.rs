//! Which other handles an object has, and whether those are there that a wait requires.

use crate::control::{Control, LockPlace, participants};
use crate::error::Error;
use crate::lock;
use crate::object::{Object, Peer};

/// Which other handle a wait requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequirePeer {
    /// None: it waits for a process that opens the file later, too.
    #[default]
    None = 0,
    /// One of any other process. A wait ends if another process had the file open and none has it any more.
    Any = 1,
    /// The one that created the file, however many others there are. The creator itself never misses it.
    Creator = 2,
    /// `Any` and `Creator`: the first of them that is gone ends a wait.
    Both = 3,
}

impl RequirePeer {
    /// From the sum of 1 for `Any` and 2 for `Creator`.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        match bits & 3 {
            0 => Self::None,
            1 => Self::Any,
            2 => Self::Creator,
            _ => Self::Both,
        }
    }

    pub(crate) fn includes(self, other: Self) -> bool {
        self as u32 & other as u32 != 0
    }
}

/// The error of a wait whose required peer is gone. `source` has the creator's number.
pub(crate) fn missing(
    required: RequirePeer,
    object: &Object,
    control: &Control,
    source: &Control,
) -> Option<Error> {
    let reason = if required.includes(RequirePeer::Any) && is_alone(object, control) {
        "no other process has it open any more"
    } else if required.includes(RequirePeer::Creator) && source.creator() == 0 {
        "the file on disk was opened again after every process had closed it, and has no creator now"
    } else if required.includes(RequirePeer::Creator) && !object.is_alive(source.creator()) {
        "its creator has closed it or has ended"
    } else {
        return None;
    };
    Some(Error::PeerGone { reason })
}

/// Whether another process had the object open and none has it any more.
pub(crate) fn is_alone(object: &Object, control: &Control) -> bool {
    let may_store = object.may_store(control);
    match object.has_other_process() {
        Some(true) if may_store == Ok(true) => {
            control.note_other();
            false
        }
        Some(false) if may_store.is_ok() => control.had_others(),
        _ => false,
    }
}

/// A row for each open handle of a living process, as far as the table of participants has room. `source` is the
/// object's own control block where `control` is another one, of a handle that may not write to a file on
/// disk: it has its own row there, unless it only observes.
pub(crate) fn peers(object: &Object, control: &Control, source: Option<&Control>) -> Vec<Peer> {
    if object.check_whole(control).is_err() {
        return Vec::new();
    }
    let of_all = source.unwrap_or(control);
    let (creator, holder) = (of_all.creator(), lock::holder(of_all, LockPlace::Writers));
    let of_object = source.into_iter().flat_map(participants::rows);
    of_object
        .chain(participants::rows(control))
        .filter(|row| object.is_alive(row.nonce))
        .map(|row| Peer {
            pid: row.pid,
            access: row.mode.access,
            since: row.since,
            is_creator: row.nonce == creator,
            holds_lock: holder == Some(row.nonce),
            is_self: row.nonce == object.nonce(),
        })
        .collect()
}
