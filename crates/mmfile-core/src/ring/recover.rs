//! Recovers a channel on disk that no process has open, after its processes ended or after the machine went down.
//!
//! On disk every record ends with a checksum and its own position. While the machine runs, the system's page
//! cache has everything that was written, and only the state of processes is cleared. After the machine went
//! down, any subset of the pages may have reached the disk: the ring is searched for records, and one chain of
//! them is kept.

use super::record::{Kind, Record};
use super::slots::SlotState;
use super::{Ring, is_before};
use crate::control::channel::{self as at, Shape};
use crate::control::layout as file;
use crate::control::{Control, WakePlace};
use crate::error::{Error, Result};
use crate::fault;
use crate::frames::Target;
use crate::memory::Memory;
use std::collections::HashMap;
use std::sync::atomic::Ordering;

/// Prepares the ring for its first process. `session` tells the run of the machine and the file; 0 if that is not
/// known.
///
/// # Errors
/// [`Error::Corrupt`] if the data is not what the shape says, [`Error::NoSpace`] if the disk is full.
pub(crate) fn recover(control: &Control, data: &Memory, shape: &Shape, session: u64) -> Result<()> {
    let Some(ring) = Ring::new(control, data, shape, true) else { return Err(Error::Closed) };
    let known = control.long(at::RING_SESSION);
    let goes_on = session != 0 && known.load(Ordering::Relaxed) == session;
    data.provide(shape.ring, (data.region().len() as u64).saturating_sub(shape.ring))?;
    if !goes_on || !ring.is_sound() {
        // Until it is done, the next process begins again.
        known.store(0, Ordering::Relaxed);
        ring.keep_one_chain()?;
        fault::point("recover.chained");
    }
    ring.forget_processes();
    fault::point("recover.forgotten");
    known.store(session, Ordering::Relaxed);
    Ok(())
}

impl Ring {
    /// Whether the words of the ring belong together.
    fn is_sound(&self) -> bool {
        let (tail, oldest) = (self.tail(), self.oldest());
        tail.wrapping_sub(oldest) <= self.units
            && self.newest().is_ok()
            && (tail == oldest || self.record(oldest, tail).is_some())
    }

    /// Clears the state of processes. Members' jobs go to others.
    fn forget_processes(&self) {
        let word = |offset| self.control.word(offset);
        self.control.long(at::RING_WRITER).store(0, Ordering::Relaxed);
        self.control.long(at::TICKET_OWNER).store(0, Ordering::Relaxed);
        let status = word(file::OFF_STATUS);
        let kept = status.load(Ordering::Relaxed) & !file::STATUS_HAD_WRITER;
        status.store(kept, Ordering::Relaxed);
        for place in [WakePlace::News, WakePlace::Room, WakePlace::Work] {
            self.control.waiting_word(place).store(0, Ordering::Relaxed);
        }
        self.forget_void_claims();
        for slot in self.slots().filter(|slot| slot.state() != SlotState::Free) {
            if !slot.is_live(at::ROLE_GROUP) {
                match slot.role() {
                    at::ROLE_GROUP => self.forget_claims(slot.number()),
                    _ => _ = self.give_back_all(slot.row),
                }
                slot.free();
            }
        }
        for group in self.slots().filter(|slot| slot.is_live(at::ROLE_GROUP)) {
            self.advance(&group);
        }
        self.count_groups();
    }

    /// Keeps the longest chain of valid records, or the one that reaches the flushed position; the groups
    /// continue inside it.
    fn keep_one_chain(&self) -> Result<()> {
        let flushed = self.word(at::RING_FLUSHED).load(Ordering::Relaxed);
        let mut chain = self.best_chain(flushed);
        let last = chain.last().copied();
        let tail = last.map_or(0, |it| it.end);
        chain.retain(|it| tail.wrapping_sub(it.position) <= self.units);
        let first = chain.first().copied();
        self.pad_between(&chain)?;
        let stored = self.oldest();
        let begins_there = chain.iter().any(|it| it.position == stored);
        let oldest = if begins_there { stored } else { first.map_or(0, |it| it.position) };
        let is_sealed = last.is_some_and(|it| it.kind == Kind::Seal);
        let newest = chain.iter().rfind(|it| it.kind == Kind::Message).or(last.as_ref());
        let start = newest.map_or(0, |it| it.position);
        let store = |offset, value| self.word(offset).store(value, Ordering::Relaxed);
        store(at::RING_OLDEST, oldest);
        store(at::RING_START, start);
        store(at::RING_START + 4, start);
        store(at::RING_SEAL, if is_sealed { last.map_or(0, |it| it.position) } else { 0 });
        store(file::OFF_STATUS, if is_sealed { file::STATUS_SEALED } else { 0 });
        store(at::RING_TAIL, tail);
        self.clamp_groups(&chain, oldest, tail);
        Ok(())
    }

    /// The chain that ends at or goes through a position, or else the longest.
    fn best_chain(&self, flushed: u32) -> Vec<Record> {
        let found = self.valid_records();
        let mut starts: Vec<u32> = found.keys().copied().collect();
        starts.sort_unstable_by_key(|position| found.get(position).map(|it| it.index));
        let mut best: (bool, Vec<Record>) = (false, Vec::new());
        let mut seen = std::collections::HashSet::new();
        for start in starts {
            let mut chain = Vec::new();
            let mut next = found.get(&start);
            while let Some(record) = next.filter(|it| seen.insert(it.position)) {
                chain.push(*record);
                next = self.follower(record, &found);
            }
            let is_certain = chain.iter().any(|it| it.end == flushed);
            if (is_certain, chain.len()) >= (best.0, best.1.len()) {
                best = (is_certain, chain);
            }
        }
        best.1
    }

    /// The record behind another one, or behind the padding there.
    fn follower<'a>(&self, record: &Record, found: &'a HashMap<u32, Record>) -> Option<&'a Record> {
        let next = record.index.wrapping_add(1);
        let behind = |position| found.get(&position).filter(|it: &&Record| it.index == next);
        behind(record.end).or_else(|| behind(self.lap_end(record.end)))
    }

    /// The beginning of the next lap.
    fn lap_end(&self, position: u32) -> u32 {
        let within = position & (self.units - 1);
        if within == 0 { position } else { position.wrapping_add(self.units - within) }
    }

    /// The records of the ring whose checksums are right, by their positions.
    fn valid_records(&self) -> HashMap<u32, Record> {
        let mut found = HashMap::new();
        let mut unit = 0;
        while unit < self.units {
            match self.valid_record(unit) {
                Some(record) => {
                    unit += record.end.wrapping_sub(record.position);
                    found.insert(record.position, record);
                }
                None => unit += 1,
            }
        }
        found
    }

    /// The record that begins with a unit of the ring, if its checksum is right.
    fn valid_record(&self, unit: u32) -> Option<Record> {
        let region = self.data.region();
        // As if the ring ended with its last unit.
        let record = self.record(unit, self.units).filter(|it| it.kind != Kind::Padding)?;
        let at = record.offset + record.byte_length;
        let (sum, position) = (region.load_word(at)?, region.load_word(at + 4)?);
        let is_here = position & (self.units - 1) == unit;
        let is_whole = is_here && self.checksum(position, &record) == Some(sum);
        let end = position.wrapping_add(record.end.wrapping_sub(unit));
        is_whole.then_some(Record { position, end, ..record })
    }

    /// Of kind, index, position, length and payload.
    fn checksum(&self, position: u32, record: &Record) -> Option<u32> {
        let kind = u32::from(record.kind == Kind::Seal);
        let mut sum = crc32c::crc32c(&record.index.to_le_bytes());
        sum = crc32c::crc32c_append(sum, &position.to_le_bytes());
        sum = crc32c::crc32c_append(sum, &record.byte_length.to_le_bytes());
        sum = crc32c::crc32c_append(sum, &kind.to_le_bytes());
        // In parts, since no reference is made over shared bytes.
        let mut part = [0_u8; 4096];
        let mut done = 0;
        while done < record.byte_length {
            let length = usize::try_from(record.byte_length - done).unwrap_or(part.len());
            let length = length.min(part.len());
            let offset = record.offset + done;
            // SAFETY: the part is as long as that at least.
            if !unsafe { self.data.region().copy_out(offset, part.as_mut_ptr(), length) } {
                return None;
            }
            sum = crc32c::crc32c_append(sum, part.get(..length)?);
            done += length as u64;
        }
        Some(sum)
    }

    /// Writes what follows the payload of a record that is not published.
    pub(super) fn put_trailer(&self, position: u32, kind: Kind, byte_length: u64, index: u64) {
        let offset = self.offset(position) + at::RECORD_HEADER;
        let record = Record { kind, index, position, end: position, offset, byte_length };
        let sum = self.checksum(position, &record);
        if let (Some(sum), Some(place)) =
            (sum, self.data.region().range(offset + byte_length, at::TRAILER))
        {
            // SAFETY: eight mapped bytes behind the tail, which the caller's room includes.
            let mut target = unsafe { Target::new(place, 8, 0) };
            target.put(&sum.to_le_bytes());
            target.put(&position.to_le_bytes());
        }
    }

    /// Writes the padding between records of the chain again.
    fn pad_between(&self, chain: &[Record]) -> Result<()> {
        for pair in chain.windows(2) {
            if let [before, after] = pair
                && before.end != after.position
            {
                self.data.provide(self.offset(before.end), at::RECORD_HEADER)?;
                self.put_header(before.end, Kind::Padding, 0, after.index);
            }
        }
        Ok(())
    }

    /// Makes every group continue with a record of the chain. Its members' jobs are handed out again.
    fn clamp_groups(&self, chain: &[Record], oldest: u32, tail: u32) {
        for group in self.slots().filter(|slot| slot.is_live(at::ROLE_GROUP)) {
            self.forget_claims(group.number());
            let cursor = group.cursor();
            let is_record = |it: &Record| it.position == cursor || it.end == cursor;
            let is_inside = chain.iter().any(is_record) && !is_before(cursor, oldest);
            let to = match is_inside {
                true => cursor,
                // It had done with messages that are lost.
                false if is_before(tail, cursor) && cursor.wrapping_sub(tail) <= self.units => tail,
                false => oldest,
            };
            group.set_cursor(to);
            group.set_next(to);
        }
    }
}
