//! The ring of a channel: records in memory that is used again and again, and which of them participants still need.
//!
//! A position counts 16-byte units from the channel's beginning on; it wraps, and two are compared by their
//! difference. Between `oldest` and the tail there are records; the memory behind the tail is free, up to the
//! slowest participant. So a writer that is killed leaves nothing to repair: its record is either behind the
//! tail or published.
//!
//! Every word of shared memory is read once for an operation, and checked: any process that has the channel
//! open can write anything.

mod claims;
mod publish;
mod reclaim;
mod record;
mod recover;
mod slots;

pub(crate) use claims::Taken;
pub(crate) use publish::{Room, Writing};
pub(crate) use record::{Kind, Record};
pub(crate) use recover::recover;
pub(crate) use slots::{Joining, Slot, SlotState};

use crate::control::Control;
use crate::control::channel::{self as at, Shape};
use crate::control::layout as file;
use crate::error::{Error, Result};
use crate::memory::Memory;
use crate::sync::{AtomicU32, AtomicU64, fence};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The ring and the tables of one channel.
#[derive(Debug, Clone)]
pub(crate) struct Ring {
    /// The control block with the ring's words.
    control: Control,
    data: Memory,
    shape: Shape,
    units: u32,
    /// Bytes behind a payload.
    trailer: u64,
    /// On a disk: from where to where this handle has asked for room last.
    asked: Arc<AtomicU64>,
}

/// The newest message, as it was at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Newest {
    /// Behind the last record.
    pub(crate) tail: u32,
    /// The index that the next message gets.
    pub(crate) next_index: u64,
    /// The newest message, unless there is none.
    pub(crate) message: Option<Record>,
}

/// Whether `a` comes before `b`.
pub(crate) fn is_before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() < 0
}

/// The units of so many bytes.
pub(crate) fn units_in(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(at::UNIT)).unwrap_or(u32::MAX)
}

impl Ring {
    /// The ring in the data of a channel of that shape. `None` if the data is not that large.
    pub(crate) fn new(
        control: &Control,
        data: &Memory,
        shape: &Shape,
        on_disk: bool,
    ) -> Option<Self> {
        (shape.data_size() == Some(data.region().len() as u64)).then(|| Self {
            control: control.clone(),
            data: data.clone(),
            shape: *shape,
            units: units_in(shape.ring),
            trailer: if on_disk { at::TRAILER } else { 0 },
            asked: Arc::new(AtomicU64::new(0)),
        })
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.data
    }

    pub(crate) fn units(&self) -> u32 {
        self.units
    }

    /// After at most this many messages, earlier positions have not wrapped: a message with its padding takes a
    /// ring at most.
    #[inline(always)]
    pub(crate) fn messages_until_wrap(&self) -> u64 {
        (1 << 31) / u64::from(self.units)
    }

    /// The most bytes in one message.
    pub(crate) fn max_byte_length(&self) -> u64 {
        (self.shape.ring / 4).min(u64::from(u32::MAX) - 15)
    }

    /// The control block with the ring's words.
    #[inline(always)]
    pub(crate) fn control(&self) -> &Control {
        &self.control
    }

    #[inline(always)]
    fn word(&self, offset: u64) -> &AtomicU32 {
        self.control.word(offset)
    }

    /// How many groups there are.
    #[inline(always)]
    pub(crate) fn group_count(&self) -> u32 {
        self.word(at::RING_GROUPS).load(Ordering::Relaxed)
    }

    /// Counts the groups. Under the participants' lock.
    pub(crate) fn count_groups(&self) {
        let groups = self.slots().filter(|slot| slot.is_live(at::ROLE_GROUP)).count();
        self.word(at::RING_GROUPS).store(u32::try_from(groups).unwrap_or(0), Ordering::Release);
    }

    /// Notes how far the ring is on the disk.
    #[cfg_attr(platform = "loom", allow(dead_code, reason = "no model is about a disk"))]
    pub(crate) fn set_flushed(&self, tail: u32) {
        self.word(at::RING_FLUSHED).store(tail, Ordering::Release);
    }

    /// Behind the last record. Everything before it can be read.
    #[inline(always)]
    pub(crate) fn tail(&self) -> u32 {
        self.control.word(at::RING_TAIL).load(Ordering::Acquire)
    }

    /// Where a reader of the oldest message begins.
    #[inline(always)]
    pub(crate) fn oldest(&self) -> u32 {
        self.control.word(at::RING_OLDEST).load(Ordering::Acquire)
    }

    /// Whether what begins there may have been overwritten since it was read.
    pub(crate) fn is_gone(&self, position: u32) -> bool {
        // Earlier loads are ordered before this.
        fence(Ordering::Acquire);
        is_before(position, self.oldest())
    }

    /// The exclusive writer's slot and number.
    pub(crate) fn exclusive(&self) -> Option<(u32, u32)> {
        let word = self.control.long(at::RING_WRITER).load(Ordering::Acquire);
        let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
        (word != 0).then(|| (half(word >> 32), half(word)))
    }

    /// Makes a participant the exclusive writer, or ends that. Whether it was as `from` says.
    pub(crate) fn set_exclusive(&self, from: Option<(u32, u32)>, to: Option<(u32, u32)>) -> bool {
        let word = |it: Option<(u32, u32)>| {
            it.map_or(0, |(slot, number)| u64::from(slot) << 32 | u64::from(number))
        };
        let exclusive = self.control.long(at::RING_WRITER);
        if to.is_some() {
            self.word(file::OFF_STATUS).fetch_or(file::STATUS_HAD_WRITER, Ordering::AcqRel);
        }
        exclusive
            .compare_exchange(word(from), word(to), Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Whether there ever was an exclusive writer.
    pub(crate) fn had_exclusive(&self) -> bool {
        self.word(file::OFF_STATUS).load(Ordering::Acquire) & file::STATUS_HAD_WRITER != 0
    }

    /// Whether nothing comes behind the tail any more.
    pub(crate) fn is_sealed(&self) -> bool {
        self.is_sealed_at(self.tail())
    }

    pub(crate) fn is_sealed_at(&self, tail: u32) -> bool {
        let seal = self.word(at::RING_SEAL).load(Ordering::Acquire);
        let record = |it: Record| it.kind == Kind::Seal && it.end == tail;
        tail.wrapping_sub(seal) == self.units_of(0) && self.record(seal, tail).is_some_and(record)
    }

    /// The newest message and the next index, also while others write.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if none is found again and again.
    pub(crate) fn newest(&self) -> Result<Newest> {
        const TRIES: u32 = if cfg!(platform = "loom") { 4 } else { 10_000 };
        for _ in 0..TRIES {
            let tail = self.tail();
            if let Some(newest) = self.newest_before(tail)
                && newest.message.is_none_or(|it| !self.is_gone(it.position))
                && (newest.message.is_some() || self.tail() == tail)
            {
                return Ok(newest);
            }
            crate::sync::spin_loop();
        }
        Err(self.damaged(self.tail(), "no record ends where the channel does"))
    }

    /// The newest message before a tail: `None` if the tail has moved since.
    fn newest_before(&self, tail: u32) -> Option<Newest> {
        let Some((_, start)) = self.start_before(tail) else {
            return (tail == 0).then_some(Newest { tail, next_index: 0, message: None });
        };
        let record = self.record(start, tail)?;
        // There is only padding between the last message and a seal.
        let is_last = record.end == tail || self.is_sealed_at(tail);
        let is_message = record.kind == Kind::Message;
        is_last.then(|| Newest {
            tail,
            next_index: record.index.wrapping_add(is_message.into()),
            message: is_message.then_some(record),
        })
    }

    /// The later of the two starts, as far as they are before the tail: the offset of its word, and itself.
    fn start_before(&self, tail: u32) -> Option<(u64, u32)> {
        let starts = [at::RING_START, at::RING_START + 4]
            .map(|offset| (offset, self.word(offset).load(Ordering::Acquire)));
        let back = |it: &(u64, u32)| tail.wrapping_sub(it.1);
        starts.into_iter().filter(|it| (1..=self.units).contains(&back(it))).min_by_key(back)
    }

    /// The index of the message at a position, or of the first one behind it; at the tail the next one.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub(crate) fn index_at(&self, position: u32) -> Result<u64> {
        let newest = self.newest()?;
        if position == newest.tail {
            return Ok(newest.next_index);
        }
        let record = self.record_past_padding(position, newest.tail);
        let record = record.filter(|it| it.kind != Kind::Padding);
        record.map(|it| it.index).ok_or_else(|| self.damaged(position, "no record begins there"))
    }

    /// The error for bytes that are no record.
    pub(crate) fn damaged(&self, position: u32, reason: &'static str) -> Error {
        Error::Corrupt { offset: self.offset(position), reason }
    }

    /// Where the unit of a position begins in the data.
    #[inline(always)]
    pub(crate) fn offset(&self, position: u32) -> u64 {
        u64::from(position & (self.units - 1)) * at::UNIT
    }

    /// A word of a table behind the ring.
    fn table_word(&self, offset: u64) -> &AtomicU32 {
        static OUTSIDE: AtomicU32 = AtomicU32::new(0);
        self.data.region().atomic_u32(self.shape.ring + offset).unwrap_or(&OUTSIDE)
    }

    fn table_long(&self, offset: u64) -> &AtomicU64 {
        static OUTSIDE: AtomicU64 = AtomicU64::new(0);
        self.data.region().atomic_u64(self.shape.ring + offset).unwrap_or(&OUTSIDE)
    }
}
