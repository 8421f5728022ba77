//! JavaScript's values as segments.

use crate::call::Call;
use crate::errors::{self, Failure};
use mmfile_core::{Error, Payload, Result, Target};
use napi::sys;
use std::ptr;

/// A string or bytes, measured and not yet copied. Valid until the call that it came with returns;
/// nothing that runs meanwhile can change it, since no JavaScript does.
pub(crate) enum Value {
    /// UTF-16.
    Text {
        env: sys::napi_env,
        value: sys::napi_value,
        units: usize,
    },
    /// Of an encoding whose code units are bytes.
    Narrow {
        text: Narrow,
        length: usize,
    },
    Bytes {
        at: *const u8,
        length: usize,
    },
}

/// A string whose code units are bytes.
#[derive(Clone, Copy)]
pub(crate) struct Narrow {
    env: sys::napi_env,
    value: sys::napi_value,
    encoding: Encoding,
}

impl Narrow {
    /// Copies the string to `to`, with a zero behind it, and sets how many bytes were copied; or measures it,
    /// where `to` is null.
    ///
    /// # Safety
    /// `env` and `value` belong to the running call; `room` bytes at `to` are writable.
    unsafe fn copy(&self, to: *mut u8, room: usize, copied: &mut usize) -> sys::napi_status {
        let Self { env, value, encoding } = *self;
        // SAFETY: the caller's promise.
        unsafe {
            match encoding {
                Encoding::Latin1 => {
                    sys::napi_get_value_string_latin1(env, value, to.cast(), room, copied)
                }
                _ => sys::napi_get_value_string_utf8(env, value, to.cast(), room, copied),
            }
        }
    }
}

/// How strings become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf16,
    Utf8,
    Latin1,
}

impl Encoding {
    /// As the TypeScript numbers them.
    pub(crate) fn from_number(number: u64) -> Self {
        match number {
            1 => Self::Utf8,
            2 => Self::Latin1,
            _ => Self::Utf16,
        }
    }
}

/// Bytes of the zero that Node-API writes behind a string of UTF-16.
const TERMINATOR: usize = 2;

impl Value {
    /// Understands a string, a typed array, a `DataView` or an `ArrayBuffer`. Inlined, since a value
    /// that is put together in pieces and then moved as one costs more than any call in here.
    #[inline(always)]
    pub(crate) fn of(
        call: &Call,
        value: sys::napi_value,
        encoding: Encoding,
    ) -> std::result::Result<Self, Failure> {
        let env = call.env;
        if let Some((at, length)) = view_bytes(env, value) {
            return Ok(Self::Bytes { at, length });
        }
        if encoding != Encoding::Utf16 {
            return Self::narrow(env, value, encoding);
        }
        let mut units = 0;
        // SAFETY: `env` and `value` are this call's; a null target asks for the length alone.
        let status =
            unsafe { sys::napi_get_value_string_utf16(env, value, ptr::null_mut(), 0, &mut units) };
        if status == sys::Status::napi_ok {
            return Ok(Self::Text { env, value, units });
        }
        let (at, length) = other_bytes(env, value)?;
        Ok(Self::Bytes { at, length })
    }
}

impl Value {
    /// The elements of an array, each as [`Value::of`].
    pub(crate) fn all(
        call: &Call,
        array: sys::napi_value,
        encoding: Encoding,
    ) -> std::result::Result<Vec<Self>, Failure> {
        let mut count = 0;
        // SAFETY: `env` and the values belong to this call; the targets are writable.
        let status = unsafe { sys::napi_get_array_length(call.env, array, &mut count) };
        errors::checked(status, ())?;
        (0..count)
            .map(|at| {
                let mut element = ptr::null_mut();
                // SAFETY: as above.
                let status = unsafe { sys::napi_get_element(call.env, array, at, &mut element) };
                errors::checked(status, ())?;
                Self::of(call, element, encoding)
            })
            .collect()
    }

    fn narrow(
        env: sys::napi_env,
        value: sys::napi_value,
        encoding: Encoding,
    ) -> std::result::Result<Self, Failure> {
        let (text, mut length) = (Narrow { env, value, encoding }, 0);
        // SAFETY: `env` and `value` are a running call's.
        let status = unsafe { text.copy(ptr::null_mut(), 0, &mut length) };
        if status == sys::Status::napi_ok {
            return Ok(Self::Narrow { text, length });
        }
        let (at, length) = other_bytes(env, value)?;
        Ok(Self::Bytes { at, length })
    }
}

/// Where the bytes of a view are, by the two calls that cost least. Node.js calls every view a buffer; `None`
/// for values that the runtime does not.
#[inline(always)]
fn view_bytes(env: sys::napi_env, value: sys::napi_value) -> Option<(*mut u8, usize)> {
    let (mut is, mut data, mut length) = (false, ptr::null_mut(), 0);
    // SAFETY: `env` and `value` belong to the running call; the targets are writable, and the second
    // call is made for a buffer only.
    let ok = unsafe {
        sys::napi_is_buffer(env, value, &mut is) == sys::Status::napi_ok
            && is
            && sys::napi_get_buffer_info(env, value, &mut data, &mut length) == sys::Status::napi_ok
    };
    ok.then_some((data.cast(), length))
}

/// Where the bytes of a typed array, a `DataView` or an `ArrayBuffer` are.
pub(crate) fn bytes_of(
    env: sys::napi_env,
    value: sys::napi_value,
) -> std::result::Result<(*mut u8, usize), Failure> {
    match view_bytes(env, value) {
        Some(bytes) => Ok(bytes),
        None => other_bytes(env, value),
    }
}

/// As [`bytes_of`], for all kinds of buffers of all runtimes.
#[cold]
fn other_bytes(
    env: sys::napi_env,
    value: sys::napi_value,
) -> std::result::Result<(*mut u8, usize), Failure> {
    let mut data = ptr::null_mut();
    let mut length = 0;
    let mut is = false;
    let (mut kind, mut buffer, mut offset) = (0, ptr::null_mut(), 0);
    // SAFETY: `env` and `value` belong to the running call; every target is writable, and the calls
    // that want a typed array, a view or a buffer are made for one only.
    unsafe {
        errors::checked(sys::napi_is_typedarray(env, value, &mut is), ())?;
        if is {
            let status = sys::napi_get_typedarray_info(
                env,
                value,
                &mut kind,
                &mut length,
                &mut data,
                &mut buffer,
                &mut offset,
            );
            errors::checked(status, ())?;
            return Ok((data.cast(), length.saturating_mul(element_size(kind))));
        }
        errors::checked(sys::napi_is_dataview(env, value, &mut is), ())?;
        if is {
            let status = sys::napi_get_dataview_info(
                env,
                value,
                &mut length,
                &mut data,
                &mut buffer,
                &mut offset,
            );
            return errors::checked(status, (data.cast(), length));
        }
        errors::checked(sys::napi_is_arraybuffer(env, value, &mut is), ())?;
        if is {
            let status = sys::napi_get_arraybuffer_info(env, value, &mut data, &mut length);
            return errors::checked(status, (data.cast(), length));
        }
    }
    Err(Failure::misuse("a string or bytes"))
}

/// Bytes of one element of a typed array.
fn element_size(kind: sys::napi_typedarray_type) -> usize {
    use sys::TypedarrayType as kinds;
    match kind {
        kinds::int16_array | kinds::uint16_array => 2,
        kinds::int32_array | kinds::uint32_array | kinds::float32_array => 4,
        kinds::float64_array | kinds::bigint64_array | kinds::biguint64_array => 8,
        11 => 2, // float16, from Node-API 10 on
        _ => 1,
    }
}

impl Payload for Value {
    fn byte_length(&self) -> u64 {
        match self {
            Self::Text { units, .. } => *units as u64 * 2,
            Self::Narrow { length, .. } | Self::Bytes { length, .. } => *length as u64,
        }
    }

    fn write_to(&self, mut target: Target<'_>) -> Result<()> {
        match *self {
            Self::Bytes { at, length } => {
                if length > 0 {
                    // SAFETY: JavaScript's memory, readable for `length` bytes until the call ends.
                    unsafe { target.put_raw(at, length) };
                }
                Ok(())
            }
            Self::Text { units: 0, .. } | Self::Narrow { length: 0, .. } => Ok(()),
            // SAFETY: a value does not outlive the call that it came with.
            Self::Narrow { text, length } => unsafe { write_narrow(text, length, &mut target) },
            Self::Text { env, value, units } => write_text(env, value, units, &mut target),
        }
    }
}

/// Copies a string straight into shared memory, where that is aligned and has room for the zero that
/// Node-API ends it with.
fn write_text(
    env: sys::napi_env,
    value: sys::napi_value,
    units: usize,
    target: &mut Target<'_>,
) -> Result<()> {
    let at = target.as_mut_ptr();
    let shift = at as usize % 2;
    if target.spare() >= TERMINATOR + shift {
        // SAFETY: `shift` is 0 or 1, and the target with its spare bytes reaches at least `shift` +
        // TERMINATOR behind the text.
        unsafe {
            let aligned = at.add(shift);
            copy_text(env, value, aligned.cast(), units)?;
            if shift != 0 {
                ptr::copy(aligned, at, units * 2);
            }
        }
        return Ok(());
    }
    let no_space = || Error::NoSpace { needed: format!("{units} characters of memory"), os: None };
    let mut copy: Vec<u16> = Vec::new();
    copy.try_reserve_exact(units + 1).map_err(|_| no_space())?;
    // SAFETY: the vector has room for the text and its terminator; only written bytes are read.
    unsafe {
        copy_text(env, value, copy.as_mut_ptr(), units)?;
        target.put_raw(copy.as_ptr().cast(), units * 2);
    }
    Ok(())
}

/// As [`write_text`], where a code unit is a byte.
///
/// # Safety
/// The text belongs to the running call.
unsafe fn write_narrow(text: Narrow, length: usize, target: &mut Target<'_>) -> Result<()> {
    let no_space = || Error::NoSpace { needed: format!("{length} bytes of memory"), os: None };
    let fill = |to: *mut u8| {
        let mut copied = 0;
        // SAFETY: the callers give `length` + 1 writable bytes.
        let status = unsafe { text.copy(to, length + 1, &mut copied) };
        if status == sys::Status::napi_ok && copied == length { Ok(()) } else { Err(no_space()) }
    };
    if target.spare() > 0 {
        return fill(target.as_mut_ptr());
    }
    let mut own: Vec<u8> = Vec::new();
    own.try_reserve_exact(length + 1).map_err(|_| no_space())?;
    fill(own.as_mut_ptr())?;
    // SAFETY: as many bytes as were written.
    unsafe { target.put_raw(own.as_ptr(), length) };
    Ok(())
}

/// # Safety
/// `units` + 1 aligned code units can be written at `to`.
unsafe fn copy_text(
    env: sys::napi_env,
    value: sys::napi_value,
    to: *mut u16,
    units: usize,
) -> Result<()> {
    let mut copied = 0;
    // SAFETY: the caller's promise; `env` and `value` belong to the running call.
    let status =
        unsafe { sys::napi_get_value_string_utf16(env, value, to, units + 1, &mut copied) };
    if status == sys::Status::napi_ok && copied == units {
        return Ok(());
    }
    Err(Error::NoSpace { needed: format!("{units} characters of memory"), os: None })
}
