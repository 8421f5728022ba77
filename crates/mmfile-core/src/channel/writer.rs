//! The exclusive writer: no other process sends, so that it takes no lock, and may fill a message in place over as
//! long a time as it likes.

use super::Channel;
use super::handle::Handle;
use super::reader::Message;
use super::send::{Attempt, clock};
use super::wait::{ChannelWaiter, What};
use crate::control::{WakePlace, channel as at};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::fault;
use crate::frames::Payload;
use crate::ring::{Kind, Room, Writing, is_before};
use crate::timeouts::CHANNEL_SLEEP;
use crate::wake::WakeEvent;
use raw_sync::Timeout;
use std::sync::Arc;

/// Units that a program which writes records without calls gets at a time; they are prefetched into the
/// processor's caches.
const PART: u32 = (64 << 10) / 16;

/// The only writer of a channel, until it is dropped or its process ends.
#[derive(Debug)]
pub struct ExclusiveWriter {
    handle: Arc<Handle>,
    row: u32,
    number: u32,
    reservation: Option<Reservation>,
}

#[derive(Debug, Clone, Copy)]
struct Reservation {
    writing: Writing,
    room: Room,
    byte_length: u64,
}

impl Channel {
    /// Becomes the only writer.
    ///
    /// # Errors
    /// [`Error::ExclusiveWriter`] when the time is over, [`Error::NoSpace`] without a slot,
    /// [`Error::ReadOnly`], [`Error::Timeout`] if a lock cannot be had.
    pub fn exclusive_writer(&self, timeout: Timeout) -> Result<ExclusiveWriter> {
        let handle = &self.handle;
        handle.check_writable()?;
        let deadline = Deadline::after(&timeout);
        let event = WakeEvent::new(&handle.control, WakePlace::Room);
        loop {
            event.prepare(handle.object.may_store(&handle.control)?);
            match handle.become_exclusive() {
                Err(error @ Error::ExclusiveWriter { .. }) => {
                    if deadline.slice(CHANNEL_SLEEP).is_none() {
                        return Err(error);
                    }
                }
                writer => {
                    let (row, number) = writer?;
                    let handle = Arc::clone(handle);
                    return Ok(ExclusiveWriter { handle, row, number, reservation: None });
                }
            }
            event.sleep(&deadline, CHANNEL_SLEEP);
        }
    }

    /// Waits until there is no exclusive writer.
    #[must_use]
    pub fn writer_waiter(&self) -> ChannelWaiter {
        ChannelWaiter::new(&self.handle, What::Writer)
    }
}

impl Handle {
    fn become_exclusive(&self) -> Result<(u32, u32)> {
        let limit = self.settings.lock_timeout;
        drop(self.lock_writers(limit).and_then(|held| self.check_exclusive().map(|()| held))?);
        let held = self.lock_participants(limit)?;
        let slot = self.join(at::ROLE_WRITER, 0, 0)?;
        let me = (slot.row, slot.number());
        drop(held);
        let become_it = || {
            let held = self.lock_writers(limit)?;
            self.check_exclusive()?;
            self.ring.set_exclusive(None, Some(me));
            fault::point("writer.exclusive");
            drop(held);
            Ok(me)
        };
        let became = become_it();
        if became.is_err() {
            self.leave(me.0, me.1);
        }
        became
    }
}

impl ExclusiveWriter {
    /// Refuses one that is not the only writer any more, which only a program that scribbles brings about, and
    /// a forked child.
    fn check(&self) -> Result<()> {
        self.handle.check_own()?;
        self.handle.check_storable()?;
        if self.reservation.is_some() {
            return Err(Error::LockHeld);
        }
        match self.handle.ring.exclusive() {
            Some(me) if me == (self.row, self.number) => Ok(()),
            _ => Err(Error::Evicted),
        }
    }

    /// As [`Channel::try_send`].
    ///
    /// # Errors
    /// As there, and [`Error::LockHeld`] while there is a reservation.
    pub fn try_send<P: Payload + ?Sized>(
        &mut self,
        value: &P,
        expected: Option<u64>,
    ) -> Result<Option<u64>> {
        self.try_put(&[value], expected)
    }

    /// As [`Channel::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send<P: Payload + ?Sized>(
        &mut self,
        value: &P,
        expected: Option<u64>,
        timeout: Timeout,
    ) -> Result<u64> {
        self.put(&[value], expected, &timeout)
    }

    /// As [`Channel::try_send_all`].
    ///
    /// # Errors
    /// As there.
    pub fn try_send_all<P: Payload>(&mut self, values: &[P]) -> Result<Option<u64>> {
        self.try_put(values, None)
    }

    /// As [`Channel::send_all`].
    ///
    /// # Errors
    /// As there.
    pub fn send_all<P: Payload>(&mut self, values: &[P], timeout: Timeout) -> Result<u64> {
        self.put(values, None, &timeout)
    }

    fn try_put<P: Payload>(&self, values: &[P], expected: Option<u64>) -> Result<Option<u64>> {
        self.check()?;
        let units = self.handle.ring.units_of_all(values)?;
        self.handle.if_room(|| self.attempt(values, units, expected))
    }

    fn put<P: Payload>(
        &self,
        values: &[P],
        expected: Option<u64>,
        timeout: &Timeout,
    ) -> Result<u64> {
        self.check()?;
        let units = self.handle.ring.units_of_all(values)?;
        self.handle.until_room(timeout, |_| self.attempt(values, units, expected))
    }

    fn attempt<P: Payload>(
        &self,
        values: &[P],
        units: u32,
        expected: Option<u64>,
    ) -> Result<Attempt<u64>> {
        let handle = &*self.handle;
        let done = handle.publish_now(values, units, expected, None)?;
        if let Attempt::Done(_) = done
            && !values.is_empty()
        {
            handle.signal_news();
        }
        Ok(done)
    }

    /// Makes room for a message of at most that many bytes, to be filled in place, over as long a time as that
    /// takes and on any thread: where it is, and the index that it would get. One at a time.
    ///
    /// # Errors
    /// As [`ExclusiveWriter::send`]; [`Error::LockHeld`] while there is another reservation.
    pub fn reserve(&mut self, byte_length: u64, timeout: Timeout) -> Result<Message> {
        let units = self.units_to_reserve(byte_length)?;
        let found = self.handle.until_room(&timeout, |_| self.attempt_reserve(units))?;
        Ok(self.reserved(found, byte_length))
    }

    /// The same, if there is room now.
    ///
    /// # Errors
    /// As [`ExclusiveWriter::try_send`].
    pub fn try_reserve(&mut self, byte_length: u64) -> Result<Option<Message>> {
        let units = self.units_to_reserve(byte_length)?;
        let found = self.handle.if_room(|| self.attempt_reserve(units))?;
        Ok(found.map(|found| self.reserved(found, byte_length)))
    }

    fn units_to_reserve(&self, byte_length: u64) -> Result<u32> {
        self.check()?;
        self.handle.ring.units_of_one(byte_length)
    }

    fn attempt_reserve(&self, units: u32) -> Result<Attempt<(Writing, Room)>> {
        let writing = self.handle.ring.writing()?;
        let room = self.handle.room(&writing, units, None)?;
        Ok(room.map_or(Attempt::Full, |room| Attempt::Done((writing, room))))
    }

    fn reserved(&mut self, (writing, room): (Writing, Room), byte_length: u64) -> Message {
        self.reservation = Some(Reservation { writing, room, byte_length });
        fault::point("writer.reserved");
        Message {
            index: writing.next_index,
            offset: self.handle.ring.offset(room.start) + at::RECORD_HEADER,
            byte_length,
            position: room.start,
        }
    }

    /// Sees to it that the bytes of the reservation can be stored, however long ago it was made: that a channel on
    /// disk was not cut meanwhile, and that its disk has room still.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::NoSpace`]; [`Error::Closed`] without a reservation.
    pub fn provide(&self) -> Result<()> {
        self.handle.check_own()?;
        let Some(Reservation { writing, room, .. }) = self.reservation else {
            return Err(Error::Closed);
        };
        self.handle.provide(&writing, room)
    }

    /// Sends the first `length` bytes of the reservation: the index.
    ///
    /// # Errors
    /// [`Error::Closed`] without a reservation, [`Error::InvalidArgument`] for more bytes than it has, and as
    /// [`ExclusiveWriter::provide`].
    pub fn commit(&mut self, length: u64) -> Result<u64> {
        let Some(reservation) = self.reservation else { return Err(Error::Closed) };
        let Reservation { writing, room, byte_length } = reservation;
        let room = self.handle.shortened(room, byte_length, length)?;
        let provided = self.provide();
        self.reservation = None;
        provided?;
        self.check()?;
        let ring = &self.handle.ring;
        ring.finish(room.start, Kind::Message, length, writing.next_index);
        ring.publish(&writing, room, room.start);
        self.handle.signal_news();
        Ok(writing.next_index)
    }

    /// Gives the reservation up: it leaves no message.
    pub fn abort(&mut self) {
        self.reservation = None;
    }

    /// As [`Channel::seal`].
    ///
    /// # Errors
    /// As there.
    pub fn seal(&mut self, timeout: Timeout) -> Result<()> {
        self.check()?;
        self.handle.until_room(&timeout, |_| self.handle.seal_now())?;
        self.handle.wake_all();
        Ok(())
    }

    /// For a program that writes records without calls: frees room, and returns the position before which records
    /// have to end. At least `byte_length` bytes of payload fit before it, or it is `None`.
    ///
    /// # Errors
    /// As [`ExclusiveWriter::try_send`].
    pub fn make_room(&mut self, byte_length: u64) -> Result<Option<u32>> {
        self.check()?;
        let handle = &*self.handle;
        let units = handle.ring.units_of_one(byte_length)?;
        handle.if_room(|| {
            let writing = handle.ring.writing()?;
            if handle.room(&writing, units, None)?.is_none() {
                return Ok(Attempt::Full);
            }
            let limit = handle.limit.position().wrapping_add(handle.ring.units());
            // Room for a seal is kept back.
            let most = units.saturating_add(handle.ring.units_of(0)).max(PART);
            let part = handle.ring.place(writing.tail, most).end;
            if units < PART {
                handle.ring.prefetch(writing.tail, PART);
            }
            Ok(Attempt::Done(if is_before(part, limit) { part } else { limit }))
        })
    }

    /// For such a program, after it has published: wakes those that sleep.
    pub fn wake(&self) {
        self.handle.signal_news();
    }

    /// As [`Channel::room_waiter`].
    #[must_use]
    pub fn room_waiter(&self, byte_length: u64) -> ChannelWaiter {
        let what = What::Room { byte_length, since: clock(), exclusive: true };
        ChannelWaiter::new(&self.handle, what)
    }

    /// Its number among the participants.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl Drop for ExclusiveWriter {
    fn drop(&mut self) {
        self.handle.leave(self.row, self.number);
    }
}
