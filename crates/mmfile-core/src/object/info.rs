//! Information about objects that are not open here.

use crate::control::channel::UNIT;
use crate::control::{Control, Lifetime, ObjectKind};
use crate::ids::FileId;
use crate::memory::{Access, Memory};
use crate::ring::Ring;

/// The kind of an object. Each kind has a separate name space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file in shared memory.
    File,
    /// A mutex.
    Mutex,
    /// A channel in shared memory.
    Channel,
}

impl Kind {
    pub(crate) fn object_kind(self) -> ObjectKind {
        match self {
            Self::File => ObjectKind::File,
            Self::Mutex => ObjectKind::Mutex,
            Self::Channel => ObjectKind::Channel,
        }
    }
}

/// An object in shared memory, seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its id.
    pub id: FileId,
    /// Its kind.
    pub kind: Kind,
    /// How many bytes its segments and their size words, or its messages and their headers, may take. 0 for a
    /// mutex, and for an object of another version of this library.
    pub capacity: u64,
    /// How many bytes they take.
    pub size: u64,
    /// How many segments or messages it has.
    pub length: u64,
    /// Whether it takes no more.
    pub sealed: bool,
    /// How long it can be opened.
    pub lifetime: Lifetime,
    /// When it was created, in milliseconds since 1970.
    pub created_at: u64,
    /// The process that created it.
    pub creator_pid: u32,
    /// Whether no living process has it open: [`sweep`](crate::sweep) removes it.
    pub stale: bool,
}

impl ObjectInfo {
    /// Reads the information from a control block; `None` if the object has ended, or if this is no control
    /// block.
    ///
    /// A channel's `data` says how many messages there are.
    pub(crate) fn of(
        control: &Control,
        data: Option<&Memory>,
        id: FileId,
        kind: Kind,
        stale: bool,
    ) -> Option<Self> {
        if !control.is_of(kind.object_kind()) || control.has_ended() {
            return None;
        }
        let (created_at, creator_pid) = control.origin();
        let mut info = Self {
            id,
            kind,
            capacity: 0,
            size: 0,
            length: 0,
            sealed: false,
            lifetime: Lifetime::LastProcess,
            created_at,
            creator_pid,
            stale,
        };
        if let Ok(description) = control.examine_format(info.id.as_str()) {
            let mut control = control.clone();
            control.accept(description.capacity);
            (info.capacity, info.lifetime) = (description.capacity, description.lifetime);
            info.sealed = control.is_sealed();
            if kind == Kind::Channel {
                info.measure(&control, data);
            } else {
                let tail = control.tail();
                (info.size, info.length) = (tail.size, tail.count);
            }
        }
        Some(info)
    }
}

impl ObjectInfo {
    /// Fills in a channel's columns. Values that cannot be read stay 0.
    fn measure(&mut self, control: &Control, data: Option<&Memory>) {
        let shape = control.channel_shape(self.capacity, self.id.as_str());
        self.capacity = shape.as_ref().map_or(0, |shape| shape.ring);
        let (Ok(shape), Some(data)) = (shape, data) else { return };
        let Some(ring) = Ring::new(control, data, &shape, false) else { return };
        let oldest = ring.oldest();
        self.size = u64::from(ring.tail().wrapping_sub(oldest).min(ring.units())) * UNIT;
        self.sealed = ring.is_sealed();
        if let (Ok(first), Ok(newest)) = (ring.index_at(oldest), ring.newest()) {
            self.length = newest.next_index.saturating_sub(first);
        }
    }
}

/// An open handle on a file or channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its process.
    pub pid: u32,
    /// What it is allowed to do.
    pub access: Access,
    /// When it was opened, in milliseconds since 1970.
    pub since: u64,
    /// Whether it created the file.
    pub is_creator: bool,
    /// Whether it holds the lock at this moment.
    pub holds_lock: bool,
    /// Whether it is the handle that asks.
    pub is_self: bool,
}
