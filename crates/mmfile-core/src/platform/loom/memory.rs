//! Shared memory, word by word. It has the interface of `memory/region.rs`.

use super::atomics::{AtomicU32, AtomicU64, fence};
use super::mistakes::{Fault, has};
use crate::control::channel_layout as channel;
use crate::control::layout as at;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The words of a control block that are constant from its publication on.
const CONSTANT_LONGS: [u64; 6] = [
    at::OFF_MAGIC,
    at::OFF_CAPACITY,
    at::OFF_CREATOR,
    at::OFF_NAMESPACE,
    at::OFF_CREATED_AT,
    at::OFF_FIRST_PROCESS,
];
const CONSTANT_WORDS: [u64; 5] =
    [at::OFF_VERSION, at::OFF_ARCHITECTURE, at::OFF_C_LIBRARY, at::OFF_FLAGS, at::OFF_CREATOR_PID];
/// The words that change, without the participants.
const LONGS: [u64; 8] = [
    at::OFF_OTHER_PROCESS,
    at::OFF_LOCK_HOLDER,
    at::OFF_TAIL,
    at::OFF_COUNT,
    at::OFF_INTENT_BASE,
    at::OFF_INTENT_BASE_COUNT,
    at::OFF_INTENT_END,
    at::OFF_INTENT_END_COUNT,
];
const WORDS: [u64; 9] = [
    at::OFF_STATE,
    at::OFF_LOCK,
    at::OFF_LOCK + 8,
    at::OFF_LOCK_THREAD,
    at::OFF_LOCK_OWNER,
    at::OFF_WAKE,
    at::OFF_STATUS,
    at::OFF_SECTION,
    at::OFF_WAITING,
];
/// The additional words of a channel's block. Constant ones are not shared.
const CHANNEL_WORDS: [u64; 20] = [
    channel::RING_TAIL,
    channel::RING_START,
    channel::RING_START + 4,
    channel::RING_SEAL,
    channel::TICKET_NEED,
    channel::TICKET_SINCE,
    channel::TICKET_SEEN,
    channel::MEMBERS_WAKE,
    channel::MEMBERS_WAITING,
    channel::ROOM_WAKE,
    channel::ROOM_WAITING,
    channel::RING_OLDEST,
    channel::SECOND_LOCK,
    channel::SECOND_LOCK + 8,
    channel::SECOND_LOCK + at::OFF_LOCK_THREAD - at::OFF_LOCK,
    channel::SECOND_LOCK + at::OFF_LOCK_OWNER - at::OFF_LOCK,
    channel::RING_NUMBER,
    channel::RING_CLAIMED,
    channel::RING_GROUPS,
    channel::RING_FLUSHED,
];
const CHANNEL_CONSTANT_WORDS: [u64; 3] =
    [channel::RING_SLOTS, channel::RING_CLAIMS, channel::ENCODING_LENGTH];
const CHANNEL_LONGS: [u64; 1] = [channel::SECOND_LOCK + at::OFF_LOCK_HOLDER - at::OFF_LOCK];
const CHANNEL_CONSTANT_LONGS: [u64; 10] = [
    channel::RING_CAPACITY,
    channel::RING_SESSION,
    channel::ENCODING,
    channel::ENCODING + 8,
    channel::ENCODING + 16,
    channel::ENCODING + 24,
    channel::ENCODING + 32,
    channel::ENCODING + 40,
    channel::ENCODING + 48,
    channel::ENCODING + 56,
];
/// The words of a participant.
const ROW_LONGS: [u64; 3] = [at::SLOT_NONCE, at::SLOT_LIVE, at::SLOT_SINCE];
const ROW_WORDS: [u64; 2] = [at::SLOT_PID, at::SLOT_FLAGS];

/// The memory of one object: the data, the gap and the control block.
#[derive(Debug)]
pub(crate) struct Memory {
    words: BTreeMap<u64, AtomicU32>,
    longs: BTreeMap<u64, AtomicU64>,
    /// Where the control block begins.
    control: u64,
    /// Where the data ends.
    data: u64,
    /// Only addresses.
    place: Box<[u8]>,
    /// The store that a deliberate fault keeps back.
    late: RefCell<Vec<(u64, u32)>>,
}

// SAFETY: all threads of a model are one thread of the operating system.
unsafe impl Sync for Memory {}
// SAFETY: as above.
unsafe impl Send for Memory {}

impl Memory {
    /// The memory of an object that only its creator can reach.
    pub(super) fn new(capacity: u64) -> Self {
        let control = at::control_offset(capacity).expect("a model is small");
        let data = (0..capacity.div_ceil(4)).map(|word| word * 4);
        Self::with_control(control, data.collect())
    }

    fn with_control(control: u64, data: Vec<u64>) -> Self {
        let rows =
            (0..at::PARTICIPANT_COUNT).map(|row| at::OFF_PARTICIPANTS + row * at::PARTICIPANT_SIZE);
        let in_rows = |words: &'static [u64]| {
            rows.clone().flat_map(move |row| words.iter().map(move |word| row + word))
        };
        let words = CONSTANT_WORDS.into_iter().chain(WORDS).chain(in_rows(&ROW_WORDS));
        let longs = CONSTANT_LONGS.into_iter().chain(LONGS).chain(in_rows(&ROW_LONGS));
        // Files of models are smaller than the smallest ring.
        let is_channel = data.len() as u64 * 4 > channel::MIN_RING;
        let words = words.chain(CHANNEL_CONSTANT_WORDS.into_iter().filter(|_| is_channel));
        let words = words.chain(CHANNEL_WORDS.into_iter().filter(|_| is_channel));
        let longs = longs.chain(CHANNEL_CONSTANT_LONGS.into_iter().filter(|_| is_channel));
        let longs = longs.chain(CHANNEL_LONGS.into_iter().filter(|_| is_channel));
        let end = data.last().map_or(0, |last| last + 4);
        let tables = (channel::MIN_RING..end).step_by(8).filter(|_| is_channel);
        let words = data.into_iter().chain(words.map(|word| control + word));
        let length = usize::try_from(control + at::CONTROL_SIZE).expect("a model is small");
        Self {
            words: words.map(|offset| (offset, AtomicU32::new(0))).collect(),
            longs: longs
                .map(|long| control + long)
                .chain(tables)
                .map(|long| (long, AtomicU64::new(0)))
                .collect(),
            control,
            data: end,
            place: vec![0; length].into(),
            late: RefCell::default(),
        }
    }

    /// From here on other processes may reach it.
    pub(super) fn share(&self) {
        let words = CONSTANT_WORDS.into_iter().chain(CHANNEL_CONSTANT_WORDS);
        let longs = CONSTANT_LONGS.into_iter().chain(CHANNEL_CONSTANT_LONGS);
        let is_in = |constants: &[u64], offset: &u64| {
            offset.checked_sub(self.control).is_some_and(|it| constants.contains(&it))
        };
        let (words, longs): (Vec<u64>, Vec<u64>) = (words.collect(), longs.collect());
        for (offset, word) in &self.words {
            if !is_in(&words, offset) && !self.is_settled(*offset) {
                word.share();
            }
        }
        for (offset, long) in &self.longs {
            if !is_in(&longs, offset) && !self.is_settled(*offset) {
                long.share();
            }
        }
    }

    /// Whether no protocol is about a word of the tables behind a ring: a name, or nothing at all.
    fn is_settled(&self, offset: u64) -> bool {
        let in_slot = offset.wrapping_sub(channel::MIN_RING) % channel::SLOT_SIZE;
        (channel::MIN_RING..self.control).contains(&offset)
            && offset + channel::CLAIM_SIZE * 2 < self.data
            && in_slot >= 0x30
    }

    /// A copy of a control block's description of its object, without what its participants do.
    pub(super) fn copy_control(&self) -> Self {
        let copy = Self::with_control(0, Vec::new());
        for offset in CONSTANT_LONGS.into_iter().chain([at::OFF_TAIL, at::OFF_COUNT]) {
            copy.long(offset)
                .store(self.long(self.control + offset).load(Ordering::Relaxed), Ordering::Relaxed);
        }
        for offset in CONSTANT_WORDS.into_iter().chain([at::OFF_STATE, at::OFF_STATUS]) {
            copy.word(offset)
                .store(self.word(self.control + offset).load(Ordering::Relaxed), Ordering::Relaxed);
        }
        copy
    }

    /// Whether the object has ended, without a step.
    pub(super) fn has_ended(&self) -> bool {
        self.word(self.control + at::OFF_STATE).last() == at::STATE_ENDED
    }

    pub(super) fn len(&self) -> u64 {
        self.place.len() as u64
    }

    pub(super) fn offset_of(&self, address: usize) -> Option<u64> {
        let offset = address.checked_sub(self.place.as_ptr() as usize)?;
        (offset < self.place.len()).then_some(offset as u64)
    }

    fn word(&self, offset: u64) -> &AtomicU32 {
        self.words.get(&offset).expect("models use whole words, at their places")
    }

    fn long(&self, offset: u64) -> &AtomicU64 {
        self.longs.get(&offset).expect("models use whole words, at their places")
    }

    /// A plain copy, as far as other processes can tell: in no order.
    pub(super) fn put(&self, offset: u64, bytes: &[u8]) {
        for (at, four) in (offset..).step_by(4).zip(bytes.chunks_exact(4)) {
            let word = u32::from_le_bytes(four.try_into().expect("four bytes"));
            if has(Fault::PayloadUnordered) {
                self.late.borrow_mut().push((at, word));
            } else {
                self.word(at).store(word, Ordering::Relaxed);
            }
        }
    }

    /// Writes what a deliberate fault kept back until the committed end was published.
    pub(super) fn catch_up(&self) {
        for (offset, word) in self.late.take() {
            self.word(offset).store(word, Ordering::Release);
        }
    }

    /// Makes a participant's row count that has its number alone, as a deliberate fault does too early.
    pub(super) fn count_row(&self, nonces: std::ops::Range<u64>) {
        for row in 0..at::PARTICIPANT_COUNT {
            let row = self.control + at::OFF_PARTICIPANTS + row * at::PARTICIPANT_SIZE;
            let nonce = self.long(row + at::SLOT_NONCE).last();
            if nonces.contains(&nonce) {
                self.long(row + at::SLOT_LIVE).store(nonce, Ordering::Release);
            }
        }
    }
}

/// A range of mapped memory.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    memory: Arc<Memory>,
    start: u64,
    length: u64,
}

impl Region {
    /// All of an object's.
    pub(super) fn of(memory: Arc<Memory>) -> Self {
        let length = memory.len();
        Self { memory, start: 0, length }
    }

    pub(crate) fn part(&self, offset: u64, length: u64) -> Option<Self> {
        self.range(offset, length)?;
        Some(Self { memory: Arc::clone(&self.memory), start: self.start + offset, length })
    }

    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.length).expect("a model is small")
    }

    pub(crate) fn as_ptr(&self) -> *mut u8 {
        let start = usize::try_from(self.start).expect("a model is small");
        self.memory.place.as_ptr().cast_mut().wrapping_add(start)
    }

    #[allow(clippy::unused_self, reason = "elsewhere it does something")]
    pub(crate) fn prefetch_for_stores(&self, _: u64, _: u64) {}

    pub(crate) fn range(&self, offset: u64, len: u64) -> Option<NonNull<u8>> {
        let end = offset.checked_add(len).filter(|end| *end <= self.length);
        let offset = usize::try_from(offset).ok().filter(|_| end.is_some())?;
        NonNull::new(self.as_ptr().wrapping_add(offset))
    }

    fn word(&self, offset: u64) -> Option<&AtomicU32> {
        self.range(offset, 4)?;
        Some(self.memory.word(self.start + offset))
    }

    pub(crate) fn load_word(&self, offset: u64) -> Option<u32> {
        let word = self.word(offset)?.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        Some(word)
    }

    pub(crate) fn publish_word(&self, offset: u64, value: u32) -> bool {
        let Some(word) = self.word(offset) else { return false };
        if has(Fault::EndBeforeSizeWord) && value != 0 {
            self.memory.late.borrow_mut().push((self.start + offset, value));
            return true;
        }
        fence(Ordering::Release);
        word.store(value, Ordering::Release);
        fence(Ordering::Release);
        true
    }

    pub(crate) fn load_long(&self, offset: u64) -> Option<u64> {
        let half = |offset| self.word(offset).map(|word| u64::from(word.load(Ordering::Relaxed)));
        Some(half(offset)? | half(offset + 4)? << 32)
    }

    pub(crate) fn store_long(&self, offset: u64, value: u64) -> bool {
        let (Some(low), Some(high)) = (self.word(offset), self.word(offset + 4)) else {
            return false;
        };
        low.store(u32::try_from(value & u64::from(u32::MAX)).unwrap_or(0), Ordering::Relaxed);
        high.store(u32::try_from(value >> 32).unwrap_or(0), Ordering::Relaxed);
        true
    }

    pub(crate) fn atomic_u32(&self, offset: u64) -> Option<&AtomicU32> {
        self.word(offset)
    }

    pub(crate) fn atomic_u64(&self, offset: u64) -> Option<&AtomicU64> {
        self.range(offset, 8)?;
        Some(self.memory.long(self.start + offset))
    }

    pub(crate) fn zero(&self, offset: u64, len: u64) -> bool {
        let mut words = (offset..offset.saturating_add(len)).step_by(4);
        self.range(offset, len).is_some()
            && words.all(|at| self.word(at).map(|word| word.store(0, Ordering::Relaxed)).is_some())
    }

    /// The range is ignored: all of it is zeroed.
    #[allow(clippy::unused_self, reason = "elsewhere it is")]
    pub(crate) fn is_zero(&self, _: u64, _: u64) -> bool {
        false
    }

    /// # Safety
    /// `target` is writable for `len` bytes.
    pub(crate) unsafe fn copy_out(&self, offset: u64, target: *mut u8, len: usize) -> bool {
        if self.range(offset, len as u64).is_none() {
            return false;
        }
        for (at, word) in (0..len).step_by(4).zip((self.start + offset..).step_by(4)) {
            let bytes = self.memory.word(word).load(Ordering::Relaxed).to_le_bytes();
            // SAFETY: the caller's promise.
            unsafe { std::ptr::copy(bytes.as_ptr(), target.add(at), bytes.len()) };
        }
        true
    }
}

/// The region of a control block.
#[derive(Debug, Clone)]
pub(crate) struct Block(Region);

impl Block {
    pub(crate) fn of(region: &Region) -> Option<Self> {
        (region.len() as u64 >= at::CONTROL_SIZE).then(|| Self(region.clone()))
    }

    pub(crate) fn atomic_u32(&self, offset: u64) -> Option<&AtomicU32> {
        Some(self.0.memory.word(self.0.start + offset))
    }

    pub(crate) fn atomic_u64(&self, offset: u64) -> Option<&AtomicU64> {
        Some(self.0.memory.long(self.0.start + offset))
    }
}
