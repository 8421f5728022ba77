//! Making room: messages that no participant needs any more are dropped, oldest first.
//!
//! A writer proposes how far (`oldest`), and then reads the cursors: it writes up to the first of them. A reader
//! that joins stores its cursor and then reads `oldest`. One of the two sees the other.

use super::slots::{Slot, SlotState};
use super::{Ring, Writing, is_before};
use crate::control::channel as at;
use crate::error::Result;
use crate::fault;
use crate::sync::fence;
use std::sync::atomic::Ordering;

/// How much of the ring is forgotten at a time, besides what is needed: so that not every message reads the
/// slots.
const PART: u32 = 8;

impl Ring {
    /// Whether records may be written up to `end` when everything before `limit` may be overwritten.
    #[inline(always)]
    pub(crate) fn fits(&self, tail: u32, end: u32, limit: u32) -> bool {
        tail.wrapping_sub(limit) <= self.units && end.wrapping_sub(limit) <= self.units
    }

    /// The position before which everything may be overwritten: far enough for records up to `end`, if that can
    /// be had. For a writer that excludes all others.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`].
    pub(crate) fn reclaim(&self, writing: &Writing, end: u32) -> Result<u32> {
        let tail = writing.tail;
        let oldest = self.oldest();
        if tail.wrapping_sub(oldest) > self.units {
            return Err(self.damaged(oldest, "the oldest message is not in the ring"));
        }
        // Orders reading the slots behind the last move of `oldest`, by any writer.
        fence(Ordering::SeqCst);
        let floor = self.floor(tail);
        let needed = end.wrapping_sub(self.units);
        if !is_before(oldest, needed) {
            return Ok(self.earlier(oldest, floor));
        }
        // The newest message stays.
        let bound = self.earlier(writing.newest.unwrap_or(tail), floor);
        let goal = self.earlier(needed.wrapping_add(self.units / PART), Some(bound));
        let mut proposed = oldest;
        while is_before(proposed, goal) {
            let record = self.record(proposed, tail);
            let Some(record) = record.filter(|it| !is_before(bound, it.end)) else {
                return Err(self.damaged(proposed, "no record begins at the oldest position"));
            };
            proposed = record.end;
        }
        if proposed == oldest {
            return Ok(self.earlier(oldest, floor));
        }
        self.word(at::RING_OLDEST).store(proposed, Ordering::SeqCst);
        fault::point("ring.proposed");
        fence(Ordering::SeqCst);
        // A participant may have joined meanwhile, with an older message than that.
        let limit = self.earlier(proposed, self.floor(tail));
        fault::point("ring.reclaimed");
        Ok(limit)
    }

    fn earlier(&self, position: u32, floor: Option<u32>) -> u32 {
        floor.filter(|floor| is_before(*floor, position)).unwrap_or(position)
    }

    /// The first position that a reliable reader or a group still needs.
    pub(crate) fn floor(&self, tail: u32) -> Option<u32> {
        if self.shape.drops_oldest {
            return None;
        }
        self.slowest(tail).map(|(_, cursor)| cursor)
    }

    /// The participant that needs it, and its cursor.
    pub(crate) fn slowest(&self, tail: u32) -> Option<(Slot<'_>, u32)> {
        let holding = self.slots().filter(Slot::holds_back).map(|slot| (slot, slot.cursor()));
        let in_ring = holding.filter(|(_, cursor)| tail.wrapping_sub(*cursor) <= self.units);
        in_ring.max_by_key(|(_, cursor)| tail.wrapping_sub(*cursor))
    }
}

impl Slot<'_> {
    /// Whether what is not before its cursor must not be overwritten.
    #[inline(always)]
    pub(crate) fn holds_back(&self) -> bool {
        self.state() == SlotState::Live && matches!(self.role(), at::ROLE_READER | at::ROLE_GROUP)
    }
}
