//! Reading every message: a cursor that no writer passes.

use super::handle::Handle;
use super::open::no_groups;
use super::wait::{ChannelWaiter, What};
use super::{Channel, OnFull, StartFrom};
use crate::control::channel as at;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::fault;
use crate::ring::{Kind, Record, Slot, is_before};
use raw_sync::Timeout;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Where a message is. It stays there until it is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Its index: they count from 0, without gaps.
    pub index: u64,
    /// Where its bytes begin: an offset in the data of [`Channel::memory`], a multiple of 16.
    pub offset: u64,
    /// How many bytes it has.
    pub byte_length: u64,
    /// Its position in the ring, for [`Reader::release`].
    pub position: u32,
}

impl Message {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            index: record.index,
            offset: record.offset,
            byte_length: record.byte_length,
            position: record.position,
        }
    }
}

/// A reader that no writer overtakes: messages that it has not released are not overwritten. Dropping it
/// closes it.
#[derive(Debug)]
pub struct Reader {
    handle: Arc<Handle>,
    row: u32,
    number: u32,
    /// Of the record that is read next.
    position: u32,
    next_index: u64,
    /// Messages before this index are passed over.
    first: u64,
    /// Messages that were received and not released, or released only after a later one: in order.
    held: VecDeque<Received>,
    /// The position, for waiters.
    waits_at: Arc<AtomicU32>,
}

#[derive(Debug, Clone, Copy)]
struct Received {
    position: u32,
    released: bool,
}

impl Channel {
    /// A reader that no writer overtakes.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if no slot is free, [`Error::Lost`] for an index that is gone, [`Error::ReadOnly`],
    /// [`Error::Unsupported`] with [`OnFull::DropOldest`], [`Error::Timeout`].
    pub fn reader(&self, from: StartFrom) -> Result<Reader> {
        let handle = &self.handle;
        handle.check_writable()?;
        if self.on_full() == OnFull::DropOldest {
            return Err(no_groups());
        }
        let held = handle.lock_participants(handle.settings.lock_timeout)?;
        let (cursor, first) = handle.start(from)?;
        let slot = handle.join(at::ROLE_READER, 0, cursor)?;
        let begun = begin(&slot, first, handle);
        if begun.is_err() {
            slot.free();
        }
        let (row, number) = (slot.row, slot.number());
        let (position, next_index) = begun?;
        drop(held);
        Ok(Reader {
            handle: Arc::clone(handle),
            row,
            number,
            position,
            next_index,
            first: first.unwrap_or(0),
            held: VecDeque::new(),
            waits_at: Arc::new(AtomicU32::new(position)),
        })
    }
}

/// Where a reader that has joined begins, and with which index.
fn begin(slot: &Slot<'_>, first: Option<u64>, handle: &Handle) -> Result<(u32, u64)> {
    let position = slot.settle(first)?;
    Ok((position, handle.ring.index_at(position)?))
}

impl Handle {
    /// The position to join with, and the index that is wanted there or behind it.
    pub(super) fn start(&self, from: StartFrom) -> Result<(u32, Option<u64>)> {
        Ok(match from {
            StartFrom::New => (self.ring.tail(), None),
            StartFrom::Oldest => (self.ring.oldest(), None),
            StartFrom::Newest => (self.ring.newest()?.start(), None),
            StartFrom::Index(index) => (self.ring.oldest(), Some(index)),
        })
    }

    /// A copy of a message that its holder has not released.
    pub(super) fn copy_out(&self, message: &Message) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let record = Record {
            kind: Kind::Message,
            index: message.index,
            position: message.position,
            end: message.position,
            offset: message.offset,
            byte_length: message.byte_length,
        };
        self.ring.copy(&record, &mut bytes)?;
        Ok(bytes)
    }
}

impl Reader {
    fn slot(&self) -> Result<Slot<'_>> {
        self.handle.ring.slot(self.row).ok_or(Error::Closed)
    }

    /// Refuses one that was evicted.
    #[inline(always)]
    fn check(&self) -> Result<()> {
        self.handle.check_own()?;
        if self.slot()?.is_of(self.number) { Ok(()) } else { Err(Error::Evicted) }
    }

    /// The next message, if there is one now.
    ///
    /// # Errors
    /// [`Error::Sealed`] when nothing can come any more, [`Error::Evicted`], [`Error::Corrupt`].
    pub fn try_receive(&mut self) -> Result<Option<Message>> {
        if self.handle.path.is_some() {
            self.handle.check_whole()?;
        }
        let tail = self.handle.ring.tail();
        let next = self.next(tail);
        // After what was read: it was not overwritten then.
        self.check()?;
        next
    }

    /// The next message before a tail.
    #[inline(always)]
    fn next(&mut self, tail: u32) -> Result<Option<Message>> {
        while self.position != tail {
            let ring = &self.handle.ring;
            let Some(record) = ring.record(self.position, tail) else {
                return Err(ring.damaged(self.position, "no record begins there"));
            };
            match record.kind {
                Kind::Padding => {
                    self.move_to(record.end);
                    if self.held.is_empty() {
                        self.store_cursor(); // what follows may be held for long
                    }
                }
                Kind::Seal => return Err(Error::Sealed),
                Kind::Message if record.index != self.next_index => {
                    return Err(ring.damaged(self.position, "a message has another index"));
                }
                Kind::Message => {
                    self.next_index = record.index.wrapping_add(1);
                    self.held.push_back(Received { position: self.position, released: false });
                    self.move_to(record.end);
                    if record.index >= self.first {
                        return Ok(Some(Message::of(&record)));
                    }
                    self.release(record.position);
                }
            }
        }
        // One that joined behind the seal.
        if self.handle.ring.is_sealed_at(tail) { Err(Error::Sealed) } else { Ok(None) }
    }

    #[inline(always)]
    fn move_to(&mut self, position: u32) {
        self.position = position;
        self.waits_at.store(position, Ordering::Relaxed);
    }

    /// Up to `max` messages that are there now, added to `messages`: how many.
    ///
    /// # Errors Those of [`Reader::try_receive`], if it receives no message.
    pub fn try_receive_all(&mut self, max: usize, messages: &mut Vec<Message>) -> Result<usize> {
        if self.handle.path.is_some() {
            self.handle.check_whole()?;
        }
        let tail = self.handle.ring.tail();
        let mut count = 0;
        let ended = loop {
            if count == max {
                break Ok(());
            }
            match self.next(tail) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
            count += 1;
        };
        if let Err(error) = self.check() {
            messages.truncate(messages.len() - count);
            return Err(error);
        }
        if count > 0 { Ok(count) } else { ended.map(|()| 0) }
    }

    /// The next message. It checks for `spin` before it sleeps.
    ///
    /// # Errors
    /// As [`Reader::try_receive`], and [`Error::Timeout`].
    pub fn receive(&mut self, timeout: Timeout, spin: Duration) -> Result<Message> {
        if let Some(message) = self.try_receive()? {
            return Ok(message);
        }
        let (deadline, waiter) = (Deadline::after(&timeout), self.waiter());
        loop {
            waiter.wait_until(&deadline, spin)?;
            if let Some(message) = self.try_receive()? {
                return Ok(message);
            }
        }
    }

    /// The memory of that message may be overwritten from now on. In any order; again it changes nothing.
    #[inline]
    pub fn release(&mut self, position: u32) {
        match self.held.front() {
            Some(first) if first.position == position => {}
            _ => {
                let order = |it: &Received| is_before(it.position, position);
                let at = self.held.partition_point(order);
                let found = self.held.get_mut(at).filter(|it| it.position == position);
                if let Some(received) = found {
                    received.released = true;
                }
                return;
            }
        }
        self.held.pop_front();
        while self.held.front().is_some_and(|it| it.released) {
            self.held.pop_front();
        }
        self.store_cursor();
    }

    /// Releases every message that was received up to that position, the one there included.
    pub fn release_through(&mut self, position: u32) {
        let before = self.held.len();
        while self.held.front().is_some_and(|it| !is_before(position, it.position) || it.released) {
            self.held.pop_front();
        }
        if self.held.len() != before {
            self.store_cursor();
        }
    }

    #[inline(always)]
    fn store_cursor(&self) {
        // A forked child shares the slot, and the parent needs the messages that it has not released.
        if !self.handle.object.is_own() || self.handle.check_storable().is_err() {
            return;
        }
        let cursor = self.held.front().map_or(self.position, |it| it.position);
        if let Ok(slot) = self.slot() {
            slot.set_cursor(cursor);
            fault::point("reader.released");
            self.handle.signal_room();
        }
    }

    /// A copy of a message that is not released.
    ///
    /// # Errors
    /// [`Error::Evicted`], [`Error::NoSpace`] without memory for it.
    pub fn read(&self, message: &Message) -> Result<Vec<u8>> {
        self.handle.check_whole()?;
        let bytes = self.handle.copy_out(message);
        self.check()?;
        bytes
    }

    /// Copies a message that is not released.
    ///
    /// # Errors
    /// [`Error::Evicted`], [`Error::Corrupt`].
    ///
    /// # Safety
    /// `target` is writable for its `byte_length`.
    pub unsafe fn copy(&self, message: &Message, target: *mut u8) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.handle.copy_to(message, target)? };
        self.check()
    }

    /// The index of the message that comes next.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.next_index.max(self.first)
    }

    /// How many messages there are that it has not received.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn lag(&self) -> Result<u64> {
        self.handle.check_whole()?;
        Ok(self.handle.ring.newest()?.next_index.saturating_sub(self.next_index()))
    }

    /// Waits until there is a reason to call [`Reader::try_receive`]: a message, the end, an eviction.
    #[must_use]
    pub fn waiter(&self) -> ChannelWaiter {
        let what = What::Message {
            position: Arc::clone(&self.waits_at),
            participant: Some((self.row, self.number)),
        };
        ChannelWaiter::new(&self.handle, what)
    }

    /// Its number among the participants.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// For a program that receives without calls: the offset of its slot in the data of [`Channel::memory`].
    #[must_use]
    pub fn slot_offset(&self) -> u64 {
        self.handle.ring.slot(self.row).map_or(0, |slot| slot.offset())
    }

    /// For such a program: the position of the record that it reads next.
    #[must_use]
    pub fn position(&self) -> u32 {
        self.position
    }

    /// For such a program: it has read up to that record, whose message has that index, and holds nothing.
    pub fn set_position(&mut self, position: u32, next_index: u64) {
        self.held.clear();
        self.next_index = next_index;
        self.move_to(position);
    }

    /// For such a program, after it has moved its cursor: wakes writers that wait for room.
    pub fn wake(&self) {
        self.handle.signal_room();
    }
}

impl Handle {
    /// Copies a message.
    ///
    /// # Safety
    /// `target` is writable for its `byte_length`.
    pub(super) unsafe fn copy_to(&self, message: &Message, target: *mut u8) -> Result<()> {
        self.check_whole()?;
        let length = usize::try_from(message.byte_length).unwrap_or(usize::MAX);
        // SAFETY: the caller's promise.
        let copied =
            unsafe { self.ring.memory().region().copy_out(message.offset, target, length) };
        let damaged = || self.ring.damaged(message.position, "a message reaches out of the ring");
        if copied { Ok(()) } else { Err(damaged()) }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.handle.leave(self.row, self.number);
    }
}
