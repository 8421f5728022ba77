//! Plain Node-API functions: arguments in, a value or a thrown error out.

use crate::errors::{self, Failure};
use crate::table::{self, Handle};
use napi::bindgen_prelude::Object;
use napi::{Env, JsValue, sys};
use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

/// The most arguments that an operation takes.
const MAX_ARGUMENTS: usize = 5;

/// The result of an operation.
pub(crate) type Outcome = Result<sys::napi_value, Failure>;
/// The body of an operation.
pub(crate) type Work = fn(&Call) -> Outcome;

/// One call from JavaScript. Its values are valid until the call returns.
pub(crate) struct Call {
    pub(crate) env: sys::napi_env,
    arguments: [sys::napi_value; MAX_ARGUMENTS],
}

impl Call {
    /// The argument at `at`; JavaScript's `undefined` where it was left out.
    pub(crate) fn value(&self, at: usize) -> sys::napi_value {
        self.arguments.get(at).copied().unwrap_or(ptr::null_mut())
    }

    /// A number argument.
    pub(crate) fn number(&self, at: usize) -> Result<f64, Failure> {
        let mut number = 0.0;
        // SAFETY: `env` and the value belong to this call; the target is writable.
        let status = unsafe { sys::napi_get_value_double(self.env, self.value(at), &mut number) };
        if status == sys::Status::napi_ok { Ok(number) } else { Err(Failure::misuse("a number")) }
    }

    /// A boolean argument.
    pub(crate) fn flag(&self, at: usize) -> Result<bool, Failure> {
        let mut flag = false;
        // SAFETY: as in `number`.
        let status = unsafe { sys::napi_get_value_bool(self.env, self.value(at), &mut flag) };
        if status == sys::Status::napi_ok { Ok(flag) } else { Err(Failure::misuse("a boolean")) }
    }

    /// An index, an offset or a count.
    pub(crate) fn index(&self, at: usize) -> Result<u64, Failure> {
        const LIMIT: f64 = 9_007_199_254_740_992.0;
        let number = self.number(at)?;
        if !(0.0..LIMIT).contains(&number) {
            return Err(Failure::misuse("an index"));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
        Ok(number as u64)
    }

    /// The number of an open file.
    pub(crate) fn count_at(&self, at: usize) -> Result<u32, Failure> {
        let mut id = 0;
        // SAFETY: as in `number`.
        let status = unsafe { sys::napi_get_value_uint32(self.env, self.value(at), &mut id) };
        if status == sys::Status::napi_ok { Ok(id) } else { Err(Failure::misuse("a handle")) }
    }

    /// The open file whose number is the first argument.
    pub(crate) fn handle(&self) -> Result<Rc<Handle>, Failure> {
        table::get(self.count_at(0)?).ok_or(Failure::Core(mmfile_core::Error::Closed))
    }

    /// A string; `None` for any other value.
    pub(crate) fn text(&self, value: sys::napi_value) -> Result<Option<String>, Failure> {
        let mut text = vec![0_u8; 128];
        loop {
            let mut length = 0;
            // SAFETY: `env` and the value belong to this call; the target has the length that the call is
            // given, and ends with a NUL then.
            let status = unsafe {
                let target = text.as_mut_ptr().cast();
                sys::napi_get_value_string_utf8(self.env, value, target, text.len(), &mut length)
            };
            if status != sys::Status::napi_ok {
                return Ok(None);
            }
            // No character takes more than four bytes.
            if length + 4 < text.len() {
                text.truncate(length);
                return String::from_utf8(text).map(Some).map_err(|_| Failure::misuse("a text"));
            }
            let larger = text.len() * 4;
            text.resize(larger, 0);
        }
    }

    /// A string for JavaScript.
    pub(crate) fn string(&self, text: &str) -> Outcome {
        let mut value = ptr::null_mut();
        let length = isize::try_from(text.len()).unwrap_or(0);
        // SAFETY: the text can be read for its length; the target is writable.
        let status = unsafe {
            sys::napi_create_string_utf8(self.env, text.as_ptr().cast(), length, &mut value)
        };
        errors::checked(status, value)
    }

    /// A count as JavaScript's number.
    pub(crate) fn count(&self, count: u64) -> Outcome {
        let mut value = ptr::null_mut();
        // SAFETY: `env` belongs to this call; the target is writable.
        let status = unsafe {
            match u32::try_from(count) {
                Ok(small) => sys::napi_create_uint32(self.env, small, &mut value),
                #[allow(clippy::cast_precision_loss, reason = "a count of bytes, below 2^53")]
                Err(_) => sys::napi_create_double(self.env, count as f64, &mut value),
            }
        };
        errors::checked(status, value)
    }

    /// A boolean.
    pub(crate) fn boolean(&self, is: bool) -> Outcome {
        let mut value = ptr::null_mut();
        // SAFETY: `env` belongs to this call; the target is writable.
        let status = unsafe { sys::napi_get_boolean(self.env, is, &mut value) };
        errors::checked(status, value)
    }

    /// `undefined`.
    pub(crate) fn nothing(&self) -> Outcome {
        Ok(ptr::null_mut())
    }
}

/// An object that has the operations as functions.
pub(crate) fn object_of(env: &Env, table: &[(&CStr, Work)]) -> napi::Result<Object<'static>> {
    let object = Object::new(env)?;
    for (name, work) in table {
        errors::attempt(env, errors::nothing, || {
            export(env.raw(), object.value().value, name, *work)
        })?;
    }
    // SAFETY: only its lifetime is forgotten; the callers give it to JavaScript right away.
    Ok(unsafe { std::mem::transmute::<Object<'_>, Object<'static>>(object) })
}

/// Makes a function of an operation and sets it on `object`.
fn export(
    env: sys::napi_env,
    object: sys::napi_value,
    name: &CStr,
    work: Work,
) -> Result<(), Failure> {
    let mut function = ptr::null_mut();
    // SAFETY: `env` and `object` belong to the running call; the function pointer travels as the
    // data that `trampoline` gets back, and is valid for the life of the program.
    let status = unsafe {
        sys::napi_create_function(
            env,
            name.as_ptr(),
            isize::try_from(name.count_bytes()).unwrap_or(0),
            Some(trampoline),
            work as *mut std::ffi::c_void,
            &mut function,
        )
    };
    errors::checked(status, function)?;
    // SAFETY: as above.
    let status = unsafe { sys::napi_set_named_property(env, object, name.as_ptr(), function) };
    errors::checked(status, function).map(|_| ())
}

unsafe extern "C" fn trampoline(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let mut call = Call { env, arguments: [ptr::null_mut(); MAX_ARGUMENTS] };
    let mut count = MAX_ARGUMENTS;
    let mut data = ptr::null_mut();
    // SAFETY: `env` and `info` are this call's; the targets are writable and `count` says how many
    // arguments there is room for. Node fills what was left out with `undefined`.
    let status = unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &mut count,
            call.arguments.as_mut_ptr(),
            ptr::null_mut(),
            &mut data,
        )
    };
    if status != sys::Status::napi_ok {
        return ptr::null_mut();
    }
    // SAFETY: `export` is the only one that makes functions with this callback, and their data is a
    // `Work`.
    let work: Work = unsafe { std::mem::transmute::<*mut std::ffi::c_void, Work>(data) };
    match catch_unwind(AssertUnwindSafe(|| work(&call))) {
        Ok(Ok(value)) => value,
        Ok(Err(failure)) => {
            let subject = call.handle().ok().map(|handle| handle.subject());
            errors::throw(env, failure, subject);
            ptr::null_mut()
        }
        Err(_) => {
            errors::throw(env, Failure::misuse("no panic"), None);
            ptr::null_mut()
        }
    }
}
