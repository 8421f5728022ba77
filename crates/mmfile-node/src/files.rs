//! Opening and closing.

use crate::call::{Call, Outcome};
use crate::errors::{self, Failure, nothing};
use crate::operations::milliseconds;
use crate::table::{self, Handle, Resource, subject};
use crate::values::{Encoding, bytes_of};
use mmfile_core::{
    Access, CreateOptions, DEFAULT_CHANNEL_CAPACITY, DEFAULT_LOCK_TIMEOUT, DEFAULT_MUTEX_PREFIX,
    DEFAULT_PARTICIPANTS, Error, FileId, Lifetime, MmFile, OpenOptions, Prefixes,
};
use napi::bindgen_prelude::Function;
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use std::cell::Cell;
use std::ffi::c_void;
use std::path::PathBuf;
use std::ptr;
use std::rc::Rc;

thread_local! {
    /// Whether the end of this thread's program is listened for.
    static LISTENS: Cell<bool> = const { Cell::new(false) };
}

/// Sets the function that makes errors of a code, a message and an object of facts, and says whether the
/// runtime is Node.js itself: others have the names of libuv's functions and end the process behind them.
#[napi]
pub fn install(
    env: Env,
    #[napi(ts_arg_type = "(code: string, message: string, facts: object) => Error")]
    factory: Function<'_>,
    is_node: bool,
) -> napi::Result<()> {
    crate::watch::allow_event_loop(is_node);
    #[cfg(any(windows, target_os = "macos"))]
    crate::stay::loaded();
    errors::attempt(&env, nothing, || errors::install(env.raw(), factory.value().value))?;
    env.add_env_cleanup_hook((), |()| {
        close_all();
        errors::uninstall();
        LISTENS.set(false);
    })?;
    Ok(())
}

/// Whether the caller is the first to ask in this thread. It calls `leaveAll` at the end, for every copy of the
/// package that uses this addon: test runners load it again and again.
#[napi]
pub fn listens() -> bool {
    !LISTENS.replace(true)
}

/// The default options.
#[napi(object)]
pub struct NativeDefaults {
    /// In milliseconds.
    pub lock_timeout: f64,
    /// The text before the id in a file's name.
    pub data_prefix: String,
    /// The text before the id in the name of a file's lock, where that is an object.
    pub lock_prefix: String,
    /// The text before the name in the name of a mutex.
    pub mutex_prefix: String,
    /// The text before the id in the name of a channel.
    pub channel_prefix: String,
    /// In bytes.
    pub channel_capacity: f64,
    /// Slots of a channel for participants.
    pub max_participants: u32,
}

/// The default options.
#[napi]
pub fn defaults() -> NativeDefaults {
    let prefixes = Prefixes::default();
    NativeDefaults {
        lock_timeout: DEFAULT_LOCK_TIMEOUT.as_secs_f64() * 1e3,
        data_prefix: prefixes.data().into(),
        lock_prefix: prefixes.mutex().into(),
        mutex_prefix: DEFAULT_MUTEX_PREFIX.into(),
        channel_prefix: prefixes.channel().into(),
        #[allow(clippy::cast_precision_loss, reason = "a small number")]
        channel_capacity: DEFAULT_CHANNEL_CAPACITY as f64,
        max_participants: DEFAULT_PARTICIPANTS,
    }
}

/// `open(id, numbers, place)`: the id or the path, if it is another than the given one. `numbers` is a
/// `Float64Array` of [`NUMBERS`]: which way to open (0 to 5), the capacity, [`FLAGS`] and the time limit; on
/// return the handle, the capacity and whether this call created it. `place` is an array of the folder and
/// the prefixes of data and mutex, or `undefined` where all of them are the usual ones. A file on disk has
/// its path for an id; an empty id is a fresh UUID.
pub(crate) fn open_file(call: &Call) -> Outcome {
    let id = call.text(call.value(0))?.unwrap_or_default();
    let (numbers, size) = bytes_of(call.env, call.value(1))?;
    if size < NUMBERS * size_of::<f64>() {
        return Err(Failure::misuse("an array of numbers"));
    }
    let numbers: *mut f64 = numbers.cast();
    // SAFETY: the array has so many numbers, and no JavaScript runs before this call returns.
    let [how, capacity, flags, lock_timeout] =
        unsafe { numbers.cast::<[f64; NUMBERS]>().read_unaligned() };
    let (capacity, flags) = (whole(capacity), whole(flags));
    let (directory, prefixes) = place(call, call.value(2))?;
    let has = |flag: u64| flags & flag != 0;
    let options = OpenOptions {
        access: if has(READ_ONLY) { Access::Read } else { Access::ReadWrite },
        synchronized: has(SYNCHRONIZED),
        lock_timeout: milliseconds(lock_timeout),
        directory,
        prefixes,
    };
    let create = |id| CreateOptions {
        id,
        synchronized: options.synchronized,
        lifetime: if has(LAST_PROCESS) { Lifetime::LastProcess } else { Lifetime::Creator },
        lock_timeout: options.lock_timeout,
        directory: options.directory.clone(),
        prefixes: options.prefixes.clone(),
    };
    let opened = match whole(how) {
        0 => {
            let id = if id.is_empty() { None } else { Some(FileId::parse(&id)?) };
            MmFile::create_new(capacity, &create(id))
        }
        1 if has(OBSERVES) => MmFile::observe(&id, &options),
        4 if has(OBSERVES) => MmFile::observe_file(&id, &options),
        1 => MmFile::open_existing(&id, &options),
        2 => MmFile::create_or_open(&id, capacity, &create(None)),
        3 => MmFile::create_file(&id, capacity, &create(None)),
        4 => MmFile::open_file(&id, &options),
        _ => MmFile::create_or_open_file(&id, capacity, &create(None)),
    };
    let subject = || if id.is_empty() { "a new file".into() } else { format!("file '{id}'") };
    let file = opened.map_err(|error| Failure::About(error, subject()))?;
    let other = (file.id() != id).then(|| file.id().to_owned());
    #[allow(clippy::cast_precision_loss, reason = "came from a number, or is below 2^53")]
    let capacity = file.capacity() as f64;
    let is_creator = file.is_creator();
    let handle = insert(Resource::File(file), Encoding::from_number(flags >> ENCODING))?;
    // SAFETY: as above.
    unsafe {
        let found = [handle.into(), capacity, if is_creator { 1.0 } else { 0.0 }];
        numbers.cast::<[f64; 3]>().write_unaligned(found);
    }
    match other {
        Some(other) => call.string(&other),
        None => call.nothing(),
    }
}

/// How many numbers [`open_file`] takes.
const NUMBERS: usize = 4;
// Its flags: whether operations take the lock, whether the file lives until its last process, whether it is
// opened for reading only, and whether it is looked at without joining it.
const SYNCHRONIZED: u64 = 1;
const LAST_PROCESS: u64 = 2;
const READ_ONLY: u64 = 4;
const OBSERVES: u64 = 8;
/// By how many bits the number of the encoding is shifted in the flags.
const ENCODING: u32 = 4;

/// The folder and the prefixes.
fn place(call: &Call, place: sys::napi_value) -> Result<(Option<PathBuf>, Prefixes), Failure> {
    let mut length = 0;
    // SAFETY: `env` and the values belong to this call; the targets are writable.
    if unsafe { sys::napi_get_array_length(call.env, place, &mut length) } != sys::Status::napi_ok {
        return Ok((None, Prefixes::default()));
    }
    let element = |at| {
        let mut element = std::ptr::null_mut();
        // SAFETY: as above.
        let status = unsafe { sys::napi_get_element(call.env, place, at, &mut element) };
        call.text(errors::checked(status, element)?)
    };
    let [directory, data, mutex] = [element(0)?, element(1)?, element(2)?];
    let (data, mutex) = (data.unwrap_or_default(), mutex.unwrap_or_default());
    Ok((directory.map(PathBuf::from), Prefixes::new(data, mutex)?))
}

/// The reason why an id or a name is invalid; nothing if it is valid.
#[napi]
pub fn problem_of_id(id: String) -> Option<String> {
    FileId::parse(&id).err().and_then(reason)
}

/// The reason why a prefix is invalid; nothing if it is valid.
#[napi]
pub fn problem_of_prefix(prefix: String) -> Option<String> {
    Prefixes::check(&prefix).err().and_then(reason)
}

fn reason(error: Error) -> Option<String> {
    match error {
        Error::InvalidArgument { reason, .. } => Some(reason),
        _ => None,
    }
}

/// Waits until everything is on the disk.
#[napi]
pub fn flush_sync(env: Env, handle: u32) -> napi::Result<()> {
    errors::attempt(&env, || subject(handle), || Ok(open(handle)?.file()?.flush()?))
}

/// The size reported to the garbage collector for an open file or mutex, in bytes. It holds up to two
/// descriptors, of which a process often has 1,024; 32 MiB of such sizes make the engine collect garbage.
const WEIGHT: i64 = 1 << 18;

/// `manage(owner, handle)`: closes a file or a mutex when its JavaScript object has been collected, even if
/// the whole copy of the package is collected: a registry of that copy would be gone as well.
pub(crate) fn manage(call: &Call) -> Outcome {
    let (data, none) = (call.count_at(1)? as usize as *mut c_void, ptr::null_mut());
    // SAFETY: `env` and the owner belong to this call; `data` is a number.
    let status = unsafe {
        let collected = Some(collected as _);
        sys::napi_add_finalizer(call.env, call.value(0), data, collected, none, none.cast())
    };
    errors::checked(status, ())?;
    weigh(call.env, WEIGHT);
    call.nothing()
}

/// Node: the object that stood for a file or a mutex has been collected. Its views stay, and keep the memory.
unsafe extern "C" fn collected(env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    if let Some(handle) = u32::try_from(data as usize).ok().and_then(table::remove) {
        handle.end();
        weigh(env, -WEIGHT);
    }
}

/// Tells the engine that something weighs so many bytes more than it can see, or less: it collects garbage
/// accordingly.
fn weigh(env: sys::napi_env, bytes: i64) {
    // SAFETY: `env` is the one of this thread; the target is writable.
    unsafe { sys::napi_adjust_external_memory(env, bytes, &mut 0) };
}

/// `close(handle)`: closes a file or a mutex, releases its lock and empties its views. Not while a segment is
/// being written in place.
pub(crate) fn close(call: &Call) -> Outcome {
    let number = call.count_at(0)?;
    if table::get(number).is_some_and(|handle| handle.is_filling()) {
        return Err(Error::LockHeld.into());
    }
    if let Some(handle) = table::remove(number) {
        weigh(call.env, -WEIGHT);
        handle.detach_control();
        handle.stop_waiting();
        drop(handle.holder.take());
        drop(handle.guard.take());
        handle.buffers.borrow_mut().detach_all();
    }
    call.nothing()
}

/// Leaves all objects that this thread has open, as closing them does, but keeps them usable: code that runs
/// before the process ends may still use them.
#[napi]
pub fn leave_all() {
    table::all().iter().for_each(leave);
}

/// Closes everything that this thread has open, at its end. Views stay.
fn close_all() {
    table::remove_all().iter().for_each(leave);
}

/// How often this handle repaired the file behind a dead process.
#[napi]
pub fn recovered(env: Env, handle: u32) -> napi::Result<f64> {
    errors::attempt(
        &env,
        || subject(handle),
        || {
            #[allow(clippy::cast_precision_loss, reason = "a count of crashes")]
            Ok(open(handle)?.file()?.recovered() as f64)
        },
    )
}

/// Counts as closed for others, and keeps the memory.
fn leave(handle: &Rc<Handle>) {
    handle.end();
    handle.leave();
}

/// Gives a file or a mutex its number.
pub(crate) fn insert(resource: Resource, encoding: Encoding) -> Result<u32, Failure> {
    let full = || Error::NoSpace { needed: "another open file".into(), os: None };
    Ok(table::insert(resource, encoding).ok_or_else(full)?)
}

/// The handle of a number.
pub(crate) fn open(handle: u32) -> Result<Rc<Handle>, Failure> {
    table::get(handle).ok_or(Failure::Core(Error::Closed))
}

/// A number that the TypeScript has checked to be a whole one.
fn whole(number: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let whole = number as u64;
    whole
}
