//! A control block's description of its object: constant from the creation on, until the object ends.

use super::Control;
use super::channel::Shape;
use super::layout as at;
use crate::error::{Error, Result};
use crate::platform::{C_LIBRARY, process_namespace, process_number};
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

/// How long a file can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifetime {
    /// Until its creator closes it or exits; processes that have it open keep using it.
    #[default]
    Creator,
    /// Until no process has it open.
    LastProcess,
}

/// The kind of object that a control block belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    /// A file in shared memory.
    File,
    /// A lock alone.
    Mutex,
    /// A file on disk.
    DiskFile,
    /// A channel in shared memory.
    Channel,
    /// A channel on disk.
    DiskChannel,
}

impl ObjectKind {
    /// Whether it stays when every process has left.
    #[cfg_attr(platform = "windows", allow(dead_code, reason = "names end with their handles"))]
    pub(crate) fn is_on_disk(self) -> bool {
        matches!(self, Self::DiskFile | Self::DiskChannel)
    }

    /// Whether it has messages instead of segments.
    pub(crate) fn is_channel(self) -> bool {
        matches!(self, Self::Channel | Self::DiskChannel)
    }

    fn flags(self) -> u32 {
        match self {
            Self::File => 0,
            Self::Mutex => at::FLAG_MUTEX,
            Self::DiskFile => at::FLAG_DISK,
            Self::Channel => at::FLAG_CHANNEL,
            Self::DiskChannel => at::FLAG_CHANNEL | at::FLAG_DISK,
        }
    }
}

/// The contents of a control block's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) kind: ObjectKind,
    pub(crate) capacity: u64,
    pub(crate) lifetime: Lifetime,
    /// The participant that created it; 0 for none.
    pub(crate) creator: u64,
    /// The shape of a channel to describe; [`Control::channel_shape`] reads it.
    pub(crate) channel: Option<Shape>,
}

/// The error of a file that another build made.
const SAME_BUILD: &str = "use the same build of mmfile on both sides";
/// Locks carry thread ids, and a process sees others of another PID namespace under other ids.
const SAME_NAMESPACE: &str = "run both in one PID namespace (docker run --pid=container:NAME, \
    shareProcessNamespace: true in Kubernetes), or give each its own folder";

impl Control {
    /// Fills in everything but the lock.
    pub(crate) fn describe(&mut self, description: &Description) {
        let lifetime = match description.lifetime {
            Lifetime::Creator => 0,
            Lifetime::LastProcess => at::FLAG_LAST_PROCESS,
        };
        let kind = description.kind.flags();
        self.long(at::OFF_CREATED_AT).store(now(), Ordering::Relaxed);
        self.long(at::OFF_FIRST_PROCESS).store(process_number(), Ordering::Relaxed);
        self.long(at::OFF_OTHER_PROCESS).store(0, Ordering::Relaxed);
        self.word(at::OFF_VERSION).store(at::VERSION, Ordering::Relaxed);
        self.word(at::OFF_ARCHITECTURE).store(at::ARCHITECTURE, Ordering::Relaxed);
        self.word(at::OFF_C_LIBRARY).store(C_LIBRARY, Ordering::Relaxed);
        self.word(at::OFF_FLAGS).store(lifetime | kind, Ordering::Relaxed);
        if let Some(shape) = &description.channel {
            self.describe_channel(shape);
        }
        self.word(at::OFF_CREATOR_PID).store(std::process::id(), Ordering::Relaxed);
        self.long(at::OFF_CAPACITY).store(description.capacity, Ordering::Relaxed);
        self.long(at::OFF_CREATOR).store(description.creator, Ordering::Relaxed);
        self.long(at::OFF_NAMESPACE).store(process_namespace(), Ordering::Relaxed);
        self.long(at::OFF_MAGIC).store(at::MAGIC, Ordering::Relaxed);
        self.word(at::OFF_STATE).store(at::STATE_READY, Ordering::Release);
        self.capacity = description.capacity;
    }

    /// Whether the block is complete. It can be incomplete only on Windows, where a name is visible before its object
    /// is complete.
    #[allow(dead_code, reason = "as above")]
    pub(crate) fn is_ready(&self) -> bool {
        self.word(at::OFF_STATE).load(Ordering::Acquire) == at::STATE_READY
    }

    /// No process opens it from now on.
    pub(crate) fn set_ended(&self) {
        self.word(at::OFF_STATE).store(at::STATE_ENDED, Ordering::Release);
    }

    /// Whether its creator has closed it, or it was removed.
    pub(crate) fn has_ended(&self) -> bool {
        self.word(at::OFF_STATE).load(Ordering::Acquire) == at::STATE_ENDED
    }

    /// Whether this is a control block, of any version.
    pub(crate) fn is_described(&self) -> bool {
        self.long(at::OFF_MAGIC).load(Ordering::Relaxed) == at::MAGIC
    }

    /// The kind of its object, if this is a control block of any version.
    pub(crate) fn kind(&self) -> Option<ObjectKind> {
        let kind = kind_of(self.word(at::OFF_FLAGS).load(Ordering::Relaxed));
        self.is_described().then_some(kind)
    }

    /// Whether this is the control block of an object of that kind, of any version. An object whose memory is gone
    /// (macOS) has no version, and counts as one of every kind.
    pub(crate) fn is_of(&self, kind: ObjectKind) -> bool {
        let version = self.word(at::OFF_VERSION).load(Ordering::Relaxed);
        self.kind().is_some_and(|own| own == kind || version == 0)
    }

    /// Reads the block and checks that this program can share the file.
    pub(crate) fn examine(&self, id: &str) -> Result<Description> {
        let description = self.examine_format(id)?;
        let other = |reason, cure| Err(Error::Incompatible { id: id.into(), reason, cure });
        if self.word(at::OFF_ARCHITECTURE).load(Ordering::Relaxed) != at::ARCHITECTURE {
            return other("a program for another architecture", SAME_BUILD);
        }
        if self.word(at::OFF_C_LIBRARY).load(Ordering::Relaxed) != C_LIBRARY {
            return other("a program with another C library", SAME_BUILD);
        }
        let (theirs, ours) = self.namespaces();
        if theirs != 0 && ours != 0 && theirs != ours {
            return other("a program in another PID namespace", SAME_NAMESPACE);
        }
        Ok(description)
    }

    /// The same for a reader that shares only the format.
    pub(crate) fn examine_format(&self, id: &str) -> Result<Description> {
        let other = |reason| Err(Error::Incompatible { id: id.into(), reason, cure: SAME_BUILD });
        if !self.is_described() {
            return Err(Error::Incompatible {
                id: id.into(),
                reason: "something other than mmfile, or was cut",
                cure: "name a file of mmfile",
            });
        }
        if self.word(at::OFF_VERSION).load(Ordering::Relaxed) != at::VERSION {
            return other("another version of mmfile");
        }
        let flags = self.word(at::OFF_FLAGS).load(Ordering::Relaxed);
        let last = flags & at::FLAG_LAST_PROCESS != 0;
        Ok(Description {
            kind: kind_of(flags),
            capacity: self.long(at::OFF_CAPACITY).load(Ordering::Relaxed),
            lifetime: if last { Lifetime::LastProcess } else { Lifetime::Creator },
            creator: self.long(at::OFF_CREATOR).load(Ordering::Relaxed),
            channel: None,
        })
    }

    /// The PID namespaces of the creator and of this process; 0 for one that is not known.
    fn namespaces(&self) -> (u64, u64) {
        (self.long(at::OFF_NAMESPACE).load(Ordering::Relaxed), process_namespace())
    }

    /// Whether the creator's thread ids are known to mean the same here.
    pub(crate) fn is_of_this_namespace(&self) -> bool {
        let (theirs, ours) = self.namespaces();
        theirs != 0 && theirs == ours
    }

    /// When and by which process it was made: milliseconds since 1970, and the process id of then.
    pub(crate) fn origin(&self) -> (u64, u32) {
        let at = self.long(at::OFF_CREATED_AT).load(Ordering::Relaxed);
        (at, self.word(at::OFF_CREATOR_PID).load(Ordering::Relaxed))
    }
}

fn kind_of(flags: u32) -> ObjectKind {
    let has = |flag| flags & flag != 0;
    match (has(at::FLAG_CHANNEL), has(at::FLAG_MUTEX), has(at::FLAG_DISK)) {
        (true, _, false) => ObjectKind::Channel,
        (true, _, true) => ObjectKind::DiskChannel,
        (false, true, _) => ObjectKind::Mutex,
        (false, false, true) => ObjectKind::DiskFile,
        (false, false, false) => ObjectKind::File,
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(0)
}
