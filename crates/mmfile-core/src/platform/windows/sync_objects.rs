//! The kernel's objects beside a control block: the mutex, and the semaphores that wake sleepers.

use super::{from_code, last_error, security, wide};
use crate::control::places::{LockPlace, WakePlace};
use crate::error::{Error, OsError, Result};
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, HANDLE, WAIT_ABANDONED, WAIT_OBJECT_0, WAIT_TIMEOUT,
};
use windows_sys::Win32::Storage::FileSystem::READ_CONTROL;
use windows_sys::Win32::System::Threading::{
    CreateMutexExW, CreateSemaphoreExW, MUTEX_MODIFY_STATE, OpenMutexW, OpenSemaphoreW,
    ReleaseMutex, ReleaseSemaphore, SEMAPHORE_MODIFY_STATE, SYNCHRONIZATION_SYNCHRONIZE,
    WaitForSingleObject,
};

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    Acquired,
    /// Acquired, and the thread that had it before died with it.
    Abandoned,
    TimedOut,
    /// The system refused.
    Failed,
}

/// A mutex of the kernel. It belongs to the thread that acquired it.
#[derive(Debug)]
pub(super) struct KernelMutex(OwnedHandle);

/// The kernel's information about a mutex.
#[derive(Debug, Clone, Copy)]
pub(super) struct MutexState {
    pub(super) is_held: bool,
    /// By the calling thread.
    pub(super) is_mine: bool,
    /// Its last holder died, and no other thread has acquired it since.
    pub(super) is_abandoned: bool,
}

/// `MUTANT_BASIC_INFORMATION`, the only class of information on a mutex.
#[repr(C)]
#[derive(Default)]
struct MutantInformation {
    /// 1 if it is free; one less with each time that its holder acquires it.
    count: i32,
    owned_by_caller: u8,
    abandoned: u8,
}

#[link(name = "ntdll.dll", kind = "raw-dylib", modifiers = "+verbatim")]
unsafe extern "system" {
    fn NtQueryMutant(
        mutant: HANDLE,
        class: i32,
        target: *mut MutantInformation,
        size: u32,
        used: *mut u32,
    ) -> i32;
}

impl KernelMutex {
    pub(super) fn new(name: Option<&str>, how: How, id: &str) -> Result<Self> {
        // The latter is the right to ask for its state, too.
        let rights = SYNCHRONIZATION_SYNCHRONIZE | MUTEX_MODIFY_STATE | READ_CONTROL;
        // SAFETY: the name is one of `named_object`, as are the attributes.
        let object = named_object(name, how, "CreateMutexEx", id, |name, attributes| unsafe {
            match how {
                How::Open => OpenMutexW(rights, 0, name),
                How::Create | How::CreateOrOpen => CreateMutexExW(attributes, name, 0, rights),
            }
        });
        object.map(Self)
    }

    /// Waits at most for `limit`. The same thread gets it again and again.
    pub(super) fn wait(&self, limit: Duration) -> Waited {
        wait(&self.0, limit)
    }

    /// Releases it, if the calling thread has it.
    pub(super) fn release(&self) {
        // SAFETY: the handle is open. By a thread that does not own it, it changes nothing.
        unsafe { ReleaseMutex(self.0.as_raw_handle()) };
    }

    /// Its state; `None` if the system does not say.
    pub(super) fn state(&self) -> Option<MutexState> {
        let mut information = MutantInformation::default();
        let size = u32::try_from(size_of_val(&information)).ok()?;
        let target = &raw mut information;
        // SAFETY: the handle is open; the target is writable for the size that is given.
        let status =
            unsafe { NtQueryMutant(self.0.as_raw_handle(), 0, target, size, ptr::null_mut()) };
        (status >= 0).then_some(MutexState {
            is_held: information.count < 1,
            is_mine: information.owned_by_caller != 0,
            is_abandoned: information.abandoned != 0,
        })
    }
}

/// A semaphore that wakes a given number of sleepers.
#[derive(Debug)]
pub(super) struct Semaphore(OwnedHandle);

impl Semaphore {
    fn new(name: Option<&str>, how: How, id: &str) -> Result<Self> {
        let rights = SYNCHRONIZATION_SYNCHRONIZE | SEMAPHORE_MODIFY_STATE | READ_CONTROL;
        // SAFETY: the name is one of `named_object`, as are the attributes.
        let object = named_object(name, how, "CreateSemaphoreEx", id, |name, attributes| unsafe {
            match how {
                How::Open => OpenSemaphoreW(rights, 0, name),
                How::Create | How::CreateOrOpen => {
                    CreateSemaphoreExW(attributes, 0, i32::MAX, name, 0, rights)
                }
            }
        });
        object.map(Self)
    }

    /// Waits for a permit, at most for `limit`.
    pub(super) fn wait(&self, limit: Duration) -> Waited {
        wait(&self.0, limit)
    }

    /// Gives so many permits. If too many lie there already, it gives none.
    pub(super) fn give(&self, permits: u32) {
        let permits = i32::try_from(permits).unwrap_or(i32::MAX);
        // SAFETY: the handle is open; the earlier count is not asked for.
        unsafe { ReleaseSemaphore(self.0.as_raw_handle(), permits, ptr::null_mut()) };
    }
}

fn wait(handle: &OwnedHandle, limit: Duration) -> Waited {
    // Rounded up, so that a short wait is not one of 0 ms, and kept far from "infinite".
    let milliseconds = limit.as_nanos().div_ceil(1_000_000).min(0x7fff_ffff);
    let milliseconds = u32::try_from(milliseconds).unwrap_or(0);
    // SAFETY: the handle is open.
    match unsafe { WaitForSingleObject(handle.as_raw_handle(), milliseconds) } {
        WAIT_OBJECT_0 => Waited::Acquired,
        WAIT_ABANDONED => Waited::Abandoned,
        WAIT_TIMEOUT => Waited::TimedOut,
        _ => Waited::Failed,
    }
}

/// The mutex and the two semaphores of one control block; none of a block that is only read.
#[derive(Debug, Clone)]
pub(crate) struct SyncObjects(Option<Arc<Objects>>);

/// They are closed in this order: while a mutex has no semaphore, it is a foreign program's.
#[derive(Debug)]
struct Objects {
    mutex: KernelMutex,
    semaphores: [Semaphore; 2],
    /// The mutex's name, if it has one.
    name: Option<String>,
    /// A channel's, from its first use on; `None` if the system refused.
    more: OnceLock<Option<More>>,
}

/// The additional objects of a channel: the participants' mutex, and the semaphores for room and for work.
#[derive(Debug)]
struct More {
    mutex: KernelMutex,
    room: [Semaphore; 2],
    work: [Semaphore; 2],
}

impl Objects {
    fn more(&self) -> Option<&More> {
        self.more.get_or_init(|| More::new(self.name.as_deref()).ok()).as_ref()
    }
}

impl More {
    fn new(name: Option<&str>) -> Result<Self> {
        let id = name.unwrap_or("a channel");
        let named = |what: &str| name.map(|mutex| format!("{mutex}~{what}"));
        let how = How::CreateOrOpen;
        let semaphores = |what: &str| -> Result<[Semaphore; 2]> {
            let one = |side| Semaphore::new(named(&format!("{what}{side}")).as_deref(), how, id);
            Ok([one(0)?, one(1)?])
        };
        let mutex = KernelMutex::new(named("participants").as_deref(), how, id)?;
        Ok(Self { mutex, room: semaphores("room")?, work: semaphores("work")? })
    }
}

impl SyncObjects {
    /// None.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// The objects of a mutex of that name, which exist, or do not exist yet, or either.
    pub(super) fn new(mutex: &str, how: How, id: &str) -> Result<Self> {
        Self::beside(KernelMutex::new(Some(mutex), how, id)?, Some(mutex), how, id)
    }

    /// A mutex, and the semaphores that belong to it.
    pub(super) fn beside(
        mutex: KernelMutex,
        name: Option<&str>,
        how: How,
        id: &str,
    ) -> Result<Self> {
        let semaphore = |side| {
            let name = name.map(|mutex| semaphore_name(mutex, side));
            Semaphore::new(name.as_deref(), how, id)
        };
        let semaphores = [semaphore(0)?, semaphore(1)?];
        let (name, more) = (name.map(str::to_owned), OnceLock::new());
        Ok(Self(Some(Arc::new(Objects { mutex, semaphores, name, more }))))
    }

    /// The objects of a control block that no other process has.
    pub(super) fn private(id: &str) -> Result<Self> {
        Self::beside(KernelMutex::new(None, How::Create, id)?, None, How::Create, id)
    }

    /// Whether a mutex of that name is one of the package's.
    pub(super) fn are_there(mutex: &str, id: &str) -> bool {
        Semaphore::new(Some(&semaphore_name(mutex, 0)), How::Open, id).is_ok()
    }

    pub(super) fn mutex(&self, place: LockPlace) -> Option<&KernelMutex> {
        let objects = self.0.as_ref()?;
        match place {
            LockPlace::Writers => Some(&objects.mutex),
            LockPlace::Participants => objects.more().map(|more| &more.mutex),
        }
    }

    /// The semaphore of even (0) or of odd rounds (1).
    pub(super) fn semaphore(&self, place: WakePlace, side: u32) -> Option<&Semaphore> {
        let objects = self.0.as_ref()?;
        let [even, odd] = match place {
            WakePlace::News => &objects.semaphores,
            WakePlace::Room => &objects.more()?.room,
            WakePlace::Work => &objects.more()?.work,
        };
        Some(if side & 1 == 0 { even } else { odd })
    }
}

fn semaphore_name(mutex: &str, side: u32) -> String {
    format!("{mutex}~semaphore{side}")
}

/// How an object comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It must not be there yet.
    Create,
    /// It must be there.
    Open,
    /// Either.
    CreateOrOpen,
}

/// An object of the kernel that `make` creates or opens, given its name, which ends with a NUL, and the
/// attributes of a new one.
pub(super) fn named_object(
    name: Option<&str>,
    how: How,
    syscall: &'static str,
    id: &str,
    make: impl FnOnce(*const u16, *const windows_sys::Win32::Security::SECURITY_ATTRIBUTES) -> HANDLE,
) -> Result<OwnedHandle> {
    let attributes = security::attributes()?;
    let text = name.map(wide);
    let handle =
        make(text.as_ref().map_or(ptr::null(), |text| text.as_ptr()), &raw const attributes);
    let error = last_error();
    if handle.is_null() {
        return Err(from_code(OsError { syscall, errno: error.cast_signed() }, id, 0));
    }
    // SAFETY: a handle that was opened just now and has no other owner.
    let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
    let is_new = how != How::Open && error != ERROR_ALREADY_EXISTS;
    if !is_new && how == How::Create {
        return Err(Error::Exists { id: id.into() });
    }
    // The process that creates an object of that name first decides who may use it, and could keep a lock
    // forever.
    if !is_new && !security::is_ours(handle.as_handle())? {
        return Err(Error::access(id, "its lock belongs to another user"));
    }
    Ok(handle)
}
