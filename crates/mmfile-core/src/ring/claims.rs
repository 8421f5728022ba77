//! The table of claims: which member has which message of its group.
//!
//! A claim is made under the participants' lock, and counts once the group's `next` is behind its message: a
//! member that dies in between has taken nothing. Handing a message out, acknowledging it, giving it back, and
//! taking it over from a dead or evicted member are each one compare-and-swap of one word: of two that try, one
//! succeeds.

use super::record::{Kind, Record};
use super::slots::Slot;
use super::{Ring, is_before};
use crate::control::channel as at;
use crate::error::Result;
use crate::fault;
use crate::sync::{AtomicU32, AtomicU64};
use std::sync::atomic::Ordering;

/// The word of a claim: the slot in the upper half, attempts, and the state in the lowest four bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Word(u32);

/// More attempts than this count as so many.
const MOST_ATTEMPTS: u32 = 0xfff;

impl Word {
    fn new(row: u32, attempts: u32, state: u32) -> Self {
        Self(row << 16 | attempts.min(MOST_ATTEMPTS) << 4 | state)
    }

    fn row(self) -> u32 {
        self.0 >> 16
    }

    fn attempts(self) -> u32 {
        self.0 >> 4 & MOST_ATTEMPTS
    }

    fn state(self) -> u32 {
        self.0 & 0xf
    }

    fn with_state(self, state: u32) -> Self {
        Self::new(self.row(), self.attempts(), state)
    }
}

/// A row of the table of claims.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim<'a> {
    ring: &'a Ring,
    row: u32,
}

/// A message that a member has claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) record: Record,
    /// The row of its claim.
    pub(crate) claim: u32,
}

impl Claim<'_> {
    fn word(&self) -> &AtomicU32 {
        self.at(at::CLAIM_WORD)
    }

    fn at(&self, offset: u64) -> &AtomicU32 {
        self.ring.table_word(self.ring.claims_at() + u64::from(self.row) * at::CLAIM_SIZE + offset)
    }

    fn index_word(&self) -> &AtomicU64 {
        let row = self.ring.claims_at() + u64::from(self.row) * at::CLAIM_SIZE;
        self.ring.table_long(row + at::CLAIM_INDEX)
    }

    fn load(&self) -> Word {
        Word(self.word().load(Ordering::Acquire))
    }

    fn exchange(&self, from: Word, to: Word) -> bool {
        self.word().compare_exchange(from.0, to.0, Ordering::SeqCst, Ordering::Relaxed).is_ok()
    }

    fn position(&self) -> u32 {
        self.at(at::CLAIM_POSITION).load(Ordering::Relaxed)
    }

    fn index(&self) -> u64 {
        self.index_word().load(Ordering::Relaxed)
    }

    fn group(&self) -> u32 {
        self.at(at::CLAIM_GROUP).load(Ordering::Relaxed)
    }
}

/// A claim that counts, as it was read once.
#[derive(Debug, Clone, Copy)]
struct Counted<'a> {
    claim: Claim<'a>,
    word: Word,
    position: u32,
}

impl Ring {
    fn claims_at(&self) -> u64 {
        u64::from(self.shape.slots) * at::SLOT_SIZE
    }

    /// The claims that were ever used.
    fn claims(&self) -> impl Iterator<Item = Claim<'_>> {
        let used = self.word(at::RING_CLAIMED).load(Ordering::Relaxed).min(self.shape.claims);
        (0..used).map(|row| Claim { ring: self, row })
    }

    /// The claims of a group that count.
    fn claims_of<'a>(&'a self, group: &Slot<'_>) -> impl Iterator<Item = Counted<'a>> {
        let (number, next) = (group.number(), group.next());
        self.claims().filter_map(move |claim| {
            let word = claim.load();
            if word.state() == at::CLAIM_FREE || claim.group() != number {
                return None;
            }
            let position = claim.position();
            is_before(position, next).then_some(Counted { claim, word, position })
        })
    }

    fn claim(&self, row: u32) -> Option<Claim<'_>> {
        (row < self.shape.claims).then_some(Claim { ring: self, row })
    }

    /// Claims up to `max` messages of a group for the member in a slot: first what was given back, then what no
    /// member had. Under the participants' lock.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub(crate) fn take(
        &self,
        group: &Slot<'_>,
        member: &Slot<'_>,
        max: usize,
        taken: &mut Vec<Taken>,
    ) -> Result<()> {
        let tail = self.tail();
        let before = taken.len();
        let returned = |it: &Counted<'_>| it.word.state() == at::CLAIM_RETURNED;
        let mut again: Vec<_> = self.claims_of(group).filter(returned).collect();
        again.sort_unstable_by_key(|it| std::cmp::Reverse(tail.wrapping_sub(it.position)));
        for Counted { claim, word, position } in again.into_iter().take(max) {
            let index = claim.index();
            let record = self.record(position, tail);
            let record = record.filter(|it| it.kind == Kind::Message && it.index == index);
            let Some(record) = record else {
                return Err(self.damaged(position, "a claimed message is not there"));
            };
            let mine = Word::new(member.row, word.attempts(), at::CLAIM_FETCHED);
            if claim.exchange(word, mine) {
                taken.push(Taken { record, claim: claim.row });
            }
            fault::point("claim.taken_over");
        }
        let (number, mut next) = (group.number(), group.next());
        let mut free = 0;
        let mut damage = None;
        while taken.len() - before < max && next != tail {
            let Some(record) = self.record(next, tail) else {
                damage = Some(self.damaged(next, "no record begins at a group's next position"));
                break;
            };
            match record.kind {
                Kind::Padding => {
                    next = record.end;
                    continue;
                }
                Kind::Seal => break,
                Kind::Message => {}
            }
            // A member may always have one; more only while enough is left for the others.
            let reserve = if taken.len() == before { 0 } else { self.shape.slots };
            let Some(claim) = self.free_claim(&mut free, reserve) else { break };
            claim.at(at::CLAIM_POSITION).store(next, Ordering::Relaxed);
            claim.at(at::CLAIM_GROUP).store(number, Ordering::Relaxed);
            claim.index_word().store(record.index, Ordering::Relaxed);
            let mine = Word::new(member.row, 0, at::CLAIM_FETCHED);
            claim.word().store(mine.0, Ordering::Release);
            fault::point("claim.filled");
            taken.push(Taken { record, claim: claim.row });
            next = record.end;
        }
        // From here on they count.
        group.set_next(next);
        fault::point("claim.taken");
        self.advance(group);
        damage.map_or(Ok(()), Err)
    }

    /// A row that no claim uses, from `from` on, if more than `reserve` are left.
    fn free_claim(&self, from: &mut u32, reserve: u32) -> Option<Claim<'_>> {
        let used = self.word(at::RING_CLAIMED);
        while *from + reserve < self.shape.claims {
            let claim = self.claim(*from)?;
            *from += 1;
            if claim.load().state() == at::CLAIM_FREE {
                if used.load(Ordering::Relaxed) < *from {
                    used.store(*from, Ordering::Relaxed);
                }
                return Some(claim);
            }
        }
        None
    }

    /// The position of the first message of a group that is not acknowledged.
    pub(crate) fn first_unacknowledged(&self, group: &Slot<'_>) -> u32 {
        let next = group.next();
        let claimed = self.claims_of(group).map(|it| it.position);
        claimed.max_by_key(|position| next.wrapping_sub(*position)).unwrap_or(next)
    }

    /// Moves a group's cursor to the first message that is not acknowledged. Under the participants' lock.
    /// Whether it moved.
    pub(crate) fn advance(&self, group: &Slot<'_>) -> bool {
        let cursor = self.first_unacknowledged(group);
        let moves = is_before(group.cursor(), cursor);
        if moves {
            group.set_cursor(cursor);
            fault::point("group.advanced");
        }
        moves
    }

    /// Whether a member could take something of its group.
    pub(crate) fn has_work(&self, group: &Slot<'_>) -> bool {
        let (next, tail) = (group.next(), self.tail());
        let is_there = match self.record_past_padding(next, tail) {
            Some(record) => record.kind != Kind::Seal,
            None => next != tail, // damaged, which taking it reports
        };
        is_there || self.claims_of(group).any(|it| it.word.state() == at::CLAIM_RETURNED)
    }

    /// Whether a group has acknowledged everything, and no more can come.
    pub(crate) fn is_finished(&self, group: &Slot<'_>) -> bool {
        let (next, tail) = (group.next(), self.tail());
        if !self.is_sealed_at(tail) {
            return false;
        }
        let is_at_end = match self.record_past_padding(next, tail) {
            Some(record) => record.kind == Kind::Seal,
            None => next == tail, // it was created behind the seal
        };
        is_at_end && self.claims_of(group).next().is_none()
    }

    /// The slots of members that have claims of a group.
    pub(crate) fn claimants(&self, group: &Slot<'_>) -> impl Iterator<Item = u32> {
        self.claims_of(group)
            .map(|it| it.word)
            .filter(|word| matches!(word.state(), at::CLAIM_FETCHED | at::CLAIM_HELD))
            .map(Word::row)
    }

    /// Counts a message as handed out to a member's program: how often it was by now. `None` if the member does
    /// not have it any more.
    pub(crate) fn hand_out(&self, taken: &Taken, member: u32) -> Option<u32> {
        let claim = self.claim(taken.claim)?;
        let word = claim.load();
        if word.row() != member
            || word.state() != at::CLAIM_FETCHED
            || claim.index() != taken.record.index
        {
            return None;
        }
        let attempts = word.attempts().saturating_add(1).min(MOST_ATTEMPTS);
        claim.exchange(word, Word::new(member, attempts, at::CLAIM_HELD)).then_some(attempts)
    }

    /// Ends a claim that a member has: acknowledged, or given back. Whether the member had it still.
    pub(crate) fn end_claim(&self, row: u32, member: u32, index: u64, acknowledged: bool) -> bool {
        let Some(claim) = self.claim(row) else { return false };
        let word = claim.load();
        let has = word.row() == member
            && matches!(word.state(), at::CLAIM_FETCHED | at::CLAIM_HELD)
            && claim.index() == index;
        let state = if acknowledged { at::CLAIM_FREE } else { at::CLAIM_RETURNED };
        let to = if acknowledged { Word(0) } else { word.with_state(state) };
        let ended = has && claim.exchange(word, to);
        fault::point("claim.ended");
        ended
    }

    /// Gives back everything that the member in a slot has. Under the participants' lock. Whether it had
    /// anything.
    pub(crate) fn give_back_all(&self, member: u32) -> bool {
        let mut any = false;
        for claim in self.claims() {
            let word = claim.load();
            let has = matches!(word.state(), at::CLAIM_FETCHED | at::CLAIM_HELD);
            if has && word.row() == member {
                any |= claim.exchange(word, word.with_state(at::CLAIM_RETURNED));
                fault::point("claim.given_back");
            }
        }
        any
    }

    /// Frees the claims that a member had filled when it died, and that do not count. Under the participants'
    /// lock, whose last holder died.
    pub(crate) fn forget_void_claims(&self) {
        for group in self.slots().filter(|slot| slot.is_live(at::ROLE_GROUP)) {
            let (number, next) = (group.number(), group.next());
            for claim in self.claims() {
                if claim.group() == number && !is_before(claim.position(), next) {
                    claim.word().store(0, Ordering::SeqCst);
                }
            }
        }
    }

    /// Frees all claims of a group. Under the participants' lock.
    pub(crate) fn forget_claims(&self, group: u32) {
        for claim in self.claims() {
            if claim.group() == group {
                claim.word().store(0, Ordering::SeqCst);
            }
        }
    }
}
