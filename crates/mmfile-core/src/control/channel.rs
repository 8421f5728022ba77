//! A channel's shape, as its control block records it.

use super::Control;
use super::layout as at;
use crate::error::{Error, Result};
use std::sync::atomic::Ordering;

pub(crate) use super::channel_layout::*;

/// A channel's shape: constant from its creation on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Bytes in the ring.
    pub(crate) ring: u64,
    pub(crate) slots: u32,
    pub(crate) claims: u32,
    pub(crate) drops_oldest: bool,
    /// The name of the encoding.
    pub(crate) encoding: Name,
}

/// A name of at most 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Name {
    words: [u64; 8],
    length: u32,
}

impl Name {
    /// `None` for one that is empty or too long.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let length = u32::try_from(text.len()).ok().filter(|it| *it > 0)?;
        let mut words = [0; 8];
        let mut bytes = [0; 64];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        for (word, eight) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*eight);
        }
        Some(Self { words, length })
    }

    /// Of words that may be anything.
    pub(crate) fn from_words(words: [u64; 8], length: u32) -> Self {
        Self { words, length }
    }

    pub(crate) fn words(&self) -> (impl Iterator<Item = (u64, u64)>, u32) {
        ((0..NAME_SIZE).step_by(8).zip(self.words), self.length)
    }

    /// The text; invalid bytes are replaced.
    pub(crate) fn text(&self) -> String {
        let bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let length = usize::try_from(self.length).unwrap_or(0).min(bytes.len());
        String::from_utf8_lossy(bytes.get(..length).unwrap_or_default()).into_owned()
    }
}

impl Shape {
    /// Bytes of the ring and its tables: a channel's capacity in the control block. `None` for values that no channel
    /// can have.
    pub(crate) fn data_size(&self) -> Option<u64> {
        let is_ring = self.ring.is_power_of_two() && (MIN_RING..=MAX_RING).contains(&self.ring);
        let tables = u64::from(self.slots) * SLOT_SIZE + u64::from(self.claims) * CLAIM_SIZE;
        (is_ring && self.slots > 0 && self.claims > 0).then(|| self.ring + tables)
    }
}

impl Control {
    /// Stores a channel's shape. No other process uses the block yet.
    pub(crate) fn describe_channel(&self, shape: &Shape) {
        self.long(RING_CAPACITY).store(shape.ring, Ordering::Relaxed);
        self.word(RING_SLOTS).store(shape.slots, Ordering::Relaxed);
        self.word(RING_CLAIMS).store(shape.claims, Ordering::Relaxed);
        let (words, length) = shape.encoding.words();
        words.for_each(|(at, word)| self.long(ENCODING + at).store(word, Ordering::Relaxed));
        self.word(ENCODING_LENGTH).store(length, Ordering::Relaxed);
        if shape.drops_oldest {
            self.word(at::OFF_FLAGS).fetch_or(at::FLAG_DROPS_OLDEST, Ordering::Relaxed);
        }
    }

    /// Says in which run of the machine, and in which file, positions are written.
    pub(crate) fn set_session(&self, session: u64) {
        self.long(RING_SESSION).store(session, Ordering::Relaxed);
    }

    /// A channel's shape, if the block agrees with its object's capacity.
    pub(crate) fn channel_shape(&self, capacity: u64, id: &str) -> Result<Shape> {
        let mut words = [0; 8];
        for (word, at) in words.iter_mut().zip((0..NAME_SIZE).step_by(8)) {
            *word = self.long(ENCODING + at).load(Ordering::Relaxed);
        }
        let length = self.word(ENCODING_LENGTH).load(Ordering::Relaxed);
        let shape = Shape {
            ring: self.long(RING_CAPACITY).load(Ordering::Relaxed),
            slots: self.word(RING_SLOTS).load(Ordering::Relaxed),
            claims: self.word(RING_CLAIMS).load(Ordering::Relaxed),
            drops_oldest: self.word(at::OFF_FLAGS).load(Ordering::Relaxed) & at::FLAG_DROPS_OLDEST
                != 0,
            encoding: Name::from_words(words, length),
        };
        if shape.data_size() == Some(capacity) {
            return Ok(shape);
        }
        Err(Error::access(id, "its control block contradicts its size"))
    }
}
