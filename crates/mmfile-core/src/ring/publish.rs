//! Publishing: payload and header behind the tail, the start of the newest message, then the tail. A writer that
//! is killed has published its record, or nothing of it is there.

use super::record::{Kind, Record};
use super::{Newest, Ring};
use crate::control::channel as at;
use crate::control::layout::CONTROL_SIZE;
use crate::error::{Error, Result};
use crate::fault;
use crate::frames::{Payload, Target};
use crate::memory::Backing;
use std::sync::atomic::Ordering;

/// On a disk: how many units are asked for at once.
const AHEAD: u32 = (64 << 10) / 16;

/// A writer's view of the ring while no other can write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writing {
    pub(crate) tail: u32,
    pub(crate) next_index: u64,
    /// Where the newest message begins: it is never overwritten.
    pub(crate) newest: Option<u32>,
    /// Where the start of the next one is stored. Until the tail moves, the other start counts.
    spare: u64,
}

/// Where records go that are not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Where the first begins, behind padding.
    pub(crate) start: u32,
    /// Behind the last.
    pub(crate) end: u32,
}

impl Ring {
    /// Reads that view, for a writer that excludes all others.
    ///
    /// # Errors
    /// [`Error::Sealed`], [`Error::Corrupt`].
    #[inline(always)]
    pub(crate) fn writing(&self) -> Result<Writing> {
        let tail = self.tail();
        let Some((place, start)) = self.start_before(tail) else {
            return match tail {
                0 => Ok(Writing { tail, next_index: 0, newest: None, spare: at::RING_START }),
                _ => Err(self.damaged(tail, "no message begins before the end")),
            };
        };
        match self.record(start, tail) {
            Some(record) if record.kind == Kind::Message && record.end == tail => {
                let next_index = record.index.wrapping_add(1);
                let (first, second) = (at::RING_START, at::RING_START + 4);
                let spare = if place == first { second } else { first };
                Ok(Writing { tail, next_index, newest: Some(start), spare })
            }
            // The last message may be before a seal.
            Some(_) if self.is_sealed_at(tail) => Err(Error::Sealed),
            _ => Err(self.damaged(start, "the newest message does not end where the channel does")),
        }
    }

    /// Where so many units would go.
    #[inline(always)]
    pub(crate) fn place(&self, tail: u32, units: u32) -> Room {
        let rest = self.units - (tail & (self.units - 1));
        let start = if units <= rest { tail } else { tail.wrapping_add(rest) };
        Room { start, end: start.wrapping_add(units) }
    }

    /// Fetches so many units from the tail on, which are going to be written.
    pub(crate) fn prefetch(&self, tail: u32, units: u32) {
        let rest = self.units - (tail & (self.units - 1));
        let length = u64::from(units.min(rest)) * at::UNIT;
        self.data.region().prefetch_for_stores(self.offset(tail), length);
    }

    /// Sees to it that storing records there does not end the process, on a disk that may be full.
    ///
    /// # Errors
    /// [`Error::NoSpace`].
    #[inline(always)]
    pub(crate) fn make_writable(&self, writing: &Writing, room: Room) -> Result<()> {
        if self.trailer == 0 { Ok(()) } else { self.make_storable(writing.tail, room.end) }
    }

    /// The same on a disk.
    #[cold]
    fn make_storable(&self, from: u32, to: u32) -> Result<()> {
        match self.data.backing() {
            Backing::Memory => Ok(()),
            Backing::Moved | Backing::Written => {
                self.provide(from, to)?;
                // To get room, the file system may have written these to the disk.
                self.make_tables_writable()?;
                self.control.memory().provide(0, CONTROL_SIZE)
            }
            // A block stays the file's. There may be a hole, which another program has made.
            Backing::Kept | Backing::SparseMemory => {
                let asked = self.asked.load(Ordering::Relaxed);
                let [first, end] = [asked >> 32, asked & u64::from(u32::MAX)]
                    .map(|half| u32::try_from(half).unwrap_or(0));
                let known = end.wrapping_sub(first);
                if from.wrapping_sub(first) < known && to.wrapping_sub(first) <= known {
                    return Ok(());
                }
                let length = to.wrapping_sub(from).max(AHEAD).min(self.units);
                let ahead = from.wrapping_add(length);
                // There is room for some more, or there will be an error when it is needed.
                let end = match self.provide(from, ahead) {
                    Ok(()) => ahead,
                    Err(_) => self.provide(from, to).map(|()| to)?,
                };
                let asked = u64::from(from) << 32 | u64::from(end);
                self.asked.store(asked, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Has the file system provide what records between two positions take.
    fn provide(&self, from: u32, to: u32) -> Result<()> {
        let bytes = |units: u32| u64::from(units) * at::UNIT;
        let (length, rest) = (to.wrapping_sub(from), self.units - (from & (self.units - 1)));
        self.data.provide(self.offset(from), bytes(length.min(rest)))?;
        self.data.provide(0, bytes(length.saturating_sub(rest)))
    }

    /// The same for the tables behind the ring.
    ///
    /// # Errors
    /// [`Error::NoSpace`].
    #[inline(always)]
    pub(crate) fn make_tables_writable(&self) -> Result<()> {
        if self.trailer == 0 {
            return Ok(());
        }
        let length = (self.data.region().len() as u64).saturating_sub(self.shape.ring);
        self.data.make_writable(self.shape.ring, length)
    }

    /// The units of a message of that many bytes.
    ///
    /// # Errors
    /// [`Error::TooLong`] if that is more than one message may have.
    pub(crate) fn units_of_one(&self, byte_length: u64) -> Result<u32> {
        if byte_length > self.max_byte_length() {
            return Err(self.too_long(byte_length));
        }
        Ok(self.units_of(byte_length))
    }

    /// The units of all of these values next to each other.
    ///
    /// # Errors
    /// [`Error::TooLong`] if that is more than one message may take.
    pub(crate) fn units_of_all<P: Payload>(&self, values: &[P]) -> Result<u32> {
        let mut units = 0u64;
        let mut bytes = 0u64;
        for value in values {
            let length = value.byte_length();
            bytes = bytes.saturating_add(length);
            if length > self.max_byte_length() {
                return Err(self.too_long(bytes));
            }
            units += u64::from(self.units_of(length));
        }
        let most = u64::from(self.units_of(self.max_byte_length()));
        match u32::try_from(units) {
            Ok(units) if u64::from(units) <= most => Ok(units),
            _ => Err(self.too_long((units * at::UNIT).saturating_sub(at::RECORD_HEADER))),
        }
    }

    /// The error of a message that is longer than any may be.
    fn too_long(&self, needed: u64) -> Error {
        Error::TooLong { needed, available: self.max_byte_length() }
    }

    /// The place of a payload that is not published.
    pub(crate) fn target(&self, position: u32, byte_length: u64) -> Result<Target<'_>> {
        let (offset, region) = (self.offset(position) + at::RECORD_HEADER, self.data.region());
        let (Some(at), Ok(len)) = (region.range(offset, byte_length), usize::try_from(byte_length))
        else {
            return Err(self.damaged(position, "a message would not fit into its place"));
        };
        // The bytes after it are a header or a trailer that is written later, or are behind the room. SAFETY:
        // `at` has `len` mapped bytes, which are behind the tail and not used by any participant: the caller
        // excludes other writers, and the region is writable for a handle that sends.
        Ok(unsafe { Target::new(at, len, 0) })
    }

    /// Writes messages behind the tail: where the last one begins.
    ///
    /// # Errors
    /// What a value fails with. Nothing is published then.
    pub(crate) fn put<P: Payload>(&self, room: Room, values: &[P], mut index: u64) -> Result<u32> {
        let mut position = room.start;
        let mut last = position;
        for value in values {
            let length = value.byte_length();
            let end = position.wrapping_add(self.units_of(length));
            if super::is_before(room.end, end) {
                return Err(self.too_long(length)); // its length changed since it was checked
            }
            value.write_to(self.target(position, length)?)?;
            fault::point("ring.payload");
            self.finish(position, Kind::Message, length, index);
            index = index.wrapping_add(1);
            last = position;
            position = end;
        }
        Ok(last)
    }

    /// Writes the header, and on disk the trailer, of a record whose payload is there.
    pub(crate) fn finish(&self, position: u32, kind: Kind, byte_length: u64, index: u64) {
        let length = u32::try_from(byte_length).unwrap_or(u32::MAX);
        self.put_header(position, kind, length, index);
        if self.trailer > 0 {
            self.put_trailer(position, kind, byte_length, index);
        }
        fault::point("ring.header");
    }

    /// Makes everything up to `end` part of the channel. `last` is where its last message begins.
    #[inline(always)]
    pub(crate) fn publish(&self, writing: &Writing, room: Room, last: u32) {
        self.pad(writing, room);
        self.word(writing.spare).store(last, Ordering::Release);
        fault::point("ring.start");
        self.word(at::RING_TAIL).store(room.end, Ordering::SeqCst);
        fault::point("ring.tail");
    }

    /// Ends the channel. There is room for it.
    pub(crate) fn publish_seal(&self, writing: &Writing, room: Room) {
        self.finish(room.start, Kind::Seal, 0, writing.next_index);
        self.pad(writing, room);
        self.word(at::RING_SEAL).store(room.start, Ordering::Release);
        fault::point("ring.seal");
        self.word(at::RING_TAIL).store(room.end, Ordering::SeqCst);
        fault::point("ring.tail");
        self.control.set_sealed();
    }

    fn pad(&self, writing: &Writing, room: Room) {
        if room.start != writing.tail {
            self.put_header(writing.tail, Kind::Padding, 0, writing.next_index);
            fault::point("ring.padding");
        }
    }

    /// A copy of a message's bytes, in memory that is reserved for it.
    ///
    /// # Errors
    /// [`Error::NoSpace`] without memory for it.
    pub(crate) fn copy(&self, record: &Record, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.clear();
        let size = usize::try_from(record.byte_length).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(size).map_err(|_| Error::NoSpace {
            needed: format!("{size} bytes for a copy of the message"),
            os: None,
        })?;
        // SAFETY: the vector's memory is private and has room for `size` bytes, all of which are written
        // before they count.
        unsafe {
            if !self.data.region().copy_out(record.offset, bytes.as_mut_ptr(), size) {
                return Err(self.damaged(record.position, "a message reaches out of the ring"));
            }
            bytes.set_len(size);
        }
        Ok(())
    }
}

impl Newest {
    /// Where the newest message begins; the tail without one.
    pub(crate) fn start(&self) -> u32 {
        self.message.map_or(self.tail, |it| it.position)
    }
}
