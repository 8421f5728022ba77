//! Mutexes, and locks that a separate thread holds.

use crate::errors::{self, Failure};
use crate::files::{insert, open};
use crate::operations::milliseconds;
use crate::table::{self, Resource, subject};
use crate::threadsafe::ThreadSafeFunction;
use crate::values::Encoding;
use mmfile_core::{Error, MutexOptions, NamedMutex, Timeout};
use napi::bindgen_prelude::Function;
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use std::ffi::c_void;
use std::ptr;

/// How a mutex is opened; the TypeScript has filled everything in.
#[napi(object)]
pub struct NativeMutexOptions {
    /// Whether it must exist.
    pub existing: bool,
    /// The folder of the object, unless it is the system's.
    pub directory: Option<String>,
    /// The text before the name in the object's name.
    pub prefix: String,
    /// In milliseconds.
    pub lock_timeout: f64,
}

/// An open mutex.
#[napi(object)]
pub struct NativeMutex {
    /// The handle's number: the first argument of the operations.
    pub handle: u32,
    /// The name.
    pub name: String,
    /// Whether this call created it.
    pub is_creator: bool,
}

/// Opens the mutex of that name, or creates it unless it must exist.
#[napi]
pub fn open_mutex(
    env: Env,
    name: String,
    options: NativeMutexOptions,
) -> napi::Result<NativeMutex> {
    errors::attempt(
        &env,
        || Some(format!("mutex '{name}'")),
        || {
            let open = if options.existing { NamedMutex::open_existing } else { NamedMutex::open };
            let mutex = open(
                &name,
                &MutexOptions {
                    directory: options.directory.map(Into::into),
                    prefix: options.prefix,
                    lock_timeout: milliseconds(options.lock_timeout),
                },
            )?;
            let (name, is_creator) = (mutex.name().to_owned(), mutex.is_creator());
            let handle = insert(Resource::Mutex(mutex), Encoding::Utf16)?;
            Ok(NativeMutex { handle, name, is_creator })
        },
    )
}

/// The process that holds the lock of a file or a mutex; `null` if none does, or that is not known.
#[napi]
pub fn lock_holder(env: Env, handle: u32) -> napi::Result<Option<u32>> {
    errors::attempt(&env, || subject(handle), || Ok(open(handle)?.lock_holder_pid()))
}

/// Has the lock taken by a thread that holds it until [`release_held`]. The callback hears 0 if it
/// could not be had in time or was given up, else 1, or 2 if its last holder died with it; or an error.
/// Unless `keeps_alive`, the process may end before that.
#[napi]
pub fn hold(
    env: Env,
    handle: u32,
    timeout: f64,
    keeps_alive: bool,
    #[napi(ts_arg_type = "(how: 0 | 1 | 2 | Error) => void")] callback: Function<'_>,
) -> napi::Result<()> {
    errors::attempt(
        &env,
        || subject(handle),
        || {
            let about = subject(handle);
            let handle = open(handle)?;
            if handle.guard.borrow().is_some() || handle.is_filling() {
                return Err(Error::LockHeld.into());
            }
            let mut holder = handle.holder.borrow_mut();
            let holder = match &mut *holder {
                Some(holder) => holder,
                none => none.insert(handle.lock_holder()?),
            };
            let timeout = if timeout.is_finite() {
                Timeout::Val(milliseconds(timeout))
            } else {
                Timeout::Infinite
            };
            let function = ThreadSafeFunction::new(env.raw(), callback.value().value, deliver)?;
            if !keeps_alive {
                function.let_go(env.raw());
            }
            let begun =
                holder.acquire(timeout, Box::new(move |how| send(function, Told { how, about })));
            if begun.is_err() {
                function.release();
            }
            Ok(begun?)
        },
    )
}

/// Flushes a file on disk from a new thread. The callback gets 1, or an error. Unless `keeps_alive`, the
/// process may end before that.
#[napi]
pub fn flush(
    env: Env,
    handle: u32,
    keeps_alive: bool,
    #[napi(ts_arg_type = "(error: Error | 1) => void")] callback: Function<'_>,
) -> napi::Result<()> {
    errors::attempt(
        &env,
        || subject(handle),
        || {
            let flusher = open(handle)?.file()?.flusher()?;
            flush_on_a_thread(&env, subject(handle), keeps_alive, callback, move || flusher.flush())
        },
    )
}

/// Calls `flush` on a new thread, as [`flush`] says.
pub(crate) fn flush_on_a_thread(
    env: &Env,
    about: Option<String>,
    keeps_alive: bool,
    callback: Function<'_>,
    flush: impl FnOnce() -> mmfile_core::Result<()> + Send + 'static,
) -> Result<(), Failure> {
    let function = ThreadSafeFunction::new(env.raw(), callback.value().value, deliver)?;
    if !keeps_alive {
        function.let_go(env.raw());
    }
    let thread = std::thread::Builder::new()
        .name("mmfile-flush".into())
        .stack_size(128 << 10)
        .spawn(move || {
            let how = flush().map(|()| false);
            send(function, Told { how, about });
        });
    thread.map(|_| ()).map_err(|error| {
        function.release();
        Error::no_thread(&error).into()
    })
}

/// A thread's message to JavaScript, and the object that it concerns.
struct Told {
    how: mmfile_core::Result<bool>,
    about: Option<String>,
}

/// Tells it, as the last thing that the thread does with the function.
fn send(function: ThreadSafeFunction, told: Told) {
    let data = Box::into_raw(Box::new(told)).cast::<c_void>();
    if function.call(data) {
        function.release();
    } else {
        // SAFETY: no other code got it: the environment is ending.
        drop(unsafe { Box::from_raw(data.cast::<Told>()) });
    }
}

/// Releases what [`hold`] acquired, or stops waiting. `abandons`: the next holder finds the lock abandoned.
/// Not while a segment is being written in place.
#[napi]
pub fn release_held(env: Env, handle: u32, abandons: bool) -> napi::Result<()> {
    errors::attempt(
        &env,
        || subject(handle),
        || {
            let Some(handle) = table::get(handle) else { return Ok(()) };
            if handle.is_filling() {
                return Err(Error::LockHeld.into());
            }
            if let Some(holder) = &*handle.holder.borrow() {
                if abandons { holder.abandon() } else { holder.release() }
            }
            Ok(())
        },
    )
}

unsafe extern "C" fn deliver(
    env: sys::napi_env,
    callback: sys::napi_value,
    _context: *mut c_void,
    data: *mut c_void,
) {
    // SAFETY: what `send` sent, delivered once.
    let told = unsafe { Box::from_raw(data.cast::<Told>()) };
    if env.is_null() || callback.is_null() {
        return;
    }
    // An exception of the callback is left pending, as Node.js requires.
    let _ = call(env, callback, *told);
}

fn call(
    env: sys::napi_env,
    callback: sys::napi_value,
    Told { how, about }: Told,
) -> Result<(), Failure> {
    let number = |number| {
        let mut value = ptr::null_mut();
        // SAFETY: on the environment's thread; the target is writable.
        errors::checked(unsafe { sys::napi_create_uint32(env, number, &mut value) }, value)
    };
    let argument = match how {
        Ok(false) => number(1)?,
        Ok(true) => number(2)?,
        Err(Error::Timeout { .. }) => number(0)?,
        Err(error) => errors::make(env, &error, about).ok_or(Failure::misuse("an error"))?,
    };
    let mut undefined = ptr::null_mut();
    // SAFETY: on the environment's thread with values of its own; the target is writable.
    unsafe {
        errors::checked(sys::napi_get_undefined(env, &mut undefined), ())?;
        sys::napi_call_function(env, undefined, callback, 1, &argument, ptr::null_mut());
    }
    Ok(())
}
