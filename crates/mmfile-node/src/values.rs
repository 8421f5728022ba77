//! JavaScript's values as segments.

use crate::call::Call;
use crate::errors::{self, Failure};
use mmfile_core::{Error, Payload, Result, Target};
use napi::sys;
use std::ptr;

/// A string or bytes, measured and not yet copied. Valid until the call that it came with returns;
/// nothing that runs meanwhile can change it, since no JavaScript does.
pub(crate) enum Value {
    Text { env: sys::napi_env, value: sys::napi_value, units: usize },
    Bytes { at: *const u8, length: usize },
}

/// Bytes of the zero that Node-API writes behind a string.
const TERMINATOR: usize = 2;

impl Value {
    /// Understands a string, a typed array, a `DataView` or an `ArrayBuffer`. Inlined, since a value
    /// that is put together in pieces and then moved as one costs more than any call in here.
    #[inline(always)]
    pub(crate) fn of(call: &Call, value: sys::napi_value) -> std::result::Result<Self, Failure> {
        let env = call.env;
        if let Some((at, length)) = view_bytes(env, value) {
            return Ok(Self::Bytes { at, length });
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

/// Where the bytes of a view are, by the two calls that cost least. Node calls every view a buffer;
/// `None` for what the runtime does not.
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

/// As [`bytes_of`], whatever the runtime calls a buffer.
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
            Self::Bytes { length, .. } => *length as u64,
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
            Self::Text { units: 0, .. } => Ok(()),
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
    // SAFETY: the vector has room for the text and its terminator; what is read is what was written.
    unsafe {
        copy_text(env, value, copy.as_mut_ptr(), units)?;
        target.put_raw(copy.as_ptr().cast(), units * 2);
    }
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
