//! Whether the other handles are there that a wait requires.

use crate::control::Control;
use crate::error::Error;
use crate::object::Object;

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
