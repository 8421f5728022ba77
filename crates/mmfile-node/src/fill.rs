//! A segment that a JavaScript function writes in place.

use crate::call::Call;
use crate::errors::{self, Failure};
use crate::table::Handle;
use mmfile_core::{Error, Payload, Result, Target};
use napi::sys;
use std::cell::{Cell, RefCell};
use std::ptr;

/// What the function writes. Valid until the call that it came with returns.
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

/// What was moved elsewhere could be written to later. The TypeScript has checked it.
const MOVED: Failure = Failure::Misuse("a target that stays where it is");

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

    /// What kept the segment from being written, if that was not the core.
    pub(crate) fn failure(self) -> Option<Failure> {
        self.failure.into_inner()
    }

    /// Calls the function with a buffer over the target; where that cannot be, with one whose contents are
    /// copied there afterwards.
    fn call(&self, mut target: Target<'_>) -> std::result::Result<(), Failure> {
        let file = self.handle.file()?;
        // A disk may be full after all, which a store into a mapping turns into a signal.
        if file.path().is_none()
            && !target.is_empty()
            && let Some(offset) = file.offset_of(target.as_mut_ptr())
        {
            let lent =
                self.handle.buffers.borrow_mut().lend(self.env, file, offset, self.byte_length);
            match lent {
                Ok((buffer, lent)) => {
                    return self.run_and(buffer, || lent.take_back());
                }
                Err(Failure::Core(Error::Unsupported { .. })) => {}
                Err(failure) => return Err(failure),
            }
        }
        let length = target.len();
        let (mut data, mut buffer) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: `env` belongs to the running call; the targets are writable.
        let status =
            unsafe { sys::napi_create_arraybuffer(self.env, length, &mut data, &mut buffer) };
        if status != sys::Status::napi_ok {
            let needed = format!("a buffer of {length} bytes");
            return Err(Error::NoSpace { needed, os: None }.into());
        }
        self.run_and(buffer, || {
            let (mut at, mut left) = (ptr::null_mut(), 0);
            // SAFETY: as above; the buffer's bytes are there until it is emptied. What the function has moved
            // elsewhere has none.
            unsafe {
                let status = sys::napi_get_arraybuffer_info(self.env, buffer, &mut at, &mut left);
                if status == sys::Status::napi_ok && left == length && length > 0 {
                    target.put_raw(at.cast(), length);
                }
                sys::napi_detach_arraybuffer(self.env, buffer);
            }
            left == length
        })
    }

    /// Calls the function, and then `empty`, which says whether the buffer was still where it was made.
    ///
    /// A worker that is being terminated runs no more JavaScript, and must not be asked to empty a buffer: what
    /// it has is emptied when its environment ends.
    fn run_and(
        &self,
        buffer: sys::napi_value,
        empty: impl FnOnce() -> bool,
    ) -> std::result::Result<(), Failure> {
        let result = self.run(buffer);
        let (mut is_pending, mut error, mut value) = (false, ptr::null_mut(), ptr::null_mut());
        // SAFETY: `env` and the values belong to the running call; the targets are writable.
        let goes_on = unsafe {
            sys::napi_is_exception_pending(self.env, &mut is_pending);
            if is_pending {
                sys::napi_get_and_clear_last_exception(self.env, &mut error);
            }
            sys::napi_coerce_to_bool(self.env, buffer, &mut value) == sys::Status::napi_ok
        };
        let is_moved = goes_on && !empty();
        if is_pending {
            // SAFETY: as above.
            unsafe { sys::napi_throw(self.env, error) };
        }
        result.and(if is_moved { Err(MOVED) } else { Ok(()) })
    }

    /// Calls the function, and notes how many bytes count.
    fn run(&self, buffer: sys::napi_value) -> std::result::Result<(), Failure> {
        let (mut undefined, mut result, mut kept) = (ptr::null_mut(), ptr::null_mut(), 0.0);
        // SAFETY: all values belong to the running call; the targets are writable.
        unsafe {
            errors::checked(sys::napi_get_undefined(self.env, &mut undefined), ())?;
            let status = sys::napi_call_function(
                self.env,
                undefined,
                self.function,
                1,
                &buffer,
                &mut result,
            );
            errors::checked(status, ())?;
            errors::checked(sys::napi_get_value_double(self.env, result, &mut kept), ())?;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        self.kept.set((kept as u64).min(self.byte_length));
        Ok(())
    }
}

impl Payload for Fill<'_> {
    fn byte_length(&self) -> u64 {
        self.byte_length
    }

    fn write_to(&self, target: Target<'_>) -> Result<()> {
        self.call(target).map_err(|failure| {
            self.failure.replace(Some(failure));
            Error::Closed // the caller looks at the failure instead
        })
    }

    fn kept(&self) -> u64 {
        self.kept.get()
    }
}
