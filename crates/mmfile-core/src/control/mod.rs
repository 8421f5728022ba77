//! The control block: a file's description, its committed end, and its writer's intent.
//!
//! It follows the data in the same object. On Windows it is a separate object, since other programs name the data
//! there. It can be rebuilt from the data, except for the lock. Every value is checked before it is used: any process
//! that has the file open can write to it.
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

pub(crate) mod channel;
pub(crate) mod channel_layout;
mod description;
pub(crate) mod layout;
pub(crate) mod participants;
pub(crate) mod places;

use crate::error::{Error, Result};
use crate::memory::{Backing, Block, Memory};
use crate::platform::{FAULT_AROUND, SyncObjects, process_number};
use crate::sync::{AtomicU32, AtomicU64};
use layout as at;
use std::sync::atomic::Ordering;

pub use description::Lifetime;
pub(crate) use description::{Description, ObjectKind, now};
pub(crate) use participants::Participant;
pub(crate) use places::{LockPlace, WakePlace};

/// A committed end: `size` bytes of frames that hold `count` segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) size: u64,
    pub(crate) count: u64,
}

/// The file's end before and after an append, recorded before the append stores its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intent {
    pub(crate) base: Tail,
    pub(crate) end: Tail,
}

/// A mapped control block.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    memory: Memory,
    /// The memory's.
    block: Block,
    /// The kernel's objects for its lock and its sleepers.
    #[allow(dead_code, reason = "nothing on Linux")]
    sync: SyncObjects,
    /// The capacity that was checked against the data's real size.
    capacity: u64,
}

impl Control {
    /// Wraps memory, which must be as large as a control block is.
    pub(crate) fn new(memory: Memory, sync: SyncObjects, id: &str) -> Result<Self> {
        let Some(block) = Block::of(memory.region()) else {
            return Err(Error::access(id, "it is too small for a control block"));
        };
        Ok(Self { memory, block, sync, capacity: 0 })
    }

    /// Touches a block in memory for writing, without changing it. If the first access were a read, the kernel would
    /// also map the pages around it, and closing would have to unmap them again.
    #[allow(dead_code, reason = "Windows opens otherwise")]
    pub(crate) fn map_for_writing(&self) {
        if FAULT_AROUND.is_some() && self.memory.backing() == Backing::Memory {
            let state = self.word(at::OFF_STATE);
            let _ = state.compare_exchange(0, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// The memory of the block.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The kernel's objects for its lock and its sleepers.
    #[allow(dead_code, reason = "nothing on Linux")]
    pub(crate) fn sync(&self) -> &SyncObjects {
        &self.sync
    }

    /// The capacity in bytes.
    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }

    #[inline(always)]
    pub(crate) fn word(&self, offset: u64) -> &AtomicU32 {
        static OUTSIDE: AtomicU32 = AtomicU32::new(0);
        self.block.atomic_u32(offset).unwrap_or(&OUTSIDE)
    }

    #[inline(always)]
    pub(crate) fn long(&self, offset: u64) -> &AtomicU64 {
        static OUTSIDE: AtomicU64 = AtomicU64::new(0);
        self.block.atomic_u64(offset).unwrap_or(&OUTSIDE)
    }

    /// Sets the committed end of a block that no other process uses.
    pub(crate) fn reset(&self, tail: Tail, sealed: bool) {
        let status = if sealed { at::STATUS_SEALED } else { 0 };
        self.word(at::OFF_STATUS).store(status, Ordering::Release);
        self.set_intent(Intent { base: tail, end: tail });
        self.commit(tail);
    }

    /// Empties the table of participants of a block that no other process uses.
    pub(crate) fn forget_participants(&self) {
        self.set_lock_holder(LockPlace::Writers, 0, 0);
        self.set_lock_owner(LockPlace::Writers, 0);
        let words = at::OFF_PARTICIPANTS..at::CONTROL_SIZE;
        for offset in words.step_by(8) {
            self.long(offset).store(0, Ordering::Relaxed);
        }
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

    /// Sets the capacity, which was checked against the size of the data.
    pub(crate) fn accept(&mut self, capacity: u64) {
        self.capacity = capacity;
    }

    /// Whether an object of that many bytes has all of the data, and this block behind it.
    #[allow(dead_code, reason = "on Windows no program can cut it")]
    pub(crate) fn fits(&self, size: u64) -> bool {
        at::object_size(self.capacity).is_some_and(|whole| size >= whole)
    }

    /// The committed end, clamped to the capacity, since any process can write to the block.
    #[inline(always)]
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
    #[inline(always)]
    pub(crate) fn commit(&self, tail: Tail) {
        self.long(at::OFF_TAIL).store(tail.size, Ordering::Release);
        crate::fault::point("commit.tail");
        self.long(at::OFF_COUNT).store(tail.count, Ordering::Release);
        crate::fault::point("commit.count");
        // A plain store next to the two above, while the cache line is still ours. A change that
        // another process makes at the same moment may be lost in it: a waiter that asked to be
        // woken before this publication is woken by another change, see `wake::signal`.
        let word = self.wake_word(WakePlace::News);
        word.store(word.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    }

    /// Moves the committed end for segments that a foreign writer left behind it. Its caller is the only
    /// writer.
    pub(crate) fn adopt(&self, from: Tail, to: Tail) {
        self.set_intent(Intent { base: from, end: to });
        crate::fault::point("adopt.intent");
        self.commit(to);
    }

    /// Records which participant and thread of it hold the lock, or that it is about to be released.
    #[inline(always)]
    pub(crate) fn set_lock_holder(&self, place: LockPlace, nonce: u64, thread: u32) {
        self.long(at::OFF_LOCK_HOLDER + place.shift()).store(nonce, Ordering::Release);
        // Last: a thread is this participant's.
        self.word(at::OFF_LOCK_THREAD + place.shift()).store(thread, Ordering::Release);
    }

    /// The participant and the thread that hold the lock; 0 if that is not known.
    pub(crate) fn lock_holder(&self, place: LockPlace) -> (u64, u32) {
        let thread = self.word(at::OFF_LOCK_THREAD + place.shift()).load(Ordering::Acquire);
        (self.long(at::OFF_LOCK_HOLDER + place.shift()).load(Ordering::Acquire), thread)
    }

    /// Records for which thread's operations the holder has the lock; 0 for its own. Its caller holds the lock.
    pub(crate) fn set_lock_owner(&self, place: LockPlace, thread: u32) {
        self.word(at::OFF_LOCK_OWNER + place.shift()).store(thread, Ordering::Release);
    }

    /// The thread for whose operations another thread holds the lock; 0 if there is no such thread.
    pub(crate) fn lock_owner(&self, place: LockPlace) -> u32 {
        self.word(at::OFF_LOCK_OWNER + place.shift()).load(Ordering::Acquire)
    }

    /// Records that a section begins: whether the one before did not come to its end. Its caller holds the lock.
    pub(crate) fn begin_section(&self) -> bool {
        let section = self.word(at::OFF_SECTION);
        let unfinished = section.load(Ordering::Acquire) != 0;
        section.store(1, Ordering::Release);
        unfinished
    }

    /// Records that the section has come to its end. Its caller holds the lock.
    pub(crate) fn end_section(&self) {
        self.word(at::OFF_SECTION).store(0, Ordering::Release);
    }

    /// The handle that created the file; 0 if none is known.
    pub(crate) fn creator(&self) -> u64 {
        self.long(at::OFF_CREATOR).load(Ordering::Relaxed)
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
    #[inline(always)]
    pub(crate) fn set_intent(&self, intent: Intent) {
        // The base is cleared first and stored last, so a half-written record does not count.
        self.long(at::OFF_INTENT_BASE).store(u64::MAX, Ordering::Release);
        crate::fault::point("intent.begun");
        self.long(at::OFF_INTENT_BASE_COUNT).store(intent.base.count, Ordering::Release);
        self.long(at::OFF_INTENT_END_COUNT).store(intent.end.count, Ordering::Release);
        self.long(at::OFF_INTENT_END).store(intent.end.size, Ordering::Release);
        crate::fault::point("intent.counted");
        self.long(at::OFF_INTENT_BASE).store(intent.base.size, Ordering::Release);
    }

    /// Records that the append will not write as far as it said. Its caller holds the lock.
    pub(crate) fn shorten_intent(&self, end: u64) {
        self.long(at::OFF_INTENT_END).store(end, Ordering::Release);
    }

    /// Whether a writer recorded what it was about to append and has not reached its end: it is at work,
    /// or it died.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.is_unfinished_at(self.tail())
    }

    /// The same, for a caller that knows the committed end.
    #[inline(always)]
    pub(crate) fn is_unfinished_at(&self, tail: Tail) -> bool {
        self.intent().is_some_and(|intent| {
            intent.base.size == tail.size && intent.end.size > tail.size
                || intent.end.size == tail.size && intent.end.count != tail.count
        })
    }

    /// The last append's intent, if it is valid, clamped to the capacity.
    #[inline(always)]
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
        self.wake_word(WakePlace::News).fetch_add(1, Ordering::AcqRel);
    }

    /// The word that changes with every publication of a segment, seal and wake.
    #[inline(always)]
    pub(crate) fn wake_word(&self, place: WakePlace) -> &AtomicU32 {
        match place {
            WakePlace::News => self.word(at::OFF_WAKE),
            WakePlace::Room => self.word(channel::ROOM_WAKE),
            WakePlace::Work => self.word(channel::MEMBERS_WAKE),
        }
    }

    /// Set by those about to sleep; on Windows the number of the round that they sleep in.
    #[inline(always)]
    pub(crate) fn waiting_word(&self, place: WakePlace) -> &AtomicU32 {
        match place {
            WakePlace::News => self.word(at::OFF_WAITING),
            WakePlace::Room | WakePlace::Work => self.word(place.waiting()),
        }
    }
}
