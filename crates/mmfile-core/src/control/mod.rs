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

mod description;
pub(crate) mod layout;

use crate::error::{Error, Result};
use crate::mapping::{Block, Mapping, process_number};
use crate::sync::{AtomicU32, AtomicU64};
use layout as at;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use description::Lifetime;
pub(crate) use description::{Description, Kind};

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

    /// Starts anew, with this committed end.
    pub(crate) fn reset(&self, tail: Tail, sealed: bool) {
        let status = if sealed { at::STATUS_SEALED } else { 0 };
        self.word(at::OFF_STATUS).store(status, Ordering::Release);
        self.set_intent(Intent { base: tail, end: tail });
        self.commit(tail);
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
