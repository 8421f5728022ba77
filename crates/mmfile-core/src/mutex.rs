//! [`NamedMutex`]: the lock on its own.

use crate::control::{Control, Description, Kind, Lifetime};
use crate::error::{Error, Result};
use crate::fault;
use crate::lock::{Deadline, LockGuard, LockHolder, ProcessLock, Section, thread_id};
use crate::mapping::{Identity, Object};
use crate::name::{FileId, ObjectNames};
use crate::registry::{self, RegistryLock, create_entry, open_entry};
use crate::sync::sleep;
use raw_sync::Timeout;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long opening waits for somebody who is making or removing the same name.
const PATIENCE: Duration = Duration::from_secs(10);

/// A lock that processes share by its name and that survives its holder. It is there as long as
/// anybody has it open.
///
/// It is not re-entrant. Dropping it closes it; a guard keeps it open.
///
/// ```
/// # fn main() -> mmfile_core::Result<()> {
/// use mmfile_core::NamedMutex;
/// # let name = format!("doc-{}", std::process::id()); let name = name.as_str();
/// // process A
/// let a = NamedMutex::open(name)?;
/// let guard = a.lock(None)?;
/// // process B
/// let b = NamedMutex::open_existing(name)?;
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
    names: ObjectNames,
    object: Object,
    section: Arc<Section>,
    created: bool,
    left: AtomicBool,
}

impl NamedMutex {
    /// Opens the mutex of that name, or makes it: in one step, which never races.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a name that is not 1 to 64 `[A-Za-z0-9._-]`,
    /// [`Error::Access`] and [`Error::Incompatible`] as for a file.
    pub fn open(name: &str) -> Result<Self> {
        let deadline = Deadline::after(&Timeout::Val(PATIENCE));
        loop {
            match Self::open_existing(name) {
                Err(Error::NotFound { .. }) => {}
                other => return other,
            }
            match Self::create(name, &deadline) {
                Err(Error::Exists { .. }) => {}
                other => return other,
            }
            let Some(limit) = deadline.slice(registry::PAUSE) else {
                return Err(Error::Timeout { what: "opening a mutex that comes and goes" });
            };
            sleep(limit);
        }
    }

    /// Opens the mutex of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`] if nobody has one open, and as [`NamedMutex::open`].
    pub fn open_existing(name: &str) -> Result<Self> {
        let names = ObjectNames::mutex(FileId::parse(name)?);
        let deadline = Deadline::after(&Timeout::Val(PATIENCE));
        open_entry(&names, &deadline, |object, control, description| {
            if description.kind != Kind::Mutex {
                let (id, reason) = (name.into(), "it is not a mutex");
                return Err(Error::Access { id, reason, os: None });
            }
            fault::point("mutex.opened");
            Ok(Some(Self::new(names.clone(), object, &control, false)))
        })
    }

    fn create(name: &str, deadline: &Deadline) -> Result<Self> {
        let names = ObjectNames::mutex(FileId::parse(name)?);
        let registry = RegistryLock::acquire(deadline)?;
        let (object, mut control) = create_entry(&names, deadline, &registry)?;
        if let Err(error) = ProcessLock::initialize(control.mapping()) {
            object.unlink_if_same(&names.control);
            return Err(error);
        }
        fault::point("mutex.lock");
        control.describe(&Description {
            kind: Kind::Mutex,
            capacity: 0,
            lifetime: Lifetime::LastProcess,
            data: Identity::default(),
        });
        fault::point("mutex.described");
        control.set_ready();
        fault::point("mutex.ready");
        Ok(Self::new(names, object, &control, true))
    }

    fn new(names: ObjectNames, object: Object, control: &Control, created: bool) -> Self {
        let section = Arc::new(Section::new(ProcessLock::new(control.mapping())));
        let left = AtomicBool::new(false);
        Self { handle: Arc::new(Handle { names, object, section, created, left }) }
    }

    /// The name by which other processes open it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.handle.names.id.as_str()
    }

    /// Whether this handle made it.
    #[must_use]
    pub fn created(&self) -> bool {
        self.handle.created
    }

    /// Waits for the lock: for ever, unless told otherwise. The guard belongs to the calling thread.
    ///
    /// # Errors
    /// [`Error::LockHeld`] if this thread has it already, [`Error::Timeout`].
    pub fn lock(&self, timeout: Option<Timeout>) -> Result<LockGuard> {
        self.handle.enter(&Deadline::after(&timeout.unwrap_or(Timeout::Infinite)), thread_id())
    }

    /// Takes the lock if it is free. `None` if somebody else has it.
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

    /// Counts as closed for others from now on, while this handle can still be used: for a process
    /// that is about to end without dropping it. Waits as long as told for somebody who makes or
    /// removes another; after that the name is left to the next sweep.
    pub fn leave(&self, patience: Duration) {
        self.handle.leave(patience);
    }

    /// A thread that can hold the lock, for those who must not block or who move between threads.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if the system has no thread left.
    pub fn lock_holder(&self) -> Result<LockHolder> {
        let [enters, wants, leaves] = [(); 3].map(|()| Arc::clone(&self.handle));
        LockHolder::start(
            Box::new(move |deadline, owner| enters.enter(deadline, owner)),
            Box::new(move |owner| wants.section.want(owner)),
            Box::new(move || leaves.section.give_up()),
        )
    }
}

impl Handle {
    fn enter(self: &Arc<Self>, deadline: &Deadline, owner: u32) -> Result<LockGuard> {
        let keep: Arc<Self> = Arc::clone(self);
        self.section.enter(deadline, owner, keep)
    }

    fn leave(&self, patience: Duration) {
        if !self.left.swap(true, Ordering::Relaxed) {
            let (names, object) = (&self.names, &self.object);
            registry::leave(names, object, Identity::default(), false, patience);
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.leave(registry::LEAVING);
    }
}
