//! The functions that are called for every message of a channel.

use crate::call::{Call, Outcome, Work, object_of};
use crate::errors::Failure;
use crate::operations::{milliseconds, unwatch};
use crate::receivers::Receiver;
use crate::table::Handle;
use crate::values::{Value, bytes_of};
use mmfile_core::{ChannelWaiter, Error, Message, RequirePeer, Timeout};
use napi::bindgen_prelude::Object;
use napi::{Env, sys};
use napi_derive::napi;
use std::ffi::CStr;
use std::ptr;

/// The operations, as functions that take the number of a channel, a writer or a receiver first.
#[napi(ts_return_type = "ChannelOperations")]
pub fn channel_operations(env: Env) -> napi::Result<Object<'static>> {
    let table: &[(&CStr, Work)] = &[
        (c"trySend", try_send),
        (c"trySendAll", try_send_all),
        (c"trySendWith", try_send_with),
        (c"seal", seal),
        (c"roomSync", room_sync),
        (c"watchRoom", watch_room),
        (c"unwatchRoom", unwatch_room),
        (c"watchWriter", watch_writer),
        (c"unwatchWriter", unwatch),
        (c"reserve", reserve),
        (c"commit", commit),
        (c"abort", abort),
        (c"nextIndex", next_index),
        (c"oldestIndex", oldest_index),
        (c"sealed", sealed),
        (c"newest", newest),
        (c"memory", memory),
        (c"control", control),
        (c"makeRoom", make_room),
        (c"wakeReaders", wake_readers),
        (c"place", place),
        (c"setPlace", set_place),
        (c"wakeWriters", wake_writers),
        (c"receive", receive),
        (c"take", take),
        (c"receiveCopy", receive_copy),
        (c"copy", copy),
        (c"release", release),
        (c"settle", settle),
        (c"lag", lag),
        (c"missed", missed),
        (c"waitSync", wait_sync),
        (c"watch", watch),
        (c"unwatch", unwatch),
    ];
    object_of(&env, table)
}

/// An index, or nothing.
fn index_or_nothing(call: &Call, index: Option<u64>) -> Outcome {
    match index {
        Some(index) => call.count(index),
        None => call.nothing(),
    }
}

/// `trySend(sender, value, expected)`: the index, or nothing if there is no room now. `expected` is -1 for any.
fn try_send(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let value = Value::of(call, call.value(1), handle.encoding)?;
    let expected = match call.number(2)? {
        any if any < 0.0 => None,
        _ => Some(call.index(2)?),
    };
    let index = handle.sender()?.try_send(&value, expected)?;
    index_or_nothing(call, index)
}

/// `trySendAll(sender, values)`: the index of the first, or nothing.
fn try_send_all(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let values = Value::all(call, call.value(1), handle.encoding)?;
    let first = handle.sender()?.try_send_all(&values)?;
    index_or_nothing(call, first)
}

/// `trySendWith(sender, byteLength, fill)`: the index, or nothing. `fill` gets an `ArrayBuffer` over the message's
/// bytes and returns how many of them count; it is emptied afterwards.
fn try_send_with(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let (length, fill) = (call.index(1)?, call.value(2));
    let index = handle.sender()?.send_with(call.env, &handle.buffers, length, fill)?;
    index_or_nothing(call, index)
}

/// `seal(sender, milliseconds)`.
fn seal(call: &Call) -> Outcome {
    let timeout = Timeout::Val(milliseconds(call.number(1)?));
    call.handle()?.sender()?.seal(timeout)?;
    call.nothing()
}

/// `roomSync(sender, byteLength, milliseconds)`: waits until that many bytes can be sent, or throws: after
/// that time, that the channel is full.
fn room_sync(call: &Call) -> Outcome {
    let waiter = call.handle()?.sender()?.room_waiter(call.index(1)?);
    let timeout = Timeout::Val(milliseconds(call.number(2)?));
    waiter.wait(timeout, std::time::Duration::ZERO)?;
    call.nothing()
}

/// `watchRoom(sender, byteLength, keepsAlive, callback)`: calls back once there may be room for that many bytes, or
/// they cannot be sent. A later call replaces an earlier one, but keeps the callback.
fn watch_room(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let sender = handle.sender()?;
    let waiter = sender.room_waiter(call.index(1)?);
    sender.room().watch(call.env, call.value(3), waiter, call.flag(2)?)?;
    call.nothing()
}

/// `unwatchRoom(sender)`.
fn unwatch_room(call: &Call) -> Outcome {
    if let Ok(handle) = call.handle() {
        handle.sender()?.room().unwatch();
    }
    call.nothing()
}

/// `watchWriter(channel, keepsAlive, callback)`: calls back once there is no exclusive writer.
fn watch_writer(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let waiter = handle.channel()?.writer_waiter();
    start(&handle, call, waiter)?;
    call.nothing()
}

/// `reserve(writer, byteLength)`: an `ArrayBuffer`, or nothing if there is no room now.
fn reserve(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let buffer = handle.writer()?.reserve(call.env, &handle.buffers, call.index(1)?)?;
    Ok(buffer.unwrap_or(ptr::null_mut()))
}

/// `commit(writer, length)`: the index.
fn commit(call: &Call) -> Outcome {
    let index = call.handle()?.writer()?.commit(call.index(1)?)?;
    call.count(index)
}

/// `abort(writer)`.
fn abort(call: &Call) -> Outcome {
    call.handle()?.writer()?.abort();
    call.nothing()
}

/// `nextIndex(channel)`.
fn next_index(call: &Call) -> Outcome {
    let index = call.handle()?.channel()?.next_index()?;
    call.count(index)
}

/// `oldestIndex(channel)`.
fn oldest_index(call: &Call) -> Outcome {
    let index = call.handle()?.channel()?.oldest_index()?;
    call.count(index)
}

/// `sealed(channel)`.
fn sealed(call: &Call) -> Outcome {
    let sealed = call.handle()?.channel()?.is_sealed()?;
    call.boolean(sealed)
}

/// `newest(channel, into)`: the newest message's bytes as a `Buffer`, its index in `into[0]`; or nothing.
fn newest(call: &Call) -> Outcome {
    let Some((index, bytes)) = call.handle()?.channel()?.newest()? else { return call.nothing() };
    rows(call, 1)?.write(&[index]);
    buffer_of(call, bytes)
}

/// `memory(channel, offset, length)`: an `ArrayBuffer` over a part of the ring.
fn memory(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let (offset, length) = (call.index(1)?, call.index(2)?);
    let channel = handle.channel()?;
    handle.buffers.borrow_mut().make(call.env, || Ok(channel.memory()?.data), offset, length)
}

/// `control(channel)`: an `ArrayBuffer` over the control block.
fn control(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let channel = handle.channel_handle()?;
    let memory = channel.channel.memory()?.control;
    let length = memory.len() as u64;
    channel.control.borrow_mut().make(call.env, || Ok(memory), 0, length)
}

/// `makeRoom(writer, byteLength)`: the position before which records may end, with at least so many bytes in front
/// of it; nothing if there is no room now.
fn make_room(call: &Call) -> Outcome {
    let limit = call.handle()?.writer()?.make_room(call.index(1)?)?;
    index_or_nothing(call, limit.map(u64::from))
}

/// `wakeReaders(writer)`.
fn wake_readers(call: &Call) -> Outcome {
    call.handle()?.writer()?.wake();
    call.nothing()
}

/// `place(reader, into)`: fills in the offset of its slot, its number, the position that it reads next and the index
/// there.
fn place(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let receiver = handle.receiver()?.receiver.borrow();
    let Receiver::Reader(reader) = &*receiver else { return Err(Failure::misuse("a reader")) };
    let fields = [
        reader.slot_offset(),
        reader.number().into(),
        reader.position().into(),
        reader.next_index(),
    ];
    rows(call, 1)?.write(&fields);
    call.nothing()
}

/// `setPlace(reader, position, nextIndex)`: the program has read up to there in the ring's memory.
fn set_place(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let position = key(call, 1)?;
    // An index in the ring that no number can hold is damage, which the reader reports.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let next = call.number(2)? as u64;
    if let Receiver::Reader(reader) = &mut *handle.receiver()?.receiver.borrow_mut() {
        reader.set_position(position, next);
    }
    call.nothing()
}

/// `wakeWriters(reader)`.
fn wake_writers(call: &Call) -> Outcome {
    if let Receiver::Reader(reader) = &*call.handle()?.receiver()?.receiver.borrow() {
        reader.wake();
    }
    call.nothing()
}

/// How many numbers describe a message: its index, offset, byte length, key and attempt. [`release`] and
/// [`settle`] take the key.
const FIELDS: usize = 5;

/// `receive(receiver, max, into)`: fills in a row for each message that is there, up to `max`, and returns how
/// many there are.
fn receive(call: &Call) -> Outcome {
    let max = usize::try_from(call.index(1)?).unwrap_or(usize::MAX);
    let handle = call.handle()?;
    let mut rows = rows(call, 2)?;
    let max = max.min(rows.room / FIELDS);
    let mut count = 0;
    if max > 0 {
        handle.receiver()?.receiver.borrow_mut().receive(max, |message, key, attempt| {
            let Message { index, offset, byte_length, .. } = *message;
            rows.write(&[index, offset, byte_length, key.into(), attempt.into()]);
            count += 1;
        })?;
    }
    call.count(count)
}

/// `take(receiver, into, target)`: takes the next message and fills a row of `into`. Returns 0 if there is no
/// message, 2 if its bytes were copied to `target` (a reader's message is then released), 1 if they do not fit
/// there.
fn take(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let mut rows = rows(call, 1)?;
    let (target, length) = bytes_of(call.env, call.value(2))?;
    let mut receiver = handle.receiver()?.receiver.borrow_mut();
    let mut found = None;
    if rows.room >= FIELDS {
        receiver.receive(1, |message, key, attempt| {
            let Message { index, offset, byte_length, .. } = *message;
            rows.write(&[index, offset, byte_length, key.into(), attempt.into()]);
            found = Some((*message, key));
        })?;
    }
    let Some((message, key)) = found else { return call.count(0) };
    if message.byte_length > length as u64 {
        return call.count(1);
    }
    // SAFETY: as many bytes as the message has are inside JavaScript's memory.
    unsafe { receiver.copy(&message, key, target)? };
    receiver.release(key);
    call.count(2)
}

/// `receiveCopy(receiver, into)`: a lossy reader's next message as a `Buffer`, its index in `into[0]`; or nothing.
fn receive_copy(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let mut receiver = handle.receiver()?.receiver.borrow_mut();
    let Receiver::Lossy(reader) = &mut *receiver else {
        return Err(Failure::misuse("a lossy reader"));
    };
    let mut bytes = Vec::new();
    let Some(index) = reader.try_receive(&mut bytes)? else { return call.nothing() };
    drop(receiver);
    rows(call, 1)?.write(&[index]);
    buffer_of(call, bytes)
}

/// `copy(receiver, row, target)`: copies the bytes of a message, of which `row` was filled in, to `target`, which has
/// as much room.
fn copy(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let row = rows(call, 1)?;
    let [index, offset, byte_length, key] = row.read().ok_or(Failure::misuse("a row"))?;
    let (target, length) = bytes_of(call.env, call.value(2))?;
    if byte_length > length as u64 {
        return Err(Error::TargetTooSmall { needed: byte_length, available: length as u64 }.into());
    }
    let key = u32::try_from(key).unwrap_or(u32::MAX);
    let receiver = handle.receiver()?.receiver.borrow();
    let position = match &*receiver {
        Receiver::Member { jobs, .. } => jobs.get(&key).map_or(0, |job| job.message.position),
        _ => key,
    };
    let message = Message { index, offset, byte_length, position };
    // SAFETY: as many bytes as the message has are inside JavaScript's memory.
    unsafe { receiver.copy(&message, key, target)? };
    call.nothing()
}

/// `release(receiver, key)`: of a reader.
fn release(call: &Call) -> Outcome {
    // A closed receiver has released everything.
    if let Ok(handle) = call.handle() {
        handle.receiver()?.receiver.borrow_mut().release(key(call, 1)?);
    }
    call.nothing()
}

/// `settle(receiver, key, done)`: acknowledges a job, or gives it back.
fn settle(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let done = call.flag(2)?;
    handle.receiver()?.receiver.borrow_mut().settle(key(call, 1)?, done)?;
    call.nothing()
}

fn key(call: &Call, at: usize) -> Result<u32, Failure> {
    u32::try_from(call.index(at)?).map_err(|_| Failure::misuse("a key"))
}

/// `lag(receiver)`.
fn lag(call: &Call) -> Outcome {
    let lag = call.handle()?.receiver()?.receiver.borrow().lag()?;
    call.count(lag)
}

/// `missed(receiver)`.
fn missed(call: &Call) -> Outcome {
    let missed = call.handle()?.receiver()?.receiver.borrow().missed();
    call.count(missed)
}

/// `waitSync(receiver, milliseconds, spin)`: whether there is a reason to try again.
fn wait_sync(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let timeout = Timeout::Val(milliseconds(call.number(1)?));
    match handle.receiver()?.waiter.wait(timeout, milliseconds(call.number(2)?)) {
        Ok(()) => call.boolean(true),
        Err(Error::Timeout { .. }) => call.boolean(false),
        Err(error) => Err(error.into()),
    }
}

/// `watch(receiver, keepsAlive, callback)`: calls back once there is a reason to try again. A later call replaces
/// an earlier one, but for the callback.
fn watch(call: &Call) -> Outcome {
    let handle = call.handle()?;
    start(&handle, call, handle.receiver()?.waiter.clone())?;
    call.nothing()
}

/// Arms the handle's watch, with the arguments `keepsAlive` and `callback`.
fn start(handle: &Handle, call: &Call, waiter: ChannelWaiter) -> Result<(), Failure> {
    let make = || Box::new(waiter.clone()) as _;
    handle.watch.arm(call.env, call.value(2), make, (0, RequirePeer::None), call.flag(1)?)
}

/// A `Float64Array` of the program's.
struct Rows {
    at: *mut f64,
    room: usize,
}

fn rows(call: &Call, at: usize) -> Result<Rows, Failure> {
    let (at, length) = bytes_of(call.env, call.value(at))?;
    Ok(Rows { at: at.cast(), room: length / size_of::<f64>() })
}

impl Rows {
    /// Writes numbers, and moves on behind them.
    fn write(&mut self, numbers: &[u64]) {
        for number in numbers.iter().take(self.room) {
            // SAFETY: `room` more numbers fit, in an array of the running call.
            #[allow(clippy::cast_precision_loss, reason = "below 2^53")]
            unsafe {
                self.at.write_unaligned(*number as f64);
                self.at = self.at.add(1);
            }
        }
        self.room = self.room.saturating_sub(numbers.len());
    }

    fn read<const N: usize>(&self) -> Option<[u64; N]> {
        if self.room < N {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        // SAFETY: so many numbers are in the array.
        Some(std::array::from_fn(|at| unsafe { self.at.add(at).read_unaligned() as u64 }))
    }
}

/// Bytes as a `Buffer`: a copy of few, and many as they are.
fn buffer_of(call: &Call, bytes: Vec<u8>) -> Outcome {
    let length = bytes.len();
    let (mut data, mut value) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: `env` belongs to this call; the bytes can be read for their length, the targets are writable.
    let status = unsafe {
        sys::napi_create_buffer_copy(
            call.env,
            length,
            bytes.as_ptr().cast(),
            &raw mut data,
            &raw mut value,
        )
    };
    if status == sys::Status::napi_ok {
        return Ok(value);
    }
    let needed = format!("a buffer of {length} bytes");
    Err(Error::NoSpace { needed, os: None }.into())
}
