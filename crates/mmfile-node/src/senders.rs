//! Senders: a channel, or its exclusive writer.

use crate::errors::{self, Failure};
use crate::fill::{self, Lend};
use crate::memory::{Buffers, Lent};
use crate::watch::{Awaited, WatchSlot};
use mmfile_core::{
    Channel, ChannelWaiter, Error, ExclusiveWriter, Message, Payload, RequirePeer, Result, Timeout,
    ViewMemory,
};
use napi::sys;
use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

/// An open channel. Its parts are dropped in this order: waits before the objects that they wait for.
pub(crate) struct ChannelHandle {
    pub(crate) room: Room,
    /// Whether a message is being written in place.
    pub(crate) filling: Cell<bool>,
    /// The buffer over the control block.
    pub(crate) control: RefCell<Buffers>,
    pub(crate) channel: Arc<Channel>,
}

impl ChannelHandle {
    pub(crate) fn new(channel: Channel) -> Self {
        Self {
            room: Room::default(),
            filling: Cell::new(false),
            control: RefCell::default(),
            channel: Arc::new(channel),
        }
    }
}

/// The only writer of a channel.
pub(crate) struct WriterHandle {
    pub(crate) room: Room,
    pub(crate) filling: Cell<bool>,
    reservation: RefCell<Option<Reservation>>,
    writer: RefCell<ExclusiveWriter>,
    memory: ViewMemory,
    on_disk: bool,
    pub(crate) subject: String,
}

/// Room for a message that a program fills for as long as it likes.
struct Reservation {
    place: Message,
    /// Until they are taken back.
    bytes: Option<Bytes>,
}

/// The memory that the program fills.
enum Bytes {
    /// The memory itself.
    Lent(Lent),
    /// A separate `ArrayBuffer`, copied when it is sent.
    Own { env: sys::napi_env, reference: sys::napi_ref },
}

impl WriterHandle {
    pub(crate) fn new(
        writer: ExclusiveWriter,
        memory: ViewMemory,
        on_disk: bool,
        subject: String,
    ) -> Self {
        Self {
            room: Room::default(),
            filling: Cell::new(false),
            reservation: RefCell::new(None),
            writer: RefCell::new(writer),
            memory,
            on_disk,
            subject,
        }
    }

    /// Reserves room, and makes an `ArrayBuffer` over it; nothing if there is no room now.
    pub(crate) fn reserve(
        &self,
        env: sys::napi_env,
        buffers: &RefCell<Buffers>,
        byte_length: u64,
    ) -> std::result::Result<Option<sys::napi_value>, Failure> {
        let Some(place) = self.writer.borrow_mut().try_reserve(byte_length)? else {
            return Ok(None);
        };
        match self.lend(env, buffers, &place, byte_length) {
            Ok((value, lent)) => {
                self.reservation.replace(Some(Reservation { place, bytes: Some(lent) }));
                Ok(Some(value))
            }
            Err(failure) => {
                self.writer.borrow_mut().abort();
                Err(failure)
            }
        }
    }

    fn lend(
        &self,
        env: sys::napi_env,
        buffers: &RefCell<Buffers>,
        place: &Message,
        byte_length: u64,
    ) -> std::result::Result<(sys::napi_value, Bytes), Failure> {
        if !self.on_disk && byte_length > 0 {
            let memory = || Ok(self.memory.clone());
            match buffers.borrow_mut().lend(env, memory, place.offset, byte_length) {
                Ok((value, lent)) => return Ok((value, Bytes::Lent(lent))),
                Err(Failure::Core(Error::Unsupported { .. })) => {}
                Err(failure) => return Err(failure),
            }
        }
        let value = fill::own_buffer(env, usize::try_from(byte_length).unwrap_or(usize::MAX))?;
        let mut reference = ptr::null_mut();
        // SAFETY: the value was made just now; the target is writable.
        let status = unsafe { sys::napi_create_reference(env, value, 1, &raw mut reference) };
        errors::checked(status, (value, Bytes::Own { env, reference }))
    }

    /// Empties the buffer that the program fills, and keeps its bytes in the reserved room if asked to. `false` if
    /// it was moved elsewhere.
    fn take_back(&self, keeps: bool) -> Result<bool> {
        let mut reservation = self.reservation.borrow_mut();
        let Some(Reservation { place, bytes }) = &mut *reservation else { return Ok(true) };
        match bytes.take() {
            None => Ok(true),
            Some(Bytes::Lent(lent)) => Ok(lent.take_back()),
            Some(Bytes::Own { env, reference }) => {
                // Another program may have cut the channel since the room was reserved.
                let provided = if keeps { self.writer.borrow().provide() } else { Ok(()) };
                let room = if keeps && provided.is_ok() { place.byte_length } else { 0 };
                // SAFETY: the place is reserved for as many bytes, in memory that `self.memory` keeps mapped.
                let is_ours = unsafe {
                    let at = self.memory.as_ptr().add(usize::try_from(place.offset).unwrap_or(0));
                    take_own(env, reference, at, room)
                };
                provided.map(|()| is_ours)
            }
        }
    }

    /// Sends the first `length` bytes of the reservation.
    pub(crate) fn commit(&self, length: u64) -> std::result::Result<u64, Failure> {
        if self.reservation.borrow().is_none() {
            return Err(Error::Closed.into());
        }
        let is_ours = self.take_back(true);
        self.reservation.take();
        if !matches!(is_ours, Ok(true)) {
            self.writer.borrow_mut().abort();
            return Err(is_ours.err().map_or(fill::MOVED, Failure::from));
        }
        Ok(self.writer.borrow_mut().commit(length)?)
    }

    /// As [`ExclusiveWriter::make_room`].
    pub(crate) fn make_room(&self, byte_length: u64) -> Result<Option<u32>> {
        self.writer.borrow_mut().make_room(byte_length)
    }

    /// Wakes the readers that wait for messages.
    pub(crate) fn wake(&self) {
        self.writer.borrow().wake();
    }

    /// Gives the reservation up.
    pub(crate) fn abort(&self) {
        _ = self.take_back(false);
        self.forget();
    }

    /// The same, where no buffer can be emptied any more.
    fn forget(&self) {
        if self.reservation.take().is_some() {
            self.writer.borrow_mut().abort();
        }
    }
}

/// Copies an `ArrayBuffer` that a program has filled, and empties it. `false` if it was moved elsewhere.
///
/// # Safety
/// `room` bytes at `to` are writable.
unsafe fn take_own(env: sys::napi_env, reference: sys::napi_ref, to: *mut u8, room: u64) -> bool {
    let (mut scope, mut value) = (ptr::null_mut(), ptr::null_mut());
    let (mut at, mut length) = (ptr::null_mut(), 0);
    // SAFETY: on the environment's thread; the reference is strong and deleted once; the targets are writable.
    // As many bytes are copied as both have.
    unsafe {
        if sys::napi_open_handle_scope(env, &raw mut scope) != sys::Status::napi_ok {
            return false;
        }
        let mut whole = false;
        if sys::napi_get_reference_value(env, reference, &raw mut value) == sys::Status::napi_ok
            && sys::napi_get_arraybuffer_info(env, value, &raw mut at, &raw mut length)
                == sys::Status::napi_ok
        {
            let room = usize::try_from(room).unwrap_or(0);
            whole = length >= room;
            if whole && room > 0 {
                ptr::copy_nonoverlapping(at.cast::<u8>(), to, room);
            }
            sys::napi_detach_arraybuffer(env, value);
        }
        sys::napi_delete_reference(env, reference);
        sys::napi_close_handle_scope(env, scope);
        whole
    }
}

/// The common part of a channel and its exclusive writer.
pub(crate) enum Sender<'a> {
    Channel(&'a ChannelHandle),
    Writer(&'a WriterHandle),
}

impl Sender<'_> {
    pub(crate) fn try_send<P: Payload + ?Sized>(
        &self,
        value: &P,
        expected: Option<u64>,
    ) -> Result<Option<u64>> {
        match self {
            Self::Channel(channel) => channel.channel.try_send(value, expected),
            Self::Writer(writer) => writer.writer.borrow_mut().try_send(value, expected),
        }
    }

    pub(crate) fn try_send_all<P: Payload>(&self, values: &[P]) -> Result<Option<u64>> {
        match self {
            Self::Channel(channel) => channel.channel.try_send_all(values),
            Self::Writer(writer) => writer.writer.borrow_mut().try_send_all(values),
        }
    }

    pub(crate) fn seal(&self, timeout: Timeout) -> Result<()> {
        match self {
            Self::Channel(channel) => channel.channel.seal(timeout),
            Self::Writer(writer) => writer.writer.borrow_mut().seal(timeout),
        }
    }

    pub(crate) fn room(&self) -> &Room {
        match self {
            Self::Channel(channel) => &channel.room,
            Self::Writer(writer) => &writer.room,
        }
    }

    pub(crate) fn room_waiter(&self, byte_length: u64) -> ChannelWaiter {
        match self {
            Self::Channel(channel) => channel.channel.room_waiter(byte_length),
            Self::Writer(writer) => writer.writer.borrow().room_waiter(byte_length),
        }
    }

    fn filling(&self) -> &Cell<bool> {
        match self {
            Self::Channel(channel) => &channel.filling,
            Self::Writer(writer) => &writer.filling,
        }
    }

    /// Has a JavaScript function write a message in place: its index; nothing if there is no room now.
    pub(crate) fn send_with(
        &self,
        env: sys::napi_env,
        buffers: &RefCell<Buffers>,
        byte_length: u64,
        function: sys::napi_value,
    ) -> std::result::Result<Option<u64>, Failure> {
        if self.filling().replace(true) {
            return Err(Error::LockHeld.into());
        }
        let result = self.fill(env, buffers, byte_length, function);
        self.filling().set(false);
        result
    }

    fn fill(
        &self,
        env: sys::napi_env,
        buffers: &RefCell<Buffers>,
        byte_length: u64,
        function: sys::napi_value,
    ) -> std::result::Result<Option<u64>, Failure> {
        match self {
            Self::Channel(ChannelHandle { channel, .. }) => {
                let Some(mut filling) = channel.try_begin(byte_length)? else { return Ok(None) };
                let offset = filling.offset();
                let memory = || Ok(channel.memory()?.data);
                let lend = (channel.path().is_none()).then_some(Lend { buffers, memory, offset });
                let length = usize::try_from(byte_length).unwrap_or(usize::MAX);
                let store = |bytes: *const u8| {
                    let mut target = filling.target()?;
                    let room = target.len();
                    // SAFETY: as many bytes can be read as there is room for.
                    unsafe { target.put_raw(bytes, room) };
                    Ok(())
                };
                let kept = fill::fill(env, lend, length, function, store)?;
                Ok(Some(filling.commit(kept.min(byte_length))?))
            }
            Self::Writer(writer) => {
                let Some(buffer) = writer.reserve(env, buffers, byte_length)? else {
                    return Ok(None);
                };
                match fill::run_and(env, function, buffer, |keeps| Ok(writer.take_back(keeps)?)) {
                    Ok(kept) => writer.commit(kept.min(byte_length)).map(Some),
                    Err(failure) => {
                        writer.forget();
                        Err(failure)
                    }
                }
            }
        }
    }
}

/// Waits for room, for one size after the other.
#[derive(Default)]
pub(crate) struct Room {
    watch: WatchSlot,
    current: Arc<Current>,
}

/// The waiter of the moment.
#[derive(Default)]
struct Current(Mutex<Option<ChannelWaiter>>);

impl Current {
    fn get(&self) -> Option<ChannelWaiter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, waiter: Option<ChannelWaiter>) {
        let before =
            std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), waiter);
        // The thread that sleeps with it wakes, and JavaScript tries again.
        if let Some(before) = before {
            before.cancel();
        }
    }
}

impl Room {
    /// Calls back when there may be room for what `waiter` waits for.
    pub(crate) fn watch(
        &self,
        env: sys::napi_env,
        callback: sys::napi_value,
        waiter: ChannelWaiter,
        keeps_alive: bool,
    ) -> std::result::Result<(), Failure> {
        self.current.set(Some(waiter));
        let make = || Box::new(AwaitedRoom(Arc::clone(&self.current))) as _;
        self.watch.arm(env, callback, make, (0, RequirePeer::None), keeps_alive)
    }

    pub(crate) fn unwatch(&self) {
        self.watch.disarm();
        self.current.set(None);
    }

    /// Ends with the handle.
    pub(crate) fn end(&self) {
        self.watch.end();
        self.current.set(None);
    }
}

struct AwaitedRoom(Arc<Current>);

impl Awaited for AwaitedRoom {
    #[cfg(all(target_os = "linux", not(mmfile_portable)))]
    fn arm(&self, ring: &mut mmfile_core::WakeRing, index: u64) -> bool {
        self.0.get().is_none_or(|waiter| Awaited::arm(&waiter, ring, index))
    }

    fn wait(&self, index: &std::sync::atomic::AtomicU64) {
        if let Some(waiter) = self.0.get() {
            Awaited::wait(&waiter, index);
        }
    }

    fn look_again(&self) {
        if let Some(waiter) = self.0.get() {
            waiter.look_again();
        }
    }

    fn cancel(&self) {
        self.0.set(None);
    }
}
