//! Opening and closing.

use crate::errors::{self, Failure};
use crate::operations::milliseconds;
use crate::table::{self, Handle, Resource};
use mmfile_core::{
    Access, CreateOptions, DEFAULT_LOCK_TIMEOUT, DEFAULT_MUTEX_PREFIX, Error, FileId, Lifetime,
    MmFile, OpenOptions, Prefixes,
};
use napi::bindgen_prelude::{Function, Object};
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

/// How a file is made or opened; the TypeScript has filled everything in.
#[napi(object)]
pub struct NativeOptions {
    /// The id, or an empty string for a fresh UUID; the path of a file on disk.
    pub id: String,
    /// In bytes.
    pub capacity: f64,
    /// Whether operations take the lock.
    pub synchronized: bool,
    /// Whether the file lives until its last process.
    pub last_process: bool,
    /// Whether the file is opened for reading only.
    pub read_only: bool,
    /// In milliseconds.
    pub lock_timeout: f64,
    /// The folder of the object, unless it is the system's.
    pub directory: Option<String>,
    /// What precedes the id in the object's name.
    pub data_prefix: String,
    /// What precedes the id in the name of the lock, where that is an object.
    pub mutex_prefix: String,
}

/// An open file.
#[napi(object)]
pub struct NativeFile {
    /// What the operations want first.
    pub handle: u32,
    /// The id.
    pub id: String,
    /// In bytes.
    pub capacity: f64,
    /// Whether this call created it.
    pub is_creator: bool,
    /// Where it is on disk, if it is.
    pub path: Option<String>,
}

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
    errors::attempt(&env, || errors::install(env.raw(), factory.value().value))?;
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

/// What the options are where a program gives none.
#[napi(object)]
pub struct NativeDefaults {
    /// In milliseconds.
    pub lock_timeout: f64,
    /// What precedes the id in a file's name.
    pub data_prefix: String,
    /// What precedes the id in the name of a file's lock, where that is an object.
    pub lock_prefix: String,
    /// What precedes the name in the name of a mutex.
    pub mutex_prefix: String,
}

/// What the options are where a program gives none.
#[napi]
pub fn defaults() -> NativeDefaults {
    let prefixes = Prefixes::default();
    NativeDefaults {
        lock_timeout: DEFAULT_LOCK_TIMEOUT.as_secs_f64() * 1e3,
        data_prefix: prefixes.data().into(),
        lock_prefix: prefixes.mutex().into(),
        mutex_prefix: DEFAULT_MUTEX_PREFIX.into(),
    }
}

/// Makes a file.
#[napi]
pub fn create_new(env: Env, options: NativeOptions) -> napi::Result<NativeFile> {
    errors::attempt(&env, || {
        let mut create = create_options(&options)?;
        if !options.id.is_empty() {
            create.id = Some(FileId::parse(&options.id)?);
        }
        opened(MmFile::create_new(capacity(&options), &create)?)
    })
}

/// Opens a file.
#[napi]
pub fn open_existing(env: Env, options: NativeOptions) -> napi::Result<NativeFile> {
    errors::attempt(&env, || opened(MmFile::open_existing(&options.id, &open_options(&options)?)?))
}

/// Opens a file, or makes it.
#[napi]
pub fn create_or_open(env: Env, options: NativeOptions) -> napi::Result<NativeFile> {
    errors::attempt(&env, || {
        let create = create_options(&options)?;
        opened(MmFile::create_or_open(&options.id, capacity(&options), &create)?)
    })
}

/// Makes a file on disk.
#[napi]
pub fn create_file(env: Env, options: NativeOptions) -> napi::Result<NativeFile> {
    errors::attempt(&env, || {
        let create = create_options(&options)?;
        opened(MmFile::create_file(&options.id, capacity(&options), &create)?)
    })
}

/// Opens a file on disk.
#[napi]
pub fn open_file(env: Env, options: NativeOptions) -> napi::Result<NativeFile> {
    errors::attempt(&env, || opened(MmFile::open_file(&options.id, &open_options(&options)?)?))
}

/// Waits until everything is on the disk.
#[napi]
pub fn flush(env: Env, handle: u32) -> napi::Result<()> {
    errors::attempt(&env, || Ok(open(handle)?.file()?.flush()?))
}

/// What an open file or mutex weighs for the garbage collector, in bytes. It holds up to two descriptors, of
/// which a process often has 1,024; 32 MiB of such weights make the engine look for what nothing refers to.
const WEIGHT: i64 = 1 << 18;

/// Closes a file or a mutex when the object that stands for it in JavaScript has been collected, also where the
/// whole copy of the package is: a registry of that copy would be gone as well.
#[napi]
pub fn manage(env: Env, owner: Object<'_>, handle: u32) -> napi::Result<()> {
    errors::attempt(&env, || {
        let (data, none) = (handle as usize as *mut c_void, ptr::null_mut());
        // SAFETY: `env` and `owner` belong to the running call; `data` is a number.
        let status = unsafe {
            let (env, owner) = (env.raw(), owner.value().value);
            sys::napi_add_finalizer(env, owner, data, Some(collected), none, none.cast())
        };
        errors::checked(status, ())?;
        weigh(env.raw(), WEIGHT);
        Ok(())
    })
}

/// Node: the object that stood for a file or a mutex has been collected. Its views stay, and keep the memory.
unsafe extern "C" fn collected(env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    if let Some(handle) = u32::try_from(data as usize).ok().and_then(table::remove) {
        end(&handle);
        weigh(env, -WEIGHT);
    }
}

/// Tells the engine that something weighs so many bytes more than it can see, or less: it collects garbage
/// accordingly.
fn weigh(env: sys::napi_env, bytes: i64) {
    // SAFETY: `env` is the one of this thread; the target is writable.
    unsafe { sys::napi_adjust_external_memory(env, bytes, &mut 0) };
}

/// Closes a file or a mutex, releases its lock and empties its views. Whether it was open.
#[napi]
pub fn close(env: Env, handle: u32) -> bool {
    let Some(handle) = table::remove(handle) else { return false };
    weigh(env.raw(), -WEIGHT);
    drop(handle.watch.take());
    drop(handle.holder.take());
    drop(handle.guard.take());
    handle.buffers.borrow_mut().detach_all();
    true
}

/// Does for everything that this thread has open what closing it does for others: what runs before the
/// process is gone can still use it.
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
    errors::attempt(&env, || {
        #[allow(clippy::cast_precision_loss, reason = "a count of crashes")]
        Ok(open(handle)?.file()?.recovered() as f64)
    })
}

/// Counts as closed for others, and keeps the memory.
fn leave(handle: &Rc<Handle>) {
    end(handle);
    handle.leave();
}

/// Ends what refers to the file, so that dropping the handle drops the file. The next holder of the lock
/// finds it abandoned: this one has not come to the end of its section.
fn end(handle: &Rc<Handle>) {
    drop(handle.watch.take());
    if let Some(holder) = handle.holder.take() {
        holder.abandon();
    }
    if let Some(mut guard) = handle.guard.take() {
        guard.abandon();
    }
}

fn opened(file: MmFile) -> Result<NativeFile, Failure> {
    let id = file.id().to_owned();
    let path = file.path().map(|path| path.to_string_lossy().into_owned());
    #[allow(clippy::cast_precision_loss, reason = "came from a number, or is below 2^53")]
    let capacity = file.capacity() as f64;
    let is_creator = file.is_creator();
    let handle = insert(Resource::File(file))?;
    Ok(NativeFile { handle, id, capacity, is_creator, path })
}

/// Gives a file or a mutex its number.
pub(crate) fn insert(resource: Resource) -> Result<u32, Failure> {
    let full = || Error::NoSpace { needed: "another open file".into(), os: None };
    Ok(table::insert(resource).ok_or_else(full)?)
}

/// What a number stands for.
pub(crate) fn open(handle: u32) -> Result<Rc<Handle>, Failure> {
    table::get(handle).ok_or(Failure::Core(Error::Closed))
}

fn open_options(options: &NativeOptions) -> Result<OpenOptions, Failure> {
    Ok(OpenOptions {
        access: if options.read_only { Access::Read } else { Access::ReadWrite },
        synchronized: options.synchronized,
        lock_timeout: milliseconds(options.lock_timeout),
        directory: options.directory.clone().map(Into::into),
        prefixes: prefixes(options)?,
    })
}

fn create_options(options: &NativeOptions) -> Result<CreateOptions, Failure> {
    Ok(CreateOptions {
        id: None,
        synchronized: options.synchronized,
        lifetime: if options.last_process { Lifetime::LastProcess } else { Lifetime::Creator },
        lock_timeout: milliseconds(options.lock_timeout),
        directory: options.directory.clone().map(Into::into),
        prefixes: prefixes(options)?,
    })
}

fn prefixes(options: &NativeOptions) -> Result<Prefixes, Failure> {
    Ok(Prefixes::new(options.data_prefix.as_str(), options.mutex_prefix.as_str())?)
}

fn capacity(options: &NativeOptions) -> u64 {
    whole(options.capacity)
}

/// A number that the TypeScript has checked to be a whole one.
fn whole(number: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let whole = number as u64;
    whole
}
