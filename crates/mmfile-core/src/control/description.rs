//! What a control block says of its file: constant once it is finished, but for its end.

use super::Control;
use super::layout as at;
use crate::error::{Error, Result};
use crate::mapping::{Identity, process_number};
use crate::name::Prefixes;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

/// How long a file can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifetime {
    /// Until its creator closes it or exits; who has it open by then goes on using it.
    #[default]
    Creator,
    /// Until nobody has it open.
    LastProcess,
}

/// What a control block belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Named shared memory.
    Memory,
    /// A lock alone.
    Mutex,
    /// A file on disk.
    Disk,
}

/// What a finished control block says of its file; constant from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) kind: Kind,
    pub(crate) capacity: u64,
    pub(crate) lifetime: Lifetime,
    pub(crate) data: Identity,
}

impl Control {
    /// Fills in everything but the lock. Readers do not look at it before [`Self::set_ready`].
    pub(crate) fn describe(&mut self, description: &Description) {
        let lifetime = match description.lifetime {
            Lifetime::Creator => 0,
            Lifetime::LastProcess => at::FLAG_LAST_PROCESS,
        };
        let kind = match description.kind {
            Kind::Memory => 0,
            Kind::Mutex => at::FLAG_MUTEX,
            Kind::Disk => at::FLAG_DISK,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(0);
        self.long(at::OFF_CREATED_AT).store(now, Ordering::Relaxed);
        self.long(at::OFF_FIRST_PROCESS).store(process_number(), Ordering::Relaxed);
        self.long(at::OFF_OTHER_PROCESS).store(0, Ordering::Relaxed);
        self.word(at::OFF_VERSION).store(at::VERSION, Ordering::Relaxed);
        self.word(at::OFF_ARCHITECTURE).store(at::ARCHITECTURE, Ordering::Relaxed);
        self.word(at::OFF_C_LIBRARY).store(at::C_LIBRARY, Ordering::Relaxed);
        self.word(at::OFF_FLAGS).store(lifetime | kind, Ordering::Relaxed);
        self.word(at::OFF_CREATOR).store(std::process::id(), Ordering::Relaxed);
        self.long(at::OFF_CAPACITY).store(description.capacity, Ordering::Relaxed);
        self.long(at::OFF_DATA_DEVICE).store(description.data.device, Ordering::Relaxed);
        self.long(at::OFF_DATA_INODE).store(description.data.inode, Ordering::Relaxed);
        self.long(at::OFF_NAMESPACE).store(process_namespace(), Ordering::Relaxed);
        self.long(at::OFF_MAGIC).store(at::MAGIC, Ordering::Relaxed);
        self.capacity = description.capacity;
    }

    /// From here on the file can be opened.
    pub(crate) fn set_ready(&self) {
        self.word(at::OFF_STATE).store(at::STATE_READY, Ordering::Release);
    }

    /// Whether its creator has finished it.
    pub(crate) fn is_ready(&self) -> bool {
        self.word(at::OFF_STATE).load(Ordering::Acquire) == at::STATE_READY
    }

    /// Nobody opens it from now on. It stays so until it is gone.
    pub(crate) fn set_ended(&self) {
        self.word(at::OFF_STATE).store(at::STATE_ENDED, Ordering::Release);
    }

    /// Whether its creator has closed it.
    pub(crate) fn has_ended(&self) -> bool {
        self.word(at::OFF_STATE).load(Ordering::Acquire) == at::STATE_ENDED
    }

    /// Whether this is a control block, of whichever version.
    pub(crate) fn is_described(&self) -> bool {
        self.long(at::OFF_MAGIC).load(Ordering::Relaxed) == at::MAGIC
    }

    /// Whether this may become a control block.
    pub(crate) fn is_blank(&self) -> bool {
        self.long(at::OFF_MAGIC).load(Ordering::Relaxed) == 0
    }

    /// Which data object belongs to it, also in one that was never finished.
    pub(crate) fn data_identity(&self) -> Identity {
        Identity {
            device: self.long(at::OFF_DATA_DEVICE).load(Ordering::Relaxed),
            inode: self.long(at::OFF_DATA_INODE).load(Ordering::Relaxed),
        }
    }

    /// Records the data object before the rest is known, so that a sweep can find it.
    pub(crate) fn set_data_identity(&self, data: Identity) {
        self.long(at::OFF_DATA_DEVICE).store(data.device, Ordering::Relaxed);
        crate::fault::point("create.device");
        self.long(at::OFF_DATA_INODE).store(data.inode, Ordering::Release);
    }

    /// Records what its data's name will begin with, before there is any, so that it is found under
    /// whichever prefix somebody sweeps.
    pub(crate) fn set_data_prefix(&self, prefix: &str) {
        for (number, part) in prefix.as_bytes().chunks(8).enumerate() {
            let mut bytes = [0; 8];
            bytes.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            let offset = at::OFF_DATA_PREFIX + 8 * number as u64;
            self.long(offset).store(u64::from_le_bytes(bytes), Ordering::Relaxed);
        }
        // An empty one is not the same as none.
        let length = prefix.len() as u64 + 1;
        self.long(at::OFF_DATA_PREFIX_LENGTH).store(length, Ordering::Release);
    }

    /// What its data's name begins with; `None` if that was not recorded, or is no prefix.
    pub(crate) fn data_prefix(&self) -> Option<String> {
        let length =
            self.long(at::OFF_DATA_PREFIX_LENGTH).load(Ordering::Acquire).checked_sub(1)?;
        let length = usize::try_from(length.min(at::DATA_PREFIX_SIZE + 1)).ok()?;
        let part = |number: usize| {
            let offset = at::OFF_DATA_PREFIX + 8 * number as u64;
            self.long(offset).load(Ordering::Relaxed).to_le_bytes()
        };
        let mut bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(part).collect();
        bytes.truncate(length);
        String::from_utf8(bytes).ok().filter(|prefix| Prefixes::is_valid(prefix))
    }

    /// The capacity that a block on disk was made with, if it is one of this version.
    pub(crate) fn recorded_capacity(&self, id: &str) -> Result<u64> {
        let magic = self.long(at::OFF_MAGIC).load(Ordering::Relaxed) == at::MAGIC;
        let version = self.word(at::OFF_VERSION).load(Ordering::Relaxed) == at::VERSION;
        let reason = match (magic, version) {
            (true, true) => return Ok(self.long(at::OFF_CAPACITY).load(Ordering::Relaxed)),
            (true, false) => "another version of mmfile",
            (false, _) => "something that is not mmfile",
        };
        Err(Error::Incompatible { id: id.into(), reason })
    }

    /// Reads a finished block and checks that this program can share the file.
    pub(crate) fn examine(&self, id: &str) -> Result<Description> {
        let incompatible = |reason| Err(Error::Incompatible { id: id.into(), reason });
        if !self.is_described() {
            return incompatible("something that is not mmfile");
        }
        if self.word(at::OFF_VERSION).load(Ordering::Relaxed) != at::VERSION {
            return incompatible("another version of mmfile");
        }
        if self.word(at::OFF_ARCHITECTURE).load(Ordering::Relaxed) != at::ARCHITECTURE {
            return incompatible("a program for another architecture");
        }
        if self.word(at::OFF_C_LIBRARY).load(Ordering::Relaxed) != at::C_LIBRARY {
            return incompatible("a program with another C library");
        }
        let (theirs, ours) =
            (self.long(at::OFF_NAMESPACE).load(Ordering::Relaxed), process_namespace());
        if theirs != 0 && ours != 0 && theirs != ours {
            // The kernel marks a dead holder's lock by its thread id, which is another there.
            return incompatible("a program in another PID namespace");
        }
        let flags = self.word(at::OFF_FLAGS).load(Ordering::Relaxed);
        let last = flags & at::FLAG_LAST_PROCESS != 0;
        let kind = match (flags & at::FLAG_MUTEX != 0, flags & at::FLAG_DISK != 0) {
            (false, false) => Kind::Memory,
            (true, _) => Kind::Mutex,
            (_, true) => Kind::Disk,
        };
        Ok(Description {
            kind,
            capacity: self.long(at::OFF_CAPACITY).load(Ordering::Relaxed),
            lifetime: if last { Lifetime::LastProcess } else { Lifetime::Creator },
            data: self.data_identity(),
        })
    }

    /// Not usable any more, until [`Self::set_ready`].
    pub(crate) fn set_unready(&self) {
        self.word(at::OFF_STATE).store(0, Ordering::Release);
    }

    /// When and by which process it was made: milliseconds since 1970, and the process id of then.
    pub(crate) fn origin(&self) -> (u64, u32) {
        let at = self.long(at::OFF_CREATED_AT).load(Ordering::Relaxed);
        (at, self.word(at::OFF_CREATOR).load(Ordering::Relaxed))
    }
}

/// The kernel's number for this process's PID namespace, or 0 where it cannot be told.
#[cfg(target_os = "linux")]
fn process_namespace() -> u64 {
    use std::os::unix::fs::MetadataExt;
    use std::sync::OnceLock;
    static NAMESPACE: OnceLock<u64> = OnceLock::new();
    *NAMESPACE.get_or_init(|| std::fs::metadata("/proc/self/ns/pid").map_or(0, |m| m.ino()))
}

/// Only Linux has PID namespaces.
#[cfg(not(target_os = "linux"))]
fn process_namespace() -> u64 {
    0
}
