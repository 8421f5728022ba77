//! Sending: one critical section a call, and waiting for room.
//!
//! A sender that waits for room takes the ticket as soon as it can. From then on other senders send only what leaves
//! room for its message. So small messages cannot keep a large one out, and many senders cannot keep a single one out.
//! The ticket goes to the sender that has waited longest, and is void as soon as its owner stops checking for room.

use super::Channel;
use super::handle::{Handle, Held};
use crate::control::{WakePlace, channel as at, now};
use crate::deadline::Deadline;
use crate::error::{Error, ParticipantInfo, Result};
use crate::fault;
use crate::frames::{Payload, Target};
use crate::ring::{Kind, Room, Slot, Writing, is_before};
use crate::timeouts::{CHANNEL_SLEEP, TICKET_LIFE};
use crate::wake::WakeEvent;
use raw_sync::Timeout;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;

/// How an attempt ended.
pub(super) enum Attempt<T> {
    Done(T),
    /// There is no room.
    Full,
}

impl Channel {
    /// Sends one message if there is room now, and returns its index. `expected` is the index that the message must
    /// get.
    ///
    /// # Errors
    /// [`Error::TooLong`] for more than [`Channel::max_byte_length`], [`Error::MessageOrder`] if `expected`
    /// is not the next index, [`Error::ExclusiveWriter`], [`Error::Sealed`], [`Error::ReadOnly`],
    /// [`Error::Timeout`] if the lock cannot be had.
    pub fn try_send<P: Payload + ?Sized>(
        &self,
        value: &P,
        expected: Option<u64>,
    ) -> Result<Option<u64>> {
        self.handle.try_send(&[value], expected)
    }

    /// Sends one message, and waits for room.
    ///
    /// # Errors
    /// As [`Channel::try_send`], and [`Error::Full`] when the time is over.
    pub fn send<P: Payload + ?Sized>(
        &self,
        value: &P,
        expected: Option<u64>,
        timeout: Timeout,
    ) -> Result<u64> {
        self.handle.send(&[value], expected, &timeout)
    }

    /// Sends all messages with consecutive indices, or none, if there is room now: the first index. Together
    /// they may take as much room as one of [`Channel::max_byte_length`]. Of nothing it is the next index.
    ///
    /// # Errors
    /// As [`Channel::try_send`].
    pub fn try_send_all<P: Payload>(&self, values: &[P]) -> Result<Option<u64>> {
        self.handle.try_send(values, None)
    }

    /// The same, and waits for room.
    ///
    /// # Errors
    /// As [`Channel::send`].
    pub fn send_all<P: Payload>(&self, values: &[P], timeout: Timeout) -> Result<u64> {
        self.handle.send(values, None, &timeout)
    }

    /// Makes room for a message of at most that many bytes, to be filled in place. Until it is committed or
    /// dropped, on this thread, no other process can send.
    ///
    /// # Errors
    /// As [`Channel::send`].
    pub fn begin(&self, byte_length: u64, timeout: Timeout) -> Result<Filling<'_>> {
        self.handle.begin(byte_length, &timeout)
    }

    /// The same, if there is room now.
    ///
    /// # Errors
    /// As [`Channel::try_send`].
    pub fn try_begin(&self, byte_length: u64) -> Result<Option<Filling<'_>>> {
        self.handle.try_begin(byte_length)
    }

    /// No more messages. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::ExclusiveWriter`] while there is one, [`Error::ReadOnly`], [`Error::Full`], [`Error::Timeout`].
    pub fn seal(&self, timeout: Timeout) -> Result<()> {
        let handle = &*self.handle;
        handle.check_writable()?;
        handle.until_room(&timeout, |_| handle.attempt_seal())
    }
}

impl Handle {
    fn try_send<P: Payload>(&self, values: &[P], expected: Option<u64>) -> Result<Option<u64>> {
        self.check_writable()?;
        let units = self.ring.units_of_all(values)?;
        self.if_room(|| self.attempt_send(values, units, expected, None))
    }

    fn send<P: Payload>(
        &self,
        values: &[P],
        expected: Option<u64>,
        timeout: &Timeout,
    ) -> Result<u64> {
        self.check_writable()?;
        let units = self.ring.units_of_all(values)?;
        self.until_room(timeout, |waits| self.attempt_send(values, units, expected, waits))
    }

    /// Tries, and tries again if that frees messages that dead participants held.
    pub(super) fn if_room<T>(&self, attempt: impl Fn() -> Result<Attempt<T>>) -> Result<Option<T>> {
        match attempt()? {
            Attempt::Done(value) => return Ok(Some(value)),
            Attempt::Full if self.tidy()? => {}
            Attempt::Full => return Ok(None),
        }
        Ok(match attempt()? {
            Attempt::Done(value) => Some(value),
            Attempt::Full => None,
        })
    }

    /// Attempts until there is room. The attempt learns since when it waits.
    pub(super) fn until_room<T>(
        &self,
        timeout: &Timeout,
        mut attempt: impl FnMut(Option<u32>) -> Result<Attempt<T>>,
    ) -> Result<T> {
        if let Attempt::Done(value) = attempt(None)? {
            return Ok(value);
        }
        let deadline = Deadline::after(timeout);
        let event = WakeEvent::new(&self.control, WakePlace::Room);
        let since = clock();
        let mut wait = || {
            loop {
                event.prepare(self.object.may_store(&self.control)?);
                // After the request: room that is freed from here on wakes it.
                self.tidy()?;
                if let Attempt::Done(value) = attempt(Some(since))? {
                    return Ok(value);
                }
                if deadline.slice(CHANNEL_SLEEP).is_none() {
                    return Err(self.full());
                }
                event.sleep(&deadline, CHANNEL_SLEEP);
            }
        };
        let waited = wait();
        if waited.is_err() {
            self.drop_ticket();
        }
        waited
    }

    fn attempt_send<P: Payload>(
        &self,
        values: &[P],
        units: u32,
        expected: Option<u64>,
        waits: Option<u32>,
    ) -> Result<Attempt<u64>> {
        let held = self.lock_writers(self.settings.lock_timeout)?;
        fault::point("send.locked");
        self.check_exclusive()?;
        let done = self.publish_now(values, units, expected, waits)?;
        if let Attempt::Done(_) = done
            && !values.is_empty()
        {
            self.clear_ticket(waits);
            drop(held);
            fault::point("send.unlocked");
            self.signal_news();
        }
        Ok(done)
    }

    /// Publishes messages. Under the writers' lock, or for the exclusive writer.
    #[inline(always)]
    pub(super) fn publish_now<P: Payload>(
        &self,
        values: &[P],
        units: u32,
        expected: Option<u64>,
        waits: Option<u32>,
    ) -> Result<Attempt<u64>> {
        let writing = self.ring.writing()?;
        let index = writing.next_index;
        if let Some(expected) = expected.filter(|it| *it != index) {
            return Err(Error::MessageOrder { index: expected, next: index });
        }
        if values.is_empty() {
            return Ok(Attempt::Done(index));
        }
        let Some(room) = self.room(&writing, units, waits)? else { return Ok(Attempt::Full) };
        let last = self.ring.put(room, values, index)?;
        self.ring.publish(&writing, room, last);
        Ok(Attempt::Done(index))
    }

    /// Refuses while there is an exclusive writer. Under the writers' lock.
    pub(super) fn check_exclusive(&self) -> Result<()> {
        let Some(writer) = self.ring.exclusive() else { return Ok(()) };
        if let Some(slot) = self.live_writer(writer) {
            return Err(Error::ExclusiveWriter { pid: Some(slot.pid()) });
        }
        self.ring.set_exclusive(Some(writer), None);
        Ok(())
    }

    /// The slot of the exclusive writer, if its process lives.
    pub(super) fn live_writer(&self, (row, number): (u32, u32)) -> Option<Slot<'_>> {
        let slot = self.ring.slot(row).filter(|slot| slot.is_of(number))?;
        self.object.is_alive(slot.owner()).then_some(slot)
    }

    /// Where so many units may be written, if there is room. Under the writers' lock, or for the exclusive
    /// writer; `waits` says since when it waits.
    #[inline(always)]
    pub(super) fn room(
        &self,
        writing: &Writing,
        units: u32,
        waits: Option<u32>,
    ) -> Result<Option<Room>> {
        let room = self.ring.place(writing.tail, units);
        let mut end = room.end;
        let others = self.ticket_of_another(waits);
        if let Some(others) = others {
            // That one's message behind this one's.
            end = self.ring.place(end, others).end;
        }
        if cfg!(not(platform = "loom")) {
            // A channel that is full can still be sealed.
            end = self.ring.place(end, self.ring.units_of(0)).end;
        }
        if self.reaches(writing, room, end)? {
            return Ok(Some(room));
        }
        if let Some(since) = waits.filter(|_| others.is_none()) {
            self.take_ticket(units, since);
        }
        Ok(None)
    }

    /// Where a seal goes, for which room is kept back.
    fn room_of_seal(&self, writing: &Writing) -> Result<Option<Room>> {
        let room = self.ring.place(writing.tail, self.ring.units_of(0));
        Ok(self.reaches(writing, room, room.end)?.then_some(room))
    }

    /// Whether records may be written up to `end`; `room` will be written now.
    #[inline(always)]
    fn reaches(&self, writing: &Writing, room: Room, end: u32) -> Result<bool> {
        self.ring.make_writable(writing, room)?;
        let index = writing.next_index;
        if let Some(limit) = self.limit.get(index, self.ring.messages_until_wrap())
            && self.ring.fits(writing.tail, end, limit)
        {
            self.limit.set(limit, index);
            return Ok(true);
        }
        let limit = self.ring.reclaim(writing, end)?;
        self.limit.set(limit, index);
        Ok(self.ring.fits(writing.tail, end, limit))
    }

    fn begin(&self, byte_length: u64, timeout: &Timeout) -> Result<Filling<'_>> {
        self.check_writable()?;
        let units = self.ring.units_of_one(byte_length)?;
        self.until_room(timeout, |waits| self.attempt_begin(byte_length, units, waits))
    }

    fn try_begin(&self, byte_length: u64) -> Result<Option<Filling<'_>>> {
        self.check_writable()?;
        let units = self.ring.units_of_one(byte_length)?;
        self.if_room(|| self.attempt_begin(byte_length, units, None))
    }

    fn attempt_begin(
        &self,
        byte_length: u64,
        units: u32,
        waits: Option<u32>,
    ) -> Result<Attempt<Filling<'_>>> {
        let held = self.lock_writers(self.settings.lock_timeout)?;
        self.check_exclusive()?;
        let writing = self.ring.writing()?;
        let Some(room) = self.room(&writing, units, waits)? else { return Ok(Attempt::Full) };
        self.clear_ticket(waits);
        let (handle, held) = (self, Some(held));
        Ok(Attempt::Done(Filling {
            handle,
            held,
            writing,
            room,
            byte_length,
            _thread: PhantomData,
        }))
    }

    fn attempt_seal(&self) -> Result<Attempt<()>> {
        let held = self.lock_writers(self.settings.lock_timeout)?;
        self.check_exclusive()?;
        let done = self.seal_now()?;
        drop(held);
        self.wake_all();
        Ok(done)
    }

    /// Under the writers' lock, or for the exclusive writer.
    pub(super) fn seal_now(&self) -> Result<Attempt<()>> {
        let writing = match self.ring.writing() {
            Err(Error::Sealed) => return Ok(Attempt::Done(())),
            writing => writing?,
        };
        let Some(room) = self.room_of_seal(&writing)? else {
            return Ok(Attempt::Full);
        };
        self.ring.publish_seal(&writing, room);
        Ok(Attempt::Done(()))
    }

    /// The error of a channel without room, which names the participant that leaves none.
    pub(super) fn full(&self) -> Error {
        let slowest = self.ring.slowest(self.ring.tail());
        let info: Option<ParticipantInfo> = slowest.and_then(|(slot, _)| self.describe(&slot).ok());
        Error::Full { slowest: info.map(Box::new) }
    }
}

/// Tickets. Everything but the last is under the writers' lock.
impl Handle {
    /// How many units another sender needs that goes before this one.
    #[inline(always)]
    fn ticket_of_another(&self, waits: Option<u32>) -> Option<u32> {
        let control = self.ring.control();
        let owner = control.long(at::TICKET_OWNER).load(Ordering::Relaxed);
        if owner == 0 || owner == self.object.nonce() {
            return None;
        }
        let word = |offset| control.word(offset).load(Ordering::Relaxed);
        let (since, seen) = (word(at::TICKET_SINCE), word(at::TICKET_SEEN));
        let is_older = waits.is_some_and(|mine| is_before(mine, since));
        let is_void = u128::from(clock().wrapping_sub(seen)) > TICKET_LIFE.as_millis();
        // Any process can write to this memory: a request for more than a message can need is ignored.
        let need = word(at::TICKET_NEED);
        let most = self.ring.units_of(self.ring.max_byte_length());
        (!is_older && !is_void && need <= most && self.object.is_alive(owner)).then_some(need)
    }

    /// There is no room, and no other sender has waited longer: has it kept.
    fn take_ticket(&self, units: u32, since: u32) {
        let control = self.ring.control();
        let store = |offset, value| control.word(offset).store(value, Ordering::Relaxed);
        store(at::TICKET_NEED, units);
        store(at::TICKET_SINCE, since);
        store(at::TICKET_SEEN, clock());
        control.long(at::TICKET_OWNER).store(self.object.nonce(), Ordering::Relaxed);
        fault::point("ticket.taken");
    }

    /// It has got what it waited for.
    #[inline(always)]
    fn clear_ticket(&self, waits: Option<u32>) {
        if waits.is_some() {
            let (owner, mine) = (self.ring.control().long(at::TICKET_OWNER), self.object.nonce());
            if owner.load(Ordering::Relaxed) == mine {
                owner.store(0, Ordering::Relaxed);
            }
        }
    }

    /// It does not wait any more.
    pub(super) fn drop_ticket(&self) {
        if self.check_writable().is_err() || self.check_storable().is_err() {
            return;
        }
        let owner = self.ring.control().long(at::TICKET_OWNER);
        let mine = self.object.nonce();
        if owner.load(Ordering::Relaxed) == mine {
            let _ = owner.compare_exchange(mine, 0, Ordering::Relaxed, Ordering::Relaxed);
            self.signal_room();
        }
    }
}

/// Milliseconds of a clock that all processes share. It may be set: then a ticket is void.
pub(super) fn clock() -> u32 {
    let clock = if cfg!(platform = "loom") { 0 } else { now() };
    u32::try_from(clock & u64::from(u32::MAX)).unwrap_or(0)
}

/// The place of a message that is being filled, on the thread that began it. Dropping it leaves no message.
pub struct Filling<'a> {
    handle: &'a Handle,
    held: Option<Held<'a>>,
    writing: Writing,
    room: Room,
    byte_length: u64,
    /// The lock belongs to the thread that acquired it.
    _thread: PhantomData<*const ()>,
}

impl Filling<'_> {
    /// Where the bytes to fill are in the data of [`Channel::memory`]. They hold old contents.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.handle.ring.offset(self.room.start) + at::RECORD_HEADER
    }

    /// How many there are.
    #[must_use]
    pub fn byte_length(&self) -> u64 {
        self.byte_length
    }

    /// Writes them as a value does that is sent. To be called when the bytes are there: by then another program may
    /// have cut a channel on disk.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if one has, [`Error::NoSpace`] if the disk has no room any more.
    pub fn target(&mut self) -> Result<Target<'_>> {
        self.provide()?;
        self.handle.ring.target(self.room.start, self.byte_length)
    }

    /// Sees to it that the room can be stored to, however long it has taken to fill it.
    fn provide(&self) -> Result<()> {
        self.handle.provide(&self.writing, self.room)
    }

    /// Sends the first `length` of them: the index.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for more than there are, and as [`Filling::target`].
    pub fn commit(mut self, length: u64) -> Result<u64> {
        let room = self.handle.shortened(self.room, self.byte_length, length)?;
        self.provide()?;
        self.handle.ring.finish(room.start, Kind::Message, length, self.writing.next_index);
        self.handle.ring.publish(&self.writing, room, room.start);
        drop(self.held.take());
        fault::point("send.unlocked");
        self.handle.signal_news();
        Ok(self.writing.next_index)
    }
}

impl std::fmt::Debug for Filling<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filling").field("byte_length", &self.byte_length).finish_non_exhaustive()
    }
}

impl Handle {
    /// Sees to it that what was made writable a while ago still is: of a channel on disk.
    pub(super) fn provide(&self, writing: &Writing, room: Room) -> Result<()> {
        self.check_storable()?;
        self.ring.make_writable(writing, room)
    }

    /// The room that remains when only `length` of its bytes are sent.
    pub(super) fn shortened(&self, room: Room, byte_length: u64, length: u64) -> Result<Room> {
        if length > byte_length {
            let reason = format!("must be at most {byte_length}, the bytes that there are");
            return Err(Error::InvalidArgument { name: "length", reason });
        }
        Ok(Room { end: room.start.wrapping_add(self.ring.units_of(length)), ..room })
    }
}

#[cfg(all(test, not(platform = "loom")))]
mod tests {
    use super::*;
    use crate::channel::{ChannelOptions, StartFrom};

    /// Others have sent so much since this handle found room that positions have wrapped to it.
    #[test]
    fn room_that_was_found_before_positions_wrapped_is_none() {
        let options = ChannelOptions { capacity: 1 << 16, ..Default::default() };
        let channel = Channel::create_new(&options).unwrap();
        let reader = channel.reader(StartFrom::New).unwrap();
        channel.try_send(b"a", None).unwrap().unwrap();
        let (handle, ring) = (&channel.handle, &channel.handle.ring);
        let store = |at, value: u32| handle.control.word(at).store(value, Ordering::Relaxed);
        let (needed, last, tail) = (0_u32.wrapping_sub(3000), 990, 1000);
        ring.finish(last, Kind::Message, 9 * 16, 1 << 40);
        store(at::RING_START, last);
        store(at::RING_TAIL, tail);
        store(at::RING_OLDEST, needed);
        let slot = ring.slots().find(|slot| slot.is_of(reader.number())).unwrap();
        slot.set_cursor(needed);
        let writing = ring.writing().unwrap();
        assert_eq!(handle.room(&writing, 90, None).unwrap().map(|room| room.start), Some(tail));
        assert_eq!(handle.room(&writing, 900, None).unwrap(), None);
    }
}
