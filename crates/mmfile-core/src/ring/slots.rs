//! The table of a channel's participants: reliable readers, members, the exclusive writer and groups.
//!
//! A slot is filled, freed and evicted under the participants' lock. It counts once its state is live, which
//! is stored last. A cursor moves without the lock; a group's is moved under it.

use super::record::Kind;
use super::{Ring, is_before};
use crate::control::channel::{self as at, Name};
use crate::error::{Error, Result};
use crate::fault;
use crate::sync::{AtomicU32, AtomicU64, fence};
use std::sync::atomic::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotState {
    Free,
    Live,
    /// Detached; its owner has not noticed yet.
    Evicted,
}

/// One slot. Every call reads shared memory again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot<'a> {
    ring: &'a Ring,
    pub(crate) row: u32,
}

/// A participant's description of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Joining {
    /// The handle that it belongs to; 0 for a group.
    pub(crate) owner: u64,
    pub(crate) pid: u32,
    pub(crate) role: u32,
    /// A member's: the number of its group.
    pub(crate) group: u32,
    /// A group's.
    pub(crate) name: Option<Name>,
    pub(crate) since: u64,
    pub(crate) cursor: u32,
}

impl Ring {
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot<'_>> {
        (0..self.shape.slots).map(|row| Slot { ring: self, row })
    }

    /// The slot of that row, if there is one.
    pub(crate) fn slot(&self, row: u32) -> Option<Slot<'_>> {
        (row < self.shape.slots).then_some(Slot { ring: self, row })
    }

    /// The slot of the group of that number.
    pub(crate) fn group(&self, number: u32) -> Option<Slot<'_>> {
        self.slots().find(|slot| slot.is_live(at::ROLE_GROUP) && slot.number() == number)
    }

    /// The slot of the group of that name.
    pub(crate) fn group_named(&self, name: &Name) -> Option<Slot<'_>> {
        self.slots().find(|slot| slot.is_live(at::ROLE_GROUP) && slot.name() == *name)
    }

    /// Takes a free slot, or returns `None`. Under the participants' lock.
    pub(crate) fn join(&self, new: &Joining) -> Option<Slot<'_>> {
        let slot = self.slots().find(|slot| slot.state() == SlotState::Free)?;
        let number = self.word(at::RING_NUMBER);
        let next = number.load(Ordering::Relaxed).wrapping_add(1).max(1);
        number.store(next, Ordering::Relaxed);
        let store = |at, value| slot.word(at).store(value, Ordering::Relaxed);
        slot.long(at::SLOT_OWNER).store(new.owner, Ordering::Relaxed);
        slot.long(at::SLOT_SINCE).store(new.since, Ordering::Relaxed);
        store(at::SLOT_NUMBER, next);
        store(at::SLOT_ROLE, new.role);
        store(at::SLOT_PID, new.pid);
        store(at::SLOT_CURSOR, new.cursor);
        store(at::SLOT_NEXT, new.cursor);
        store(at::SLOT_GROUP, new.group);
        if let Some(name) = &new.name {
            let (words, length) = name.words();
            words.for_each(|(at, word)| {
                slot.long(at::SLOT_NAME + at).store(word, Ordering::Relaxed);
            });
            store(at::SLOT_NAME_LENGTH, length);
        }
        fault::point("slot.filled");
        slot.word(at::SLOT_STATE).store(at::STATE_LIVE, Ordering::SeqCst);
        fault::point("slot.live");
        // Either a writer that is making room sees the cursor, or this sees how far it got.
        fence(Ordering::SeqCst);
        Some(slot)
    }
}

impl Slot<'_> {
    fn at(&self) -> u64 {
        u64::from(self.row) * at::SLOT_SIZE
    }

    #[inline(always)]
    pub(super) fn word(&self, offset: u64) -> &AtomicU32 {
        self.ring.table_word(self.at() + offset)
    }

    pub(super) fn long(&self, offset: u64) -> &AtomicU64 {
        self.ring.table_long(self.at() + offset)
    }

    /// Where it is in the data.
    pub(crate) fn offset(&self) -> u64 {
        self.ring.shape.ring + self.at()
    }

    #[inline(always)]
    pub(crate) fn state(&self) -> SlotState {
        match self.word(at::SLOT_STATE).load(Ordering::Acquire) {
            at::STATE_LIVE => SlotState::Live,
            at::STATE_EVICTED => SlotState::Evicted,
            _ => SlotState::Free,
        }
    }

    pub(crate) fn is_live(&self, role: u32) -> bool {
        self.state() == SlotState::Live && self.role() == role
    }

    /// Whether the participant of that number has it, and was not evicted.
    #[inline(always)]
    pub(crate) fn is_of(&self, number: u32) -> bool {
        self.state() == SlotState::Live && self.number() == number
    }

    pub(crate) fn owner(&self) -> u64 {
        self.long(at::SLOT_OWNER).load(Ordering::Relaxed)
    }

    pub(crate) fn since(&self) -> u64 {
        self.long(at::SLOT_SINCE).load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn number(&self) -> u32 {
        self.word(at::SLOT_NUMBER).load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn role(&self) -> u32 {
        self.word(at::SLOT_ROLE).load(Ordering::Relaxed)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.word(at::SLOT_PID).load(Ordering::Relaxed)
    }

    pub(crate) fn group_number(&self) -> u32 {
        self.word(at::SLOT_GROUP).load(Ordering::Relaxed)
    }

    pub(crate) fn name(&self) -> Name {
        let mut words = [0; 8];
        for (word, at) in words.iter_mut().zip((0..at::NAME_SIZE).step_by(8)) {
            *word = self.long(at::SLOT_NAME + at).load(Ordering::Relaxed);
        }
        Name::from_words(words, self.word(at::SLOT_NAME_LENGTH).load(Ordering::Relaxed))
    }

    #[inline(always)]
    pub(crate) fn cursor(&self) -> u32 {
        self.word(at::SLOT_CURSOR).load(Ordering::Acquire)
    }

    /// Needs nothing before that position any more. Its owner checks for writers without room afterwards.
    #[inline(always)]
    pub(crate) fn set_cursor(&self, position: u32) {
        self.word(at::SLOT_CURSOR).store(position, Ordering::SeqCst);
    }

    /// A group's next message that no member has taken.
    pub(crate) fn next(&self) -> u32 {
        self.word(at::SLOT_NEXT).load(Ordering::Acquire)
    }

    pub(super) fn set_next(&self, position: u32) {
        self.word(at::SLOT_NEXT).store(position, Ordering::Release);
    }

    /// Begins where it wanted to, or with the oldest message if that is gone: where that is. A group's or reader's,
    /// right after it has joined.
    ///
    /// # Errors
    /// [`Error::Lost`] if it would have to be another message than the `wanted` one.
    pub(crate) fn settle(&self, wanted: Option<u64>) -> Result<u32> {
        let mut cursor = self.cursor();
        let oldest = self.ring.oldest();
        if is_before(cursor, oldest) {
            // From here on nothing can move past it: a writer saw the older cursor, or sees this one.
            cursor = oldest;
            self.set_cursor(cursor);
            self.set_next(cursor);
        }
        let Some(wanted) = wanted else { return Ok(cursor) };
        let first = self.ring.index_at(cursor)?;
        if wanted < first {
            return Err(Error::Lost { index: wanted, oldest: first });
        }
        // Records in between are protected by now.
        loop {
            let tail = self.ring.tail();
            match self.ring.record(cursor, tail) {
                None if cursor == tail => break,
                None => return Err(self.ring.damaged(cursor, "no record begins there")),
                Some(record) if record.kind == Kind::Seal => break,
                Some(record) if record.kind == Kind::Message && record.index >= wanted => break,
                Some(record) => cursor = record.end,
            }
        }
        self.set_cursor(cursor);
        self.set_next(cursor);
        Ok(cursor)
    }

    /// Detaches it, unless it has left, for which no lock is needed. Under the participants' lock.
    pub(crate) fn evict(&self) {
        let (state, from, to) = (self.word(at::SLOT_STATE), at::STATE_LIVE, at::STATE_EVICTED);
        let _ = state.compare_exchange(from, to, Ordering::SeqCst, Ordering::Relaxed);
        fault::point("slot.evicted");
    }

    /// Frees it. Under the participants' lock, once nothing refers to it.
    pub(crate) fn free(&self) {
        self.word(at::SLOT_STATE).store(at::STATE_FREE, Ordering::SeqCst);
        fault::point("slot.freed");
    }
}
