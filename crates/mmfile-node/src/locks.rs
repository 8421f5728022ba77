//! Mutexes, and locks that a thread of their own holds.

use crate::errors::{self, Failure};
use crate::files::{insert, open};
use crate::operations::milliseconds;
use crate::table::Resource;
use crate::threadsafe::ThreadSafeFunction;
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
    /// What precedes the name in the object's name.
    pub prefix: String,
    /// In milliseconds.
    pub lock_timeout: f64,
}

/// An open mutex.
#[napi(object)]
pub struct NativeMutex {
    /// What the operations want first.
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
    errors::attempt(&env, || {
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
        Ok(NativeMutex { handle: insert(Resource::Mutex(mutex))?, name, is_creator })
    })
}

/// Has the lock taken by a thread that holds it until [`release_held`]. The callback hears 0 if it
/// could not be had in time or was given up, else 1, or 2 if its last holder died with it; or an error.
#[napi]
pub fn hold(
    env: Env,
    handle: u32,
    timeout: f64,
    #[napi(ts_arg_type = "(how: 0 | 1 | 2 | Error) => void")] callback: Function<'_>,
) -> napi::Result<()> {
    errors::attempt(&env, || {
        let handle = open(handle)?;
        if handle.guard.borrow().is_some() {
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
        let tell = function;
        let begun = holder.acquire(
            timeout,
            Box::new(move |how| {
                let data = Box::into_raw(Box::new(how)).cast::<c_void>();
                if tell.call(data) {
                    tell.release();
                } else {
                    // SAFETY: nobody else got it: the environment is ending.
                    drop(unsafe { Box::from_raw(data.cast::<mmfile_core::Result<bool>>()) });
                }
            }),
        );
        if begun.is_err() {
            function.release();
        }
        Ok(begun?)
    })
}

/// Releases what [`hold`] acquired, or stops waiting. `abandons`: the next holder finds the lock abandoned.
#[napi]
pub fn release_held(handle: u32, abandons: bool) {
    if let Ok(handle) = open(handle)
        && let Some(holder) = &*handle.holder.borrow()
    {
        if abandons { holder.abandon() } else { holder.release() }
    }
}

unsafe extern "C" fn deliver(
    env: sys::napi_env,
    callback: sys::napi_value,
    _context: *mut c_void,
    data: *mut c_void,
) {
    // SAFETY: what `hold` sent, delivered once.
    let how = unsafe { Box::from_raw(data.cast::<mmfile_core::Result<bool>>()) };
    if env.is_null() || callback.is_null() {
        return;
    }
    // What the callback throws is left pending, as Node wants it.
    let _ = call(env, callback, &how);
}

fn call(
    env: sys::napi_env,
    callback: sys::napi_value,
    how: &mmfile_core::Result<bool>,
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
        Err(error) => errors::make(env, error).ok_or(Failure::misuse("an error"))?,
    };
    let mut undefined = ptr::null_mut();
    // SAFETY: on the environment's thread with values of its own; the target is writable.
    unsafe {
        errors::checked(sys::napi_get_undefined(env, &mut undefined), ())?;
        sys::napi_call_function(env, undefined, callback, 1, &argument, ptr::null_mut());
    }
    Ok(())
}
