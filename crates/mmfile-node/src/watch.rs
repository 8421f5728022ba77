//! One thread for all asynchronous waits of a file.
//!
//! It sleeps until the lowest index that anybody waits for is there, or can never come, and then
//! calls one JavaScript function, which looks for itself. Neither libuv's pool nor a timer is used.

use crate::errors::{self, Failure};
use mmfile_core::{MmFile, Timeout, Waiter};
use napi::sys;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Nobody waits.
const NOTHING: u64 = u64::MAX;

/// What the thread and its handle share.
struct Shared {
    /// The lowest index that is waited for.
    index: AtomicU64,
    /// Whether the thread is to end.
    stop: Mutex<bool>,
    changed: Condvar,
    waiter: Waiter,
}

/// The thread and the function that it calls.
pub(crate) struct Watch {
    env: sys::napi_env,
    function: ThreadSafeFunction,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Node-API's handle for calling into JavaScript from elsewhere.
#[derive(Clone, Copy)]
struct ThreadSafeFunction(sys::napi_threadsafe_function);
// SAFETY: being used from another thread is what it is for.
unsafe impl Send for ThreadSafeFunction {}

impl Watch {
    /// Starts the thread, idle. `callback` is called without arguments.
    pub(crate) fn start(
        env: sys::napi_env,
        callback: sys::napi_value,
        file: &MmFile,
    ) -> Result<Self, Failure> {
        let mut name = ptr::null_mut();
        let mut function = ptr::null_mut();
        // SAFETY: `env` and `callback` belong to the running call; the targets are writable; one
        // thread counts as the function's user until it releases it.
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
                Some(call_javascript),
                &mut function,
            );
            errors::checked(status, ())?;
            sys::napi_unref_threadsafe_function(env, function);
        }
        let function = ThreadSafeFunction(function);
        let shared = Arc::new(Shared {
            index: AtomicU64::new(NOTHING),
            stop: Mutex::new(false),
            changed: Condvar::new(),
            waiter: file.waiter(),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("mmfile-wait".into())
            .stack_size(128 << 10)
            .spawn(move || watch(&theirs, function));
        let Ok(thread) = thread else {
            // SAFETY: the thread that would have released it was not started.
            unsafe {
                let mode = sys::ThreadsafeFunctionReleaseMode::release;
                sys::napi_release_threadsafe_function(function.0, mode);
            }
            let needed = "another thread".into();
            return Err(mmfile_core::Error::NoSpace { needed, os: None }.into());
        };
        Ok(Self { env, function, shared, thread: Some(thread) })
    }

    /// Calls back as soon as there is a segment `index`; keeps the event loop alive until
    /// [`Self::rest`].
    pub(crate) fn aim(&self, index: u64) {
        // SAFETY: on the environment's thread; the function lives until the thread releases it.
        unsafe { sys::napi_ref_threadsafe_function(self.env, self.function.0) };
        self.set(index);
    }

    /// Nobody waits any more.
    pub(crate) fn rest(&self) {
        // SAFETY: as above.
        unsafe { sys::napi_unref_threadsafe_function(self.env, self.function.0) };
        self.set(NOTHING);
    }

    fn set(&self, index: u64) {
        {
            let _stop = self.shared.stop.lock().unwrap_or_else(PoisonError::into_inner);
            let before = self.shared.index.swap(index, Ordering::SeqCst);
            if before == index {
                return;
            }
            self.shared.changed.notify_one();
            if before == NOTHING || before < index {
                return; // idle, or it will find out at its next look
            }
        }
        self.shared.waiter.look_again();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.shared.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.changed.notify_one();
        self.shared.waiter.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn watch(shared: &Shared, function: ThreadSafeFunction) {
    loop {
        {
            let mut stop = shared.stop.lock().unwrap_or_else(PoisonError::into_inner);
            while !*stop && shared.index.load(Ordering::SeqCst) == NOTHING {
                stop = shared.changed.wait(stop).unwrap_or_else(PoisonError::into_inner);
            }
            if *stop {
                break;
            }
        }
        // However it ends, JavaScript looks for itself and aims anew.
        let _ = shared.waiter.wait_for_any(&shared.index, Timeout::Infinite);
        if shared.index.swap(NOTHING, Ordering::SeqCst) == NOTHING {
            continue; // nobody waits any more
        }
        // SAFETY: this thread is the function's user until it releases it.
        let status = unsafe {
            let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
            sys::napi_call_threadsafe_function(function.0, ptr::null_mut(), mode)
        };
        if status == sys::Status::napi_closing {
            return; // which gave our use of it back
        }
    }
    // SAFETY: once, by the thread that counts as its user.
    unsafe {
        let mode = sys::ThreadsafeFunctionReleaseMode::release;
        sys::napi_release_threadsafe_function(function.0, mode);
    }
}

unsafe extern "C" fn call_javascript(
    env: sys::napi_env,
    callback: sys::napi_value,
    _context: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() || callback.is_null() {
        return; // the environment is ending
    }
    let mut undefined = ptr::null_mut();
    // SAFETY: on the environment's thread with both of its values; the target is writable. What the
    // callback throws is left pending, as Node wants it.
    unsafe {
        if sys::napi_get_undefined(env, &mut undefined) == sys::Status::napi_ok {
            sys::napi_call_function(env, undefined, callback, 0, ptr::null(), ptr::null_mut());
        }
    }
}
