//! Reading without holding writers back: overwritten messages are counted.

use super::handle::Handle;
use super::wait::{ChannelWaiter, What};
use super::{Channel, StartFrom};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::fault;
use crate::ring::{Kind, Record};
use raw_sync::Timeout;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How often a reader is overtaken at one message before it takes the channel for damaged.
const TRIES: u32 = if cfg!(platform = "loom") { 8 } else { 10_000 };

/// Which messages a lossy reader passes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lossy {
    /// It misses only overwritten messages, and continues with the oldest that is left.
    Oldest,
    /// All but the newest.
    Newest,
}

/// A reader that holds no writer back and takes no slot. It copies every message, and checks afterwards whether
/// it was overwritten meanwhile.
#[derive(Debug)]
pub struct LossyReader {
    handle: Arc<Handle>,
    lossy: Lossy,
    /// Of the record that is read next, unless that is gone.
    position: u32,
    /// The index that was next in the channel when the position was known to be one of the ring's.
    seen: u64,
    next_index: u64,
    missed: u64,
    waits_at: Arc<AtomicU32>,
}

/// The position of a lossy reader.
enum Next {
    Message(Record),
    Nothing,
    Sealed,
    /// The record at its position is overwritten, or may be.
    Gone,
}

impl Channel {
    /// A reader that holds no writer back.
    ///
    /// # Errors
    /// [`Error::Lost`] for an index that is gone, [`Error::Corrupt`].
    pub fn lossy_reader(&self, from: StartFrom, lossy: Lossy) -> Result<LossyReader> {
        let handle = Arc::clone(&self.handle);
        handle.check_whole()?;
        let seen = handle.ring.newest()?.next_index;
        let (position, next_index) = handle.start_unprotected(from)?;
        let waits_at = Arc::new(AtomicU32::new(position));
        Ok(LossyReader { handle, lossy, position, seen, next_index, missed: 0, waits_at })
    }
}

impl Handle {
    /// The position to begin with, and the index there or behind it that is wanted, though writers overwrite what is
    /// there.
    fn start_unprotected(&self, from: StartFrom) -> Result<(u32, u64)> {
        for _ in 0..TRIES {
            let (position, wanted) = self.start(from)?;
            let index = self.ring.index_at(position);
            if self.ring.is_gone(position) {
                continue;
            }
            let index = index?;
            return match wanted {
                Some(wanted) if wanted < index => Err(Error::Lost { index: wanted, oldest: index }),
                wanted => Ok((position, wanted.unwrap_or(index))),
            };
        }
        Err(self.ring.damaged(self.ring.oldest(), "every message is gone before it is found"))
    }
}

impl LossyReader {
    /// The next message that is left, copied to `bytes`, which is emptied before: its index.
    ///
    /// # Errors
    /// [`Error::Sealed`] when nothing can come any more, [`Error::Corrupt`], [`Error::NoSpace`].
    pub fn try_receive(&mut self, bytes: &mut Vec<u8>) -> Result<Option<u64>> {
        self.handle.check_whole()?;
        self.check_position()?;
        for _ in 0..TRIES {
            if self.lossy == Lossy::Newest {
                self.skip_to_newest()?;
            }
            let record = match self.next() {
                Next::Message(record) => record,
                Next::Nothing => return Ok(None),
                Next::Sealed => return Err(Error::Sealed),
                Next::Gone => {
                    self.skip_to_oldest()?;
                    continue;
                }
            };
            if record.index < self.next_index {
                self.move_to(record.end); // before the index that it was to begin with
                continue;
            }
            if self.handle.copy_unprotected(&record, bytes)? {
                fault::point("lossy.copied");
                self.missed += record.index - self.next_index;
                self.next_index = record.index + 1;
                self.move_to(record.end);
                return Ok(Some(record.index));
            }
        }
        Err(self.handle.ring.damaged(self.position, "every message is gone before it is copied"))
    }

    /// Continues with the oldest message if so much was sent that positions may have wrapped: the position
    /// may then be in the middle of a record.
    fn check_position(&mut self) -> Result<()> {
        let next = self.handle.ring.newest()?.next_index;
        if next.wrapping_sub(self.seen) > self.handle.ring.messages_until_wrap() {
            self.move_to(self.handle.ring.oldest());
        }
        self.seen = next;
        Ok(())
    }

    /// The record at the position.
    fn next(&mut self) -> Next {
        let ring = &self.handle.ring;
        loop {
            let tail = ring.tail();
            if self.position == tail {
                return if ring.is_sealed_at(tail) { Next::Sealed } else { Next::Nothing };
            }
            let record = ring.record(self.position, tail);
            let Some(record) = record.filter(|_| !ring.is_gone(self.position)) else {
                return Next::Gone;
            };
            match record.kind {
                Kind::Padding => {}
                Kind::Seal => return Next::Sealed,
                Kind::Message => return Next::Message(record),
            }
            self.position = record.end;
            self.waits_at.store(self.position, Ordering::Relaxed);
        }
    }

    fn move_to(&mut self, position: u32) {
        self.position = position;
        self.waits_at.store(position, Ordering::Relaxed);
    }

    fn skip_to_oldest(&mut self) -> Result<()> {
        let oldest = self.handle.ring.oldest();
        if oldest == self.position && !self.handle.ring.is_gone(oldest) {
            let reason = "no record begins at the oldest position";
            return Err(self.handle.ring.damaged(oldest, reason));
        }
        self.move_to(oldest);
        Ok(())
    }

    /// Passes over all but the newest.
    fn skip_to_newest(&mut self) -> Result<()> {
        let newest = self.handle.ring.newest()?;
        if let Some(message) = newest.message
            && message.index >= self.next_index
        {
            self.move_to(message.position);
        }
        Ok(())
    }

    /// The same, and waits for it.
    ///
    /// # Errors
    /// As there, and [`Error::Timeout`].
    pub fn receive(
        &mut self,
        bytes: &mut Vec<u8>,
        timeout: Timeout,
        spin: Duration,
    ) -> Result<u64> {
        if let Some(index) = self.try_receive(bytes)? {
            return Ok(index);
        }
        let (deadline, waiter) = (Deadline::after(&timeout), self.waiter());
        loop {
            waiter.wait_until(&deadline, spin)?;
            if let Some(index) = self.try_receive(bytes)? {
                return Ok(index);
            }
        }
    }

    /// How many messages were overwritten or passed over before it came to them.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The index of the message that it expects next.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.next_index
    }

    /// How many messages there are from there on.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn lag(&self) -> Result<u64> {
        self.handle.check_whole()?;
        Ok(self.handle.ring.newest()?.next_index.saturating_sub(self.next_index))
    }

    /// As [`crate::Reader::waiter`].
    #[must_use]
    pub fn waiter(&self) -> ChannelWaiter {
        let position = Arc::clone(&self.waits_at);
        ChannelWaiter::new(&self.handle, What::Message { position, participant: None })
    }
}

#[cfg(all(test, not(platform = "loom")))]
mod tests {
    use super::*;
    use crate::channel::ChannelOptions;

    /// Others have sent so much that positions have wrapped, and the reader's own points into a message whose
    /// bytes look like a record.
    #[test]
    fn a_position_from_before_positions_wrapped_is_not_read() {
        let options = ChannelOptions { capacity: 1 << 16, ..Default::default() };
        let channel = Channel::create_new(&options).unwrap();
        let mut bytes = [0; 64];
        bytes[16..20].copy_from_slice(&5_u32.to_le_bytes());
        bytes[20..22].copy_from_slice(&1_u16.to_le_bytes());
        bytes[24..32].copy_from_slice(&(1_u64 << 41).to_le_bytes());
        channel.try_send(&bytes[..], None).unwrap().unwrap();
        let mut reader = channel.lossy_reader(StartFrom::New, Lossy::Oldest).unwrap();
        reader.move_to(2);
        let (newest, mut read) = (1 << 40, Vec::new());
        channel.handle.ring.finish(0, Kind::Message, 64, newest);
        assert_eq!(reader.try_receive(&mut read).unwrap(), Some(newest));
        assert_eq!((read.as_slice(), reader.missed()), (&bytes[..], newest - 1));
    }
}
