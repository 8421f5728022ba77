//! Which of its locks, and which of the words that processes sleep on, is meant of a control block.

use super::channel_layout as channel;
use super::layout as at;

/// One of the locks of a control block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockPlace {
    /// The writers'.
    Writers,
    /// The lock of a channel's participants.
    Participants,
}

impl LockPlace {
    /// How far it is from the first one.
    #[inline(always)]
    pub(crate) fn shift(self) -> u64 {
        match self {
            Self::Writers => 0,
            Self::Participants => channel::SECOND_LOCK - at::OFF_LOCK,
        }
    }
}

/// A word that processes sleep on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WakePlace {
    /// Until there are segments or messages.
    News,
    /// Until a channel has room.
    Room,
    /// Until a group of a channel has work.
    Work,
}

impl WakePlace {
    /// Where the word is that says whether a process may be asleep.
    #[inline(always)]
    pub(crate) fn waiting(self) -> u64 {
        match self {
            Self::News => at::OFF_WAITING,
            Self::Room => channel::ROOM_WAITING,
            Self::Work => channel::MEMBERS_WAITING,
        }
    }
}
