//! [`NamedMutex`]: the lock on its own.

use crate::control::{Control, Lifetime, LockPlace, ObjectKind};
use crate::deadline::Deadline;
use crate::error::{Error, NO_SUCH_MUTEX, Result};
use crate::ids::{DEFAULT_MUTEX_PREFIX, FileId, Names, check_prefix};
use crate::lock::{LockGuard, LockHolder, Section};
use crate::memory::Mode;
use crate::object::{self, NewObject, Object, Opened, Peer, Spec, open_or_create};
use crate::peer;
use crate::platform::{Folder, thread_id};
use crate::timeouts::DEFAULT_LOCK_TIMEOUT;
use raw_sync::Timeout;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a mutex is opened.
#[derive(Debug, Clone)]
pub struct MutexOptions {
    /// The folder of the object; `None` for the one that `MMFILE_DIRECTORY` names, or the system's.
    pub directory: Option<PathBuf>,
    /// The text before the name in the object's name: up to 64 characters of `[A-Za-z0-9._-]`.
    pub prefix: String,
    /// How long opening waits for a process that removes the name.
    pub lock_timeout: Duration,
}

impl Default for MutexOptions {
    fn default() -> Self {
        Self {
            directory: None,
            prefix: DEFAULT_MUTEX_PREFIX.into(),
            lock_timeout: DEFAULT_LOCK_TIMEOUT,
        }
    }
}

/// A lock that processes share by its name and that survives its holder. It is there as long as a process
/// has it open.
///
/// It is not re-entrant. Dropping it closes it; a guard keeps it open.
///
/// ```
/// # fn main() -> mmfile_core::Result<()> {
/// use mmfile_core::{MutexOptions, NamedMutex};
/// # let name = format!("doc-{}", std::process::id()); let name = name.as_str();
/// // process A
/// let a = NamedMutex::open(name, &MutexOptions::default())?;
/// let guard = a.lock(None)?;
/// // process B
/// let b = NamedMutex::open_existing(name, &MutexOptions::default())?;
/// # std::thread::scope(|scope| { scope.spawn(|| {
/// assert!(b.try_lock().unwrap().is_none());
/// # }); });
/// drop(guard);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct NamedMutex {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    name: String,
    section: Arc<Section>,
    control: Control,
    is_creator: bool,
    /// Last: it is left after the lock is released.
    object: Arc<Object>,
}

impl NamedMutex {
    /// Opens the mutex of that name, or creates it: in one step, which never races.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a name that is not 1 to 64 `[A-Za-z0-9._-]`,
    /// [`Error::Access`], [`Error::Incompatible`], [`Error::Unsupported`] as for a file.
    pub fn open(name: &str, options: &MutexOptions) -> Result<Self> {
        let spec = spec(name, options)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        open_or_create(&deadline, || existing(&spec, &deadline), || create(&spec, &deadline))
    }

    /// Opens the mutex of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`] if no process has one open, and as [`NamedMutex::open`].
    pub fn open_existing(name: &str, options: &MutexOptions) -> Result<Self> {
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        existing(&spec(name, options)?, &deadline)
            .map_err(|error| error.missing_because(NO_SUCH_MUTEX))
    }

    /// Which handles the mutex of that name has, and which of them holds it at this moment, as far as the table of
    /// participants has room. It joins nothing and takes no lock.
    ///
    /// # Errors
    /// As [`NamedMutex::open_existing`].
    #[cfg(not(platform = "loom"))]
    pub fn peers_of(name: &str, options: &MutexOptions) -> Result<Vec<Peer>> {
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let opened = object::observe(&spec(name, options)?, &deadline)
            .map_err(|error| error.missing_because(NO_SUCH_MUTEX))?;
        Ok(peer::peers(&opened.object, &opened.control, opened.source.as_ref()))
    }

    /// The name by which other processes open it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.handle.name
    }

    /// Whether this handle created it.
    #[must_use]
    pub fn is_creator(&self) -> bool {
        self.handle.is_creator
    }

    /// Waits for the lock, without a limit unless there is a timeout. The guard belongs to the calling thread.
    ///
    /// # Errors
    /// [`Error::LockHeld`] if this thread has it already, [`Error::Timeout`].
    pub fn lock(&self, timeout: Option<Timeout>) -> Result<LockGuard> {
        self.handle.enter(&Deadline::after(&timeout.unwrap_or(Timeout::Infinite)), thread_id())
    }

    /// Takes the lock if it is free. `None` if another handle has it.
    ///
    /// # Errors
    /// [`Error::LockHeld`] if this thread has it already.
    pub fn try_lock(&self) -> Result<Option<LockGuard>> {
        match self.lock(Some(Timeout::Val(Duration::ZERO))) {
            Ok(guard) => Ok(Some(guard)),
            Err(Error::Timeout { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A row for each open handle of a living process, as far as the table of participants has room. It asks the kernel
    /// once for each.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        peer::peers(&self.handle.object, &self.handle.control, None)
    }

    /// The process that holds the lock; `None` if none does, or that is not known.
    #[must_use]
    pub fn lock_holder_pid(&self) -> Option<u32> {
        self.handle.section.holder_pid()
    }

    /// Counts as closed for others from now on, while this handle can still be used: for a process
    /// that is about to end without dropping it.
    pub fn leave(&self) {
        self.handle.object.leave();
    }

    /// A thread that can hold the lock, for callers that must not block or that move between threads.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if the system has no thread left.
    pub fn lock_holder(&self) -> Result<LockHolder> {
        let handle = Arc::clone(&self.handle);
        let enter = Box::new(move |deadline: &_, owner| handle.enter(deadline, owner));
        LockHolder::start(&self.handle.section, enter)
    }
}

impl Handle {
    fn enter(self: &Arc<Self>, deadline: &Deadline, owner: u32) -> Result<LockGuard> {
        let keep: Arc<Self> = Arc::clone(self);
        self.section.enter(deadline, owner, keep)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.object.leave();
    }
}

fn spec(name: &str, options: &MutexOptions) -> Result<Spec> {
    check_prefix("prefix", &options.prefix)?;
    let names = Names::of_mutex(FileId::parse(name)?, &options.prefix);
    let folder = Folder::of(options.directory.as_deref())?;
    Ok(Spec { names, folder, kind: ObjectKind::Mutex })
}

fn existing(spec: &Spec, deadline: &Deadline) -> Result<NamedMutex> {
    object::open(spec, Mode::SYNCHRONIZED, deadline).map(|opened| mutex(spec, opened, false))
}

fn create(spec: &Spec, deadline: &Deadline) -> Result<NamedMutex> {
    let lifetime = Lifetime::LastProcess;
    let mode = Mode::SYNCHRONIZED;
    let new = NewObject { kind: ObjectKind::Mutex, capacity: 0, lifetime, mode, channel: None };
    object::create(spec, &new, deadline).map(|opened| mutex(spec, opened, true))
}

fn mutex(spec: &Spec, opened: Opened, is_creator: bool) -> NamedMutex {
    let object = Arc::new(opened.object);
    let control = opened.control;
    let section = Arc::new(Section::new(&control, LockPlace::Writers, &object));
    let name = spec.names.id.as_str().to_owned();
    NamedMutex { handle: Arc::new(Handle { name, section, control, is_creator, object }) }
}
