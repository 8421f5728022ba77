//! Errors on their way to JavaScript. The classes are TypeScript's: a function that was installed
//! when the addon was loaded makes the error from its code, its message and its facts.

use mmfile_core::Error;
use napi::sys;
use std::cell::RefCell;
use std::ffi::CStr;
use std::ptr;

/// Why a call has no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error of the core.
    Core(Error),
    /// An error of the core about an object that is not open yet.
    About(Error, String),
    /// Node-API refused something; an exception may be pending already.
    NodeApi(sys::napi_status),
    /// An internal function was called with something that is not what the TypeScript passes.
    Misuse(&'static str),
}

impl Failure {
    pub(crate) fn misuse(expected: &'static str) -> Self {
        Self::Misuse(expected)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<Failure> for napi::Error {
    /// Leaves the exception pending, as napi-rs expects of an error of that status.
    fn from(_: Failure) -> Self {
        Self::new(napi::Status::PendingException, String::new())
    }
}

/// `value` if Node-API was content.
pub(crate) fn checked<T>(status: sys::napi_status, value: T) -> Result<T, Failure> {
    if status == sys::Status::napi_ok { Ok(value) } else { Err(Failure::NodeApi(status)) }
}

thread_local! {
    /// The functions that make errors, one for each time that the package was loaded in this thread: test
    /// runners load it more than once, and each copy needs errors of its own class.
    static FACTORIES: RefCell<Vec<(sys::napi_env, sys::napi_ref)>> = const { RefCell::new(Vec::new()) };
}

/// Sets the function that makes errors from now on.
pub(crate) fn install(env: sys::napi_env, factory: sys::napi_value) -> Result<(), Failure> {
    let mut reference = ptr::null_mut();
    // SAFETY: `env` and `factory` belong to the running call; the target is writable.
    let status = unsafe { sys::napi_create_reference(env, factory, 1, &mut reference) };
    let reference = checked(status, reference)?;
    FACTORIES.with_borrow_mut(|factories| {
        for (_, replaced) in factories.extract_if(.., |(theirs, _)| *theirs == env) {
            // SAFETY: made above for this environment, and in the list until now. It would keep all that the
            // copy of the package refers to which a test runner has thrown away.
            unsafe { sys::napi_delete_reference(env, replaced) };
        }
        factories.push((env, reference));
    });
    Ok(())
}

/// Forgets them, when the thread's environment ends.
pub(crate) fn uninstall() {
    FACTORIES.with_borrow_mut(Vec::clear);
}

/// Runs a napi-rs function's work and throws what it fails with, about `subject`.
pub(crate) fn attempt<T>(
    env: &napi::Env,
    subject: impl FnOnce() -> Option<String>,
    work: impl FnOnce() -> Result<T, Failure>,
) -> napi::Result<T> {
    work().map_err(|failure| {
        throw(env.raw(), failure, subject());
        napi::Error::new(napi::Status::PendingException, String::new())
    })
}

/// The subject of an error if nothing is open.
pub(crate) fn nothing() -> Option<String> {
    None
}

/// Throws. There is always an exception pending afterwards.
pub(crate) fn throw(env: sys::napi_env, failure: Failure, subject: Option<String>) {
    let made = match &failure {
        Failure::Core(error) => make(env, error, subject),
        Failure::About(error, subject) => make(env, error, Some(subject.clone())),
        _ => None,
    };
    if let Some(made) = made {
        // SAFETY: `made` belongs to the running call.
        unsafe { sys::napi_throw(env, made) };
        return;
    }
    let mut pending = false;
    // SAFETY: `env` belongs to the running call; the target is writable.
    unsafe { sys::napi_is_exception_pending(env, &mut pending) };
    if pending {
        return;
    }
    let message = match failure {
        Failure::Core(error) | Failure::About(error, _) => error.to_string(),
        Failure::NodeApi(status) => {
            format!("Node-API refused a call: {}", napi::Status::from(status))
        }
        Failure::Misuse(expected) => format!("mmfile's internal binding expected {expected}"),
    };
    let message = message.replace('\0', " ") + "\0";
    // SAFETY: `env` belongs to the running call; the text ends with a NUL.
    unsafe { sys::napi_throw_error(env, ptr::null(), message.as_ptr().cast()) };
}

/// The error that the installed function makes.
pub(crate) fn make(
    env: sys::napi_env,
    error: &Error,
    subject: Option<String>,
) -> Option<sys::napi_value> {
    let reference = FACTORIES.with_borrow(|factories| {
        factories.iter().find(|(theirs, _)| *theirs == env).map(|(_, reference)| *reference)
    })?;
    let mut factory = ptr::null_mut();
    let mut undefined = ptr::null_mut();
    // SAFETY: the reference was made in this thread's environment and is not deleted before it
    // ends; the targets are writable.
    unsafe {
        ok(sys::napi_get_reference_value(env, reference, &mut factory))?;
        ok(sys::napi_get_undefined(env, &mut undefined))?;
    }
    if factory.is_null() {
        return None;
    }
    let arguments = [
        text(env, error.code())?,
        text(env, &error.to_string())?,
        facts(env, error, subject.filter(|_| !error.is_about_argument()))?,
    ];
    let mut made = ptr::null_mut();
    // SAFETY: all values belong to the running call.
    unsafe {
        ok(sys::napi_call_function(
            env,
            undefined,
            factory,
            arguments.len(),
            arguments.as_ptr(),
            &mut made,
        ))?;
    }
    Some(made)
}

fn ok(status: sys::napi_status) -> Option<()> {
    (status == sys::Status::napi_ok).then_some(())
}

fn text(env: sys::napi_env, text: &str) -> Option<sys::napi_value> {
    let mut value = ptr::null_mut();
    let length = isize::try_from(text.len()).ok()?;
    // SAFETY: the text can be read for its length; the target is writable.
    ok(unsafe { sys::napi_create_string_utf8(env, text.as_ptr().cast(), length, &mut value) })?;
    Some(value)
}

/// The properties of an error besides its message.
fn facts(env: sys::napi_env, error: &Error, subject: Option<String>) -> Option<sys::napi_value> {
    let mut object = ptr::null_mut();
    // SAFETY: the target is writable.
    ok(unsafe { sys::napi_create_object(env, &mut object) })?;
    let set = |name: &CStr, value: &str| {
        let value = text(env, value)?;
        // SAFETY: the object is this call's; the name ends with a NUL.
        ok(unsafe { sys::napi_set_named_property(env, object, name.as_ptr(), value) })
    };
    let number = |name: &CStr, number: u64| {
        let mut value = ptr::null_mut();
        #[allow(clippy::cast_precision_loss, reason = "a fact for people; exact below 2^53")]
        let number = number as f64;
        // SAFETY: the object is this call's; the name ends with a NUL; the target is writable.
        unsafe {
            ok(sys::napi_create_double(env, number, &mut value))?;
            ok(sys::napi_set_named_property(env, object, name.as_ptr(), value))
        }
    };
    match error {
        Error::Capacity { needed, available, .. }
        | Error::TooLong { needed, available }
        | Error::TargetTooSmall { needed, available } => {
            number(c"needed", *needed)?;
            number(c"available", *available)?;
        }
        Error::Corrupt { offset, .. } => number(c"offset", *offset)?,
        Error::Lost { oldest, .. } => number(c"oldest", *oldest)?,
        Error::ExclusiveWriter { pid: Some(pid) } | Error::Timeout { holder: Some(pid), .. } => {
            number(c"pid", (*pid).into())?
        }
        Error::Full { slowest: Some(slowest) } => {
            // The row is passed as separate properties, without a nested object: the TypeScript builds it.
            number(c"number", slowest.number.into())?;
            set(c"role", crate::channels::role(slowest.role))?;
            if let Some(pid) = slowest.pid {
                number(c"pid", pid.into())?;
            }
            if let Some(group) = &slowest.group {
                set(c"group", group)?;
            }
            number(c"nextIndex", slowest.next_index)?;
            number(c"lag", slowest.lag)?;
            number(c"since", slowest.since)?;
        }
        // A handle or a thread of this process holds it already.
        Error::LockHeld => number(c"pid", std::process::id().into())?,
        Error::InvalidArgument { name, reason } => {
            set(c"argument", name)?;
            set(c"reason", reason)?;
        }
        _ => {}
    }
    if let Some(os) = error.os() {
        number(c"errno", os.errno.unsigned_abs().into())?;
        set(c"syscall", os.syscall)?;
    }
    if let Some(subject) = subject {
        set(c"subject", &subject)?;
    }
    Some(object)
}
