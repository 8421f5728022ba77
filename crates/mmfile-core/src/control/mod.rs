//! The control block: what a file is, how far it is committed, and what its writer is up to.
//!
//! It stands in an object of its own and can be rebuilt from the data, except for the lock. Nothing
//! that is read from it is believed before it is checked: it is shared with every process that has
//! the file open, in whatever state those are.
//!
//! ```
//! # fn main() -> mmfile_core::Result<()> {
//! use mmfile_core::{CreateOptions, MmFile, OpenOptions};
//! // process A commits a segment: the tail and the count move together
//! let a = MmFile::create_new(4096, &CreateOptions::default())?;
//! a.append(b"12345678".as_slice())?;
//! // process B sees both at once
//! let b = MmFile::open_existing(a.id(), &OpenOptions::default())?;
//! assert_eq!((b.len()?, b.size()?), (1, 12));
//! # Ok(()) }
//! ```

pub(crate) mod layout;

use crate::error::{Error, Result};
use crate::mapping::{Block, Identity, Mapping, process_number};
use crate::name::Prefixes;
use crate::sync::{AtomicU32, AtomicU64};
use layout as at;
use std::sync::Arc;
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

/// A committed end: `size` bytes of frames that hold `count` segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) size: u64,
    pub(crate) count: u64,
}

/// What an append is about to make of the file, recorded before its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intent {
    pub(crate) base: Tail,
    pub(crate) end: Tail,
}

/// What a finished control block says of its file; constant from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) kind: Kind,
    pub(crate) capacity: u64,
    pub(crate) lifetime: Lifetime,
    pub(crate) data: Identity,
}

/// A mapped control block.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    mapping: Arc<Mapping>,
    /// The mapping's.
    block: Block,
    /// The capacity that was checked against the data's real size.
    capacity: u64,
}

impl Control {
    /// Wraps a mapping, which must be as large as a control block is.
    pub(crate) fn new(mapping: Mapping, id: &str) -> Result<Self> {
        let Some(block) = Block::of(mapping.region()) else {
            let (id, reason) = (id.into(), "it is too small for a control block");
            return Err(Error::Access { id, reason, os: None });
        };
        Ok(Self { mapping: Arc::new(mapping), block, capacity: 0 })
    }

    /// The mapping, for what has to keep it.
    pub(crate) fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// The capacity in bytes. It was private memory's before anything was made of it.
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    #[inline(always)]
    fn word(&self, offset: u64) -> &AtomicU32 {
        static OUTSIDE: AtomicU32 = AtomicU32::new(0);
        self.block.atomic_u32(offset).unwrap_or(&OUTSIDE)
    }

    #[inline(always)]
    fn long(&self, offset: u64) -> &AtomicU64 {
        static OUTSIDE: AtomicU64 = AtomicU64::new(0);
        self.block.atomic_u64(offset).unwrap_or(&OUTSIDE)
    }

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

    /// Starts anew, with this committed end.
    pub(crate) fn reset(&self, tail: Tail, sealed: bool) {
        let status = if sealed { at::STATUS_SEALED } else { 0 };
        self.word(at::OFF_STATUS).store(status, Ordering::Release);
        self.set_intent(Intent { base: tail, end: tail });
        self.commit(tail);
    }

    /// When and by which process it was made: milliseconds since 1970, and the process id of then.
    pub(crate) fn origin(&self) -> (u64, u32) {
        let at = self.long(at::OFF_CREATED_AT).load(Ordering::Relaxed);
        (at, self.word(at::OFF_CREATOR).load(Ordering::Relaxed))
    }

    /// Notes that this process has the file open.
    pub(crate) fn join(&self) {
        if self.long(at::OFF_FIRST_PROCESS).load(Ordering::Relaxed) != process_number() {
            self.note_other();
        }
    }

    /// Notes that another process has it open.
    pub(crate) fn note_other(&self) {
        self.long(at::OFF_OTHER_PROCESS).store(1, Ordering::Release);
    }

    /// Whether a process other than this one has ever had the file open.
    pub(crate) fn had_others(&self) -> bool {
        self.long(at::OFF_FIRST_PROCESS).load(Ordering::Relaxed) != process_number()
            || self.long(at::OFF_OTHER_PROCESS).load(Ordering::Acquire) != 0
    }

    /// Believes a capacity that was checked against the data object.
    pub(crate) fn accept(&mut self, capacity: u64) {
        self.capacity = capacity;
    }

    /// The committed end, kept inside what the capacity allows whatever the block says.
    pub(crate) fn tail(&self) -> Tail {
        // The count is stored last: a segment that it counts is below the tail that is read next.
        let count = self.count();
        let size = self.long(at::OFF_TAIL).load(Ordering::Acquire).min(self.capacity);
        Tail { size, count }
    }

    /// The number of committed segments.
    pub(crate) fn count(&self) -> u64 {
        self.long(at::OFF_COUNT).load(Ordering::Acquire).min(self.capacity / 4)
    }

    /// Moves the committed end and changes the wake word. Its caller holds the lock.
    pub(crate) fn commit(&self, tail: Tail) {
        self.long(at::OFF_TAIL).store(tail.size, Ordering::Release);
        crate::fault::point("commit.tail");
        self.long(at::OFF_COUNT).store(tail.count, Ordering::Release);
        crate::fault::point("commit.count");
        // A plain store next to the two above, while the cache line is still ours. A change that
        // somebody else makes at the same moment may be lost in it: whoever asked to be woken before
        // this publication is woken by another change, see `wake::signal`.
        let word = self.wake_word();
        word.store(word.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// Moves the committed end for segments that a foreign writer left behind it.
    ///
    /// A handle without synchronization may be appending at the same time: whoever comes first
    /// moves the tail, both to the same place, and neither takes it back.
    pub(crate) fn adopt(&self, from: Tail, to: Tail) {
        self.set_intent(Intent { base: from, end: to });
        crate::fault::point("adopt.intent");
        let tail = self.long(at::OFF_TAIL);
        let moved = tail.compare_exchange(from.size, to.size, Ordering::AcqRel, Ordering::Acquire);
        crate::fault::point("adopt.tail");
        if moved.is_ok() {
            self.long(at::OFF_COUNT).fetch_max(to.count, Ordering::AcqRel);
        }
        self.touch();
    }

    /// Whether the file takes no more segments.
    pub(crate) fn is_sealed(&self) -> bool {
        self.word(at::OFF_STATUS).load(Ordering::Acquire) & at::STATUS_SEALED != 0
    }

    /// No more segments from here on.
    pub(crate) fn set_sealed(&self) {
        self.word(at::OFF_STATUS).fetch_or(at::STATUS_SEALED, Ordering::AcqRel);
        self.touch();
    }

    /// Records how far an append will write. Its caller holds the lock.
    pub(crate) fn set_intent(&self, intent: Intent) {
        // The base goes first away and comes last: a half-written record is none.
        self.long(at::OFF_INTENT_BASE).store(u64::MAX, Ordering::Release);
        crate::fault::point("intent.begun");
        self.long(at::OFF_INTENT_BASE_COUNT).store(intent.base.count, Ordering::Release);
        self.long(at::OFF_INTENT_END_COUNT).store(intent.end.count, Ordering::Release);
        self.long(at::OFF_INTENT_END).store(intent.end.size, Ordering::Release);
        crate::fault::point("intent.counted");
        self.long(at::OFF_INTENT_BASE).store(intent.base.size, Ordering::Release);
    }

    /// The last append's record, if it is one, kept inside the capacity.
    pub(crate) fn intent(&self) -> Option<Intent> {
        let load = |offset| self.long(offset).load(Ordering::Acquire);
        let base = load(at::OFF_INTENT_BASE);
        (base <= self.capacity).then(|| Intent {
            base: Tail {
                size: base,
                count: load(at::OFF_INTENT_BASE_COUNT).min(self.capacity / 4),
            },
            end: Tail {
                size: load(at::OFF_INTENT_END).min(self.capacity),
                count: load(at::OFF_INTENT_END_COUNT).min(self.capacity / 4),
            },
        })
    }

    /// Changes the word that waiters sleep on, without waking them.
    fn touch(&self) {
        self.wake_word().fetch_add(1, Ordering::AcqRel);
    }

    /// The word that changes with every publication, seal and wake.
    pub(crate) fn wake_word(&self) -> &AtomicU32 {
        self.word(at::OFF_WAKE)
    }

    /// Set by those about to sleep; on Windows the number of the round that they sleep in.
    pub(crate) fn waiting_word(&self) -> &AtomicU32 {
        self.word(at::OFF_WAITING)
    }

    /// How many sleep in even (0) and in odd rounds (1).
    #[cfg(windows)]
    pub(crate) fn sleepers(&self, side: u32) -> &AtomicU32 {
        self.word(at::OFF_SLEEPERS + 4 * u64::from(side & 1))
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
