//! The functions that are called for every message and for every file.

use crate::call::{Call, Outcome, Work, object_of};
use crate::errors::{self, Failure};
use crate::files::{close, manage, open_file};
use crate::fill::Fill;
use crate::values::{Encoding, Value, bytes_of};
use mmfile_core::{Error, MmFile, RequirePeer, Span, Timeout};
use napi::bindgen_prelude::Object;
use napi::{Env, sys};
use napi_derive::napi;
use std::ffi::CStr;
use std::ptr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The operations, as functions that take the number of an open file first.
#[napi(ts_return_type = "Operations")]
pub fn operations(env: Env) -> napi::Result<Object<'static>> {
    let table: &[(&CStr, Work)] = &[
        (c"open", open_file),
        (c"manage", manage),
        (c"close", close),
        (c"append", append),
        (c"appendAll", append_all),
        (c"appendWith", append_with),
        (c"write", write),
        (c"seal", seal),
        (c"length", length),
        (c"size", size),
        (c"sealed", sealed),
        (c"byteLength", byte_length),
        (c"readText", read_text),
        (c"readBytes", read_bytes),
        (c"copyBytes", copy_bytes),
        (c"readInto", read_into),
        (c"spans", spans),
        (c"memory", memory),
        (c"lock", lock),
        (c"unlock", unlock),
        (c"poll", poll),
        (c"waitSync", wait_sync),
        (c"watch", watch),
        (c"unwatch", unwatch),
        (c"now", now),
    ];
    object_of(&env, table)
}

/// `append(file, value)`: the index that the value got.
fn append(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let value = Value::of(call, call.value(1), handle.encoding)?;
    let index = handle.file()?.append(&value)?;
    call.count(index)
}

/// `appendAll(file, values)`: the index of the first.
fn append_all(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let values = Value::all(call, call.value(1), handle.encoding)?;
    let first = handle.file()?.append_all(&values)?;
    call.count(first)
}

/// `appendWith(file, byteLength, fill)`: the index. `fill` gets an `ArrayBuffer` over the segment's bytes and
/// returns how many of them count; it is emptied afterwards.
fn append_with(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let fill = Fill::new(call, &handle, call.index(1)?, call.value(2));
    let result = handle.file()?.append_with(&fill);
    match fill.failure() {
        Some(failure) => Err(failure),
        None => call.count(result?),
    }
}

/// `write(file, index, value)`.
fn write(call: &Call) -> Outcome {
    let index = call.index(1)?;
    let handle = call.handle()?;
    let value = Value::of(call, call.value(2), handle.encoding)?;
    handle.file()?.write(index, &value)?;
    call.nothing()
}

/// `seal(file)`.
fn seal(call: &Call) -> Outcome {
    call.handle()?.file()?.seal()?;
    call.nothing()
}

/// `length(file)`: the number of segments.
fn length(call: &Call) -> Outcome {
    let length = call.handle()?.file()?.len()?;
    call.count(length)
}

/// `size(file)`: the bytes used.
fn size(call: &Call) -> Outcome {
    let size = call.handle()?.file()?.size()?;
    call.count(size)
}

/// `sealed(file)`.
fn sealed(call: &Call) -> Outcome {
    let sealed = call.handle()?.file()?.is_sealed()?;
    call.boolean(sealed)
}

/// `byteLength(file, index)`.
fn byte_length(call: &Call) -> Outcome {
    let size = call.handle()?.file()?.byte_length(call.index(1)?)?;
    call.count(size)
}

/// `readText(file, index)`: the segment as a string.
fn read_text(call: &Call) -> Outcome {
    let index = call.index(1)?;
    let handle = call.handle()?;
    let span = handle.file()?.span(index)?;
    match handle.encoding {
        Encoding::Utf16 => read_utf16(call, handle.file()?, index, span),
        Encoding::Utf8 => read_utf8(call, handle.file()?, index, span),
        Encoding::Latin1 => {
            let at = address(handle.file()?, span)?;
            // SAFETY: `span.size` mapped bytes, which the file of `handle` keeps; they are only read.
            unsafe { latin1(call, at.cast(), span) }
        }
    }
}

fn read_utf16(call: &Call, file: &MmFile, index: u64, span: Span) -> Outcome {
    if !span.size.is_multiple_of(2) {
        return Err(Error::odd_text(index, span.size).into());
    }
    let at = address(file, span)?;
    let units = isize::try_from(span.size / 2).unwrap_or(isize::MAX);
    let mut value = ptr::null_mut();
    let status = if (at as usize).is_multiple_of(2) {
        // SAFETY: `span.size` mapped bytes, which the file keeps; they are only read.
        unsafe { sys::napi_create_string_utf16(call.env, at.cast(), units, &mut value) }
    } else {
        // Of the same place: the size word may be another one by now.
        let mut copy: Vec<u16> = Vec::new();
        if copy.try_reserve_exact(usize::try_from(units).unwrap_or(usize::MAX)).is_err() {
            return text_made(sys::Status::napi_generic_failure, value, span);
        }
        // SAFETY: the copy has room for the segment, and as many code units are read as were written.
        unsafe {
            file.copy_span(span, copy.as_mut_ptr().cast())?;
            sys::napi_create_string_utf16(call.env, copy.as_ptr(), units, &mut value)
        }
    };
    text_made(status, value, span)
}

/// A copy is checked: another process may change the bytes between the check and the use.
fn read_utf8(call: &Call, file: &MmFile, index: u64, span: Span) -> Outcome {
    let mut value = ptr::null_mut();
    let size = usize::try_from(span.size).unwrap_or(usize::MAX);
    let mut copy: Vec<u8> = Vec::new();
    if copy.try_reserve_exact(size).is_err() {
        return text_made(sys::Status::napi_generic_failure, value, span);
    }
    // SAFETY: the copy has room for the segment, all of which is written before it counts.
    unsafe {
        file.copy_span(span, copy.as_mut_ptr())?;
        copy.set_len(size);
    }
    if copy.is_ascii() {
        // SAFETY: `size` bytes of a vector.
        return unsafe { latin1(call, copy.as_ptr().cast(), span) };
    }
    if let Err(error) = std::str::from_utf8(&copy) {
        let reason = format!("the byte at offset {} is invalid", error.valid_up_to());
        return Err(Error::NotText { index, encoding: "UTF-8", reason }.into());
    }
    let length = isize::try_from(size).unwrap_or(isize::MAX);
    // SAFETY: `size` bytes of a vector.
    let status =
        unsafe { sys::napi_create_string_utf8(call.env, copy.as_ptr().cast(), length, &mut value) };
    text_made(status, value, span)
}

/// # Safety
/// `span.size` bytes at `at` can be read.
unsafe fn latin1(call: &Call, at: *const std::ffi::c_char, span: Span) -> Outcome {
    let length = isize::try_from(span.size).unwrap_or(isize::MAX);
    let mut value = ptr::null_mut();
    // SAFETY: the caller's promise; the target is writable.
    let status = unsafe { sys::napi_create_string_latin1(call.env, at, length, &mut value) };
    text_made(status, value, span)
}

fn address(file: &MmFile, span: Span) -> Result<*const u8, Failure> {
    let outside = || Error::Corrupt { offset: span.offset, reason: "a span outside" };
    Ok(file.address(span).ok_or_else(outside)?)
}

/// A segment that is too long for a string may still be read as bytes.
fn text_made(status: sys::napi_status, value: sys::napi_value, span: Span) -> Outcome {
    if status == sys::Status::napi_ok && !value.is_null() {
        return Ok(value);
    }
    let needed = format!("a string for {} bytes", span.size);
    Err(Error::NoSpace { needed, os: None }.into())
}

/// `readBytes(file, index)`: a copy as a `Buffer`.
fn read_bytes(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let span = handle.file()?.span(call.index(1)?)?;
    let length = usize::try_from(span.size).unwrap_or(usize::MAX);
    let (mut data, mut value) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: `env` belongs to this call; the targets are writable.
    let status = unsafe { sys::napi_create_buffer(call.env, length, &mut data, &mut value) };
    if status != sys::Status::napi_ok {
        let needed = format!("a buffer of {length} bytes");
        return Err(Error::NoSpace { needed, os: None }.into());
    }
    if length > 0 {
        // SAFETY: Node gave `length` writable bytes.
        unsafe { handle.file()?.copy_span(span, data.cast())? };
    }
    Ok(value)
}

/// `copyBytes(file, index, target)`: whether the segment has exactly as many bytes as the target, which are
/// copied then.
fn copy_bytes(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let span = handle.file()?.span(call.index(1)?)?;
    let (target, length) = bytes_of(call.env, call.value(2))?;
    let fits = span.size == length as u64;
    if fits && length > 0 {
        // SAFETY: as many bytes as the segment has are inside JavaScript's memory.
        unsafe { handle.file()?.copy_span(span, target)? };
    }
    call.boolean(fits)
}

/// `readInto(file, index, target, offset)`: the bytes copied.
fn read_into(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let span = handle.file()?.span(call.index(1)?)?;
    let (target, length) = bytes_of(call.env, call.value(2))?;
    let offset = usize::try_from(call.index(3)?).unwrap_or(usize::MAX);
    let available = length.saturating_sub(offset) as u64;
    if span.size > available {
        return Err(Error::TargetTooSmall { needed: span.size, available }.into());
    }
    if span.size > 0 {
        // SAFETY: `offset` and as many bytes as the segment has are inside JavaScript's memory.
        unsafe { handle.file()?.copy_span(span, target.add(offset))? };
    }
    call.count(span.size)
}

/// `spans(file, index, into)`: fills a `Float64Array` with offset and size by turns, for the
/// segments from `index` on, and returns for how many. The first is there, or it throws.
fn spans(call: &Call) -> Outcome {
    let index = call.index(1)?;
    let (into, length) = bytes_of(call.env, call.value(2))?;
    let room = length / (2 * size_of::<f64>());
    let into: *mut f64 = into.cast();
    let handle = call.handle()?;
    handle.file()?.span(index)?;
    let mut count = 0;
    if room > 0 {
        handle.file()?.spans(index, |span| {
            // SAFETY: `count` is below `room`, so both numbers are inside the array, which is
            // aligned as typed arrays are.
            #[allow(clippy::cast_precision_loss, reason = "below 2^53, as every capacity is")]
            unsafe {
                into.add(2 * count).write_unaligned(span.offset as f64);
                into.add(2 * count + 1).write_unaligned(span.size as f64);
            }
            count += 1;
            count < room
        })?;
    }
    call.count(count as u64)
}

/// `memory(file, offset, length)`: an `ArrayBuffer` over a part of the data.
fn memory(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let (offset, length) = (call.index(1)?, call.index(2)?);
    let file = handle.file()?;
    handle.buffers.borrow_mut().make(call.env, || file.view_memory(), offset, length)
}

/// `lock(file, milliseconds)`: 0 if the lock could not be had in that time, else 1, or 2 if its last
/// holder died with it.
fn lock(call: &Call) -> Outcome {
    let handle = call.handle()?;
    let timeout = Timeout::Val(milliseconds(call.number(1)?));
    match handle.lock(timeout) {
        Ok(guard) => {
            let how = if guard.abandoned() { 2 } else { 1 };
            handle.guard.replace(Some(guard));
            call.count(how)
        }
        Err(Error::Timeout { .. }) => call.count(0),
        Err(error) => Err(error.into()),
    }
}

/// `unlock(file, abandons)`: with `abandons` the next holder finds the lock abandoned.
fn unlock(call: &Call) -> Outcome {
    let abandons = call.flag(1)?;
    let handle = call.handle()?;
    if handle.is_filling() {
        return Err(Error::LockHeld.into());
    }
    if let Some(mut guard) = handle.guard.take()
        && abandons
    {
        guard.abandon();
    }
    call.nothing()
}

/// `now()`: milliseconds on a clock that no program can stop or set.
fn now(call: &Call) -> Outcome {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let mut value = ptr::null_mut();
    // SAFETY: `env` belongs to this call; the target is writable.
    let status = unsafe {
        sys::napi_create_double(call.env, BEGUN.elapsed().as_secs_f64() * 1e3, &mut value)
    };
    errors::checked(status, value)
}

/// `poll(file, index, requirePeer, spin)`: whether the segment is there. It asks for no wake-up.
fn poll(call: &Call) -> Outcome {
    let index = call.index(1)?;
    let handle = call.handle()?;
    let file = handle.file()?;
    // A segment that is already there is reported before the other arguments are read.
    let there = file.has(index)
        || file.poll(index, require_peer(call, 2)?, milliseconds(call.number(3)?))?;
    call.boolean(there)
}

/// `waitSync(file, index, requirePeer, milliseconds)`: whether the segment is there.
fn wait_sync(call: &Call) -> Outcome {
    let index = call.index(1)?;
    let handle = call.handle()?;
    let waiter = handle.file()?.waiter();
    waiter.require_peer(require_peer(call, 2)?);
    let timeout = Timeout::Val(milliseconds(call.number(3)?));
    match waiter.wait_for(index, timeout, Duration::ZERO) {
        Ok(()) => call.boolean(true),
        Err(Error::Timeout { .. }) => call.boolean(false),
        Err(error) => Err(error.into()),
    }
}

/// A time span from JavaScript. NaN and negative numbers become zero; overflow becomes `Duration::MAX`.
pub(crate) fn milliseconds(number: f64) -> Duration {
    if number > 0.0 {
        Duration::try_from_secs_f64(number / 1000.0).unwrap_or(Duration::MAX)
    } else {
        Duration::ZERO
    }
}

/// `watch(file, index, requirePeer, keepsAlive, callback)`: calls back with the number of segments once there
/// is a segment `index` or can never be one, or a required peer is gone; with `keepsAlive` the event loop stays
/// alive until then. A later call replaces an earlier one, but keeps the callback.
fn watch(call: &Call) -> Outcome {
    let index = call.index(1)?;
    let require_peer = require_peer(call, 2)?;
    let keeps_alive = call.flag(3)?;
    let handle = call.handle()?;
    let file = handle.file()?;
    let make = || Box::new(file.waiter()) as _;
    handle.watch.arm(call.env, call.value(4), make, (index, require_peer), keeps_alive)?;
    call.nothing()
}

/// Which peers a wait requires: the sum of 1 for any and 2 for the creator.
fn require_peer(call: &Call, at: usize) -> Result<RequirePeer, Failure> {
    let bits = u32::try_from(call.index(at)?).unwrap_or(0);
    Ok(RequirePeer::from_bits(bits))
}

/// `unwatch(handle)`: no call waits any more.
pub(crate) fn unwatch(call: &Call) -> Outcome {
    // A closed file has no watch.
    if let Ok(handle) = call.handle() {
        handle.watch.disarm();
    }
    call.nothing()
}
