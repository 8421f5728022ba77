//! Calling a JavaScript function from another thread.

use crate::errors::{self, Failure};
use napi::sys;
use std::ffi::c_void;
use std::ptr;

/// Runs on the JavaScript thread with the function and the message. The environment may be ending; the
/// function is null then.
pub(crate) type Deliver = unsafe extern "C" fn(
    env: sys::napi_env,
    callback: sys::napi_value,
    context: *mut c_void,
    data: *mut c_void,
);

/// Node-API's handle for it, with one thread as its user: that thread releases it at last.
#[derive(Clone, Copy)]
pub(crate) struct ThreadSafeFunction(sys::napi_threadsafe_function);
// SAFETY: it is made to be used from other threads.
unsafe impl Send for ThreadSafeFunction {}

impl ThreadSafeFunction {
    /// Keeps the event loop alive until [`Self::let_go`] or its release.
    pub(crate) fn new(
        env: sys::napi_env,
        callback: sys::napi_value,
        deliver: Deliver,
    ) -> Result<Self, Failure> {
        let mut name = ptr::null_mut();
        let mut function = ptr::null_mut();
        // SAFETY: `env` and `callback` belong to the running call; the targets are writable.
        unsafe {
            let status = sys::napi_create_string_utf8(env, c"mmfile".as_ptr(), 6, &mut name);
            errors::checked(status, ())?;
            let status = sys::napi_create_threadsafe_function(
                env,
                callback,
                ptr::null_mut(),
                name,
                0,
                1,
                ptr::null_mut(),
                None,
                ptr::null_mut(),
                Some(deliver),
                &mut function,
            );
            errors::checked(status, Self(function))
        }
    }

    /// On the environment's thread, before the release.
    pub(crate) fn keep_alive(self, env: sys::napi_env) {
        // SAFETY: as the comment asks.
        unsafe { sys::napi_ref_threadsafe_function(env, self.0) };
    }

    /// On the environment's thread, before the release, or while it is called.
    pub(crate) fn let_go(self, env: sys::napi_env) {
        // SAFETY: as the comment asks.
        unsafe { sys::napi_unref_threadsafe_function(env, self.0) };
    }

    /// Arranges for the function to be called. `false` if the environment is ending: the user's part is over
    /// then.
    pub(crate) fn call(self, data: *mut c_void) -> bool {
        // SAFETY: by the thread that counts as the user, before its release.
        let status = unsafe {
            let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
            sys::napi_call_threadsafe_function(self.0, data, mode)
        };
        status != sys::Status::napi_closing
    }

    /// Ends the user's part.
    pub(crate) fn release(self) {
        // SAFETY: once, by the thread that counts as the user.
        unsafe {
            let mode = sys::ThreadsafeFunctionReleaseMode::release;
            sys::napi_release_threadsafe_function(self.0, mode);
        }
    }
}
