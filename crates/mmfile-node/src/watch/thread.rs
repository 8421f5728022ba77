//! A thread that waits for a file, where the event loop cannot.

use super::{Awaited, NOTHING, count_of};
use crate::errors::Failure;
use crate::threadsafe::ThreadSafeFunction;
use mmfile_core::RequirePeer;
use napi::sys;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The state that the thread and its handle share.
struct Shared {
    /// The lowest index that is waited for.
    index: AtomicU64,
    /// Whether the thread should end.
    stop: Mutex<bool>,
    changed: Condvar,
    waiter: Box<dyn Awaited>,
}

/// The thread and the function that it calls.
pub(crate) struct ThreadWatch {
    env: sys::napi_env,
    function: ThreadSafeFunction,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl ThreadWatch {
    /// Starts the thread, idle. `callback` is called with the number of segments.
    pub(super) fn start(
        env: sys::napi_env,
        callback: sys::napi_value,
        waiter: Box<dyn Awaited>,
    ) -> Result<Self, Failure> {
        let function = ThreadSafeFunction::new(env, callback, call_javascript)?;
        function.let_go(env);
        let shared = Arc::new(Shared {
            index: AtomicU64::new(NOTHING),
            stop: Mutex::new(false),
            changed: Condvar::new(),
            waiter,
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("mmfile-wait".into())
            .stack_size(128 << 10)
            .spawn(move || watch(&theirs, function));
        match thread {
            Ok(thread) => Ok(Self { env, function, shared, thread: Some(thread) }),
            Err(error) => {
                function.release(); // for the thread that was not started
                Err(mmfile_core::Error::no_thread(&error).into())
            }
        }
    }

    /// As [`super::WatchSlot::arm`].
    pub(super) fn arm(&self, index: u64, require_peer: RequirePeer, keeps_alive: bool) {
        self.shared.waiter.require_peer(require_peer);
        if keeps_alive {
            self.function.keep_alive(self.env);
        } else {
            self.function.let_go(self.env);
        }
        self.set(index);
    }

    /// As [`super::Watch::rest`].
    pub(super) fn disarm(&self) {
        self.function.let_go(self.env);
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
                return; // idle, or it will notice at its next check
            }
        }
        self.shared.waiter.look_again();
    }
}

impl Drop for ThreadWatch {
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
        // However it ends, JavaScript checks, and arms it again.
        shared.waiter.wait(&shared.index);
        if shared.index.swap(NOTHING, Ordering::SeqCst) == NOTHING {
            continue; // no call waits any more
        }
        let news = News { function, length: shared.waiter.length() };
        let data = Box::into_raw(Box::new(news)).cast::<c_void>();
        if !function.call(data) {
            // SAFETY: no other code got it: the environment is ending.
            drop(unsafe { Box::from_raw(data.cast::<News>()) });
            return;
        }
    }
    function.release();
}

/// The thread's messages to JavaScript.
struct News {
    function: ThreadSafeFunction,
    length: u64,
}

unsafe extern "C" fn call_javascript(
    env: sys::napi_env,
    callback: sys::napi_value,
    _context: *mut c_void,
    data: *mut c_void,
) {
    // SAFETY: what `watch` sent, delivered once.
    let news = unsafe { Box::from_raw(data.cast::<News>()) };
    if env.is_null() || callback.is_null() {
        return; // the environment is ending
    }
    news.function.let_go(env);
    let (mut undefined, mut length) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: on the environment's thread with both of its values; the target is writable. An exception of
    // the callback is left pending, as Node.js requires.
    unsafe {
        if sys::napi_get_undefined(env, &mut undefined) == sys::Status::napi_ok
            && count_of(env, news.length, &mut length) == sys::Status::napi_ok
        {
            sys::napi_call_function(env, undefined, callback, 1, &length, ptr::null_mut());
        }
    }
}
