//! A segment that a JavaScript function writes in place.

use crate::call::Call;
use crate::errors::{self, Failure};
use crate::memory::Buffers;
use crate::table::Handle;
use mmfile_core::{Error, Payload, Result, Target, ViewMemory};
use napi::sys;
use std::cell::{Cell, RefCell};
use std::ptr;

/// The memory that the function fills. Valid until the call that it came with returns.
pub(crate) struct Fill<'a> {
    env: sys::napi_env,
    handle: &'a Handle,
    byte_length: u64,
    function: sys::napi_value,
    /// How many bytes the function said count.
    kept: Cell<u64>,
    /// Why it failed, where that is not the core's to know.
    failure: RefCell<Option<Failure>>,
}

/// A buffer that was moved elsewhere could be written to later. The TypeScript has checked that.
pub(crate) const MOVED: Failure = Failure::Misuse("a target that stays where it is");

impl<'a> Fill<'a> {
    pub(crate) fn new(
        call: &Call,
        handle: &'a Handle,
        byte_length: u64,
        function: sys::napi_value,
    ) -> Self {
        let (kept, failure) = (Cell::new(byte_length), RefCell::new(None));
        Self { env: call.env, handle, byte_length, function, kept, failure }
    }

    /// The error of the function, if it was not the core's.
    pub(crate) fn failure(self) -> Option<Failure> {
        self.failure.into_inner()
    }

    fn call(&self, target: Target<'_>) -> std::result::Result<(), Failure> {
        let file = self.handle.file()?;
        let mut target = target;
        // A disk may be full after all, which a store into a mapping turns into a signal.
        let place = if file.path().is_none() { file.offset_of(target.as_mut_ptr()) } else { None };
        let buffers = &self.handle.buffers;
        let lend = place.map(|offset| Lend { buffers, memory: || file.view_memory(), offset });
        let length = target.len();
        let store = |bytes: *const u8| {
            file.provide(&mut target)?;
            // SAFETY: as many bytes can be read as there is room for.
            unsafe { target.put_raw(bytes, length) };
            Ok(())
        };
        let kept = fill(self.env, lend, length, self.function, store)?;
        self.kept.set(kept.min(self.byte_length));
        Ok(())
    }
}

/// Memory that a function may write to itself.
pub(crate) struct Lend<'a, M: FnOnce() -> Result<ViewMemory>> {
    pub(crate) buffers: &'a RefCell<Buffers>,
    pub(crate) memory: M,
    /// Where the target is in it.
    pub(crate) offset: u64,
}

/// Calls a function with a buffer over the `length` bytes of a target; where that cannot be, with one whose bytes
/// `store` copies there afterwards. How many bytes the function said count.
pub(crate) fn fill<M: FnOnce() -> Result<ViewMemory>>(
    env: sys::napi_env,
    lend: Option<Lend<'_, M>>,
    length: usize,
    function: sys::napi_value,
    store: impl FnOnce(*const u8) -> Result<()>,
) -> std::result::Result<u64, Failure> {
    if let Some(Lend { buffers, memory, offset }) = lend
        && length > 0
    {
        // Borrowed for no longer than this: the function may ask for views.
        let lent = buffers.borrow_mut().lend(env, memory, offset, length as u64);
        match lent {
            Ok((buffer, lent)) => {
                return run_and(env, function, buffer, |_| Ok(lent.take_back()));
            }
            Err(Failure::Core(Error::Unsupported { .. })) => {}
            Err(failure) => return Err(failure),
        }
    }
    let buffer = own_buffer(env, length)?;
    run_and(env, function, buffer, |is_filled| {
        let (mut at, mut left) = (ptr::null_mut(), 0);
        // SAFETY: `env` belongs to the running call; the targets are writable. A buffer that the function has moved
        // elsewhere has no bytes.
        let status = unsafe { sys::napi_get_arraybuffer_info(env, buffer, &mut at, &mut left) };
        let is_there = status == sys::Status::napi_ok && left == length;
        let stored = if is_filled && is_there && length > 0 {
            store(at.cast_const().cast()) // its bytes are there until it is emptied
        } else {
            Ok(())
        };
        // SAFETY: as above.
        unsafe { sys::napi_detach_arraybuffer(env, buffer) };
        stored?;
        Ok(is_there)
    })
}

/// Calls a function with a buffer, and then `empty`, which learns whether to keep the bytes, and returns whether
/// the buffer was still in its place. How many bytes the function said count.
///
/// A worker that is being terminated runs no more JavaScript, and must not be asked to empty a buffer: its
/// buffers are emptied when its environment ends.
pub(crate) fn run_and(
    env: sys::napi_env,
    function: sys::napi_value,
    buffer: sys::napi_value,
    empty: impl FnOnce(bool) -> std::result::Result<bool, Failure>,
) -> std::result::Result<u64, Failure> {
    let result = run(env, buffer, function);
    let (mut is_pending, mut error, mut value) = (false, ptr::null_mut(), ptr::null_mut());
    // SAFETY: `env` and the values belong to the running call; the targets are writable.
    let goes_on = unsafe {
        sys::napi_is_exception_pending(env, &mut is_pending);
        if is_pending {
            sys::napi_get_and_clear_last_exception(env, &mut error);
        }
        sys::napi_coerce_to_bool(env, buffer, &mut value) == sys::Status::napi_ok
    };
    let is_filled = result.is_ok() && !is_pending;
    let emptied = if goes_on { empty(is_filled) } else { Ok(true) };
    if is_pending {
        // SAFETY: as above.
        unsafe { sys::napi_throw(env, error) };
    }
    let kept = result?;
    if emptied? { Ok(kept) } else { Err(MOVED) }
}

/// An `ArrayBuffer` of JavaScript's.
pub(crate) fn own_buffer(
    env: sys::napi_env,
    length: usize,
) -> std::result::Result<sys::napi_value, Failure> {
    let (mut data, mut buffer) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: `env` belongs to the running call; the targets are writable.
    let status = unsafe { sys::napi_create_arraybuffer(env, length, &mut data, &mut buffer) };
    if status != sys::Status::napi_ok {
        let needed = format!("a buffer of {length} bytes");
        return Err(Error::NoSpace { needed, os: None }.into());
    }
    Ok(buffer)
}

/// Calls a function with a buffer: how many bytes it said count.
fn run(
    env: sys::napi_env,
    buffer: sys::napi_value,
    function: sys::napi_value,
) -> std::result::Result<u64, Failure> {
    let (mut undefined, mut result, mut kept) = (ptr::null_mut(), ptr::null_mut(), 0.0);
    // SAFETY: all values belong to the running call; the targets are writable.
    unsafe {
        errors::checked(sys::napi_get_undefined(env, &mut undefined), ())?;
        let status = sys::napi_call_function(env, undefined, function, 1, &buffer, &mut result);
        errors::checked(status, ())?;
        errors::checked(sys::napi_get_value_double(env, result, &mut kept), ())?;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let kept = kept as u64;
    Ok(kept)
}

impl Payload for Fill<'_> {
    fn byte_length(&self) -> u64 {
        self.byte_length
    }

    fn write_to(&self, target: Target<'_>) -> Result<()> {
        self.call(target).map_err(|failure| {
            self.failure.replace(Some(failure));
            Error::Closed // the caller reads the failure instead
        })
    }

    fn kept(&self) -> u64 {
        self.kept.get()
    }
}
