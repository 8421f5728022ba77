//! Addresses and offsets for a program that takes part without calling this library.

use super::Channel;
use crate::control::channel as at;
use crate::error::Result;
use crate::file::ViewMemory;

/// Mapped memory of a channel. It stays mapped for as long as this value or a clone of it lives.
#[derive(Debug, Clone)]
pub struct ChannelMemory {
    /// The ring, and behind it the slots and the claims.
    pub data: ViewMemory,
    /// The control block.
    pub control: ViewMemory,
}

impl Channel {
    /// The mapped memory, for programs that read messages without a copy, or take part without calls.
    ///
    /// # Errors
    /// [`crate::Error::ReadOnly`] for a handle that may only read.
    pub fn memory(&self) -> Result<ChannelMemory> {
        self.handle.check_writable()?;
        Ok(ChannelMemory {
            data: ViewMemory::of(self.handle.ring.memory()),
            control: ViewMemory::of(self.handle.control.memory()),
        })
    }
}

macro_rules! table {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), at::$name as u64)),*] };
}

/// Offsets, sizes and kinds by their names in docs/memory-layout.md, for programs that work on
/// [`ChannelMemory`] without calls.
pub const CHANNEL_LAYOUT: &[(&str, u64)] = table![
    UNIT,
    RING_TAIL,
    RING_START,
    RING_SEAL,
    RING_WRITER,
    MEMBERS_WAITING,
    ROOM_WAITING,
    RING_OLDEST,
    RING_CAPACITY,
    SLOT_SIZE,
    SLOT_STATE,
    SLOT_NUMBER,
    SLOT_CURSOR,
    STATE_LIVE,
    STATE_EVICTED,
    RECORD_HEADER,
    RECORD_MESSAGE,
    RECORD_PADDING,
    RECORD_SEAL,
    TRAILER,
    WAITING,
];
