//! What the kernel keeps beside a control block: the lock, and the bells that wake those who sleep.

use super::{from_code, last_error, security, wide};
use crate::error::{Error, OsError, Result};
use std::collections::HashMap;
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use windows_sys::Wdk::Foundation::{NtQueryObject, ObjectBasicInformation};
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, HANDLE, WAIT_ABANDONED, WAIT_OBJECT_0, WAIT_TIMEOUT,
};
use windows_sys::Win32::Storage::FileSystem::READ_CONTROL;
use windows_sys::Win32::System::Threading::{
    CreateMutexExW, CreateSemaphoreExW, MUTEX_MODIFY_STATE, OpenMutexW, OpenSemaphoreW,
    ReleaseMutex, ReleaseSemaphore, SEMAPHORE_MODIFY_STATE, SYNCHRONIZATION_SYNCHRONIZE,
    WaitForSingleObject,
};
use windows_sys::Win32::System::WindowsProgramming::PUBLIC_OBJECT_BASIC_INFORMATION;

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// It is ours.
    Acquired,
    /// It is ours, and who had it before died with it.
    Abandoned,
    /// The time is over.
    TimedOut,
    /// The system refused.
    Failed,
}

/// A mutex of the kernel. It belongs to the thread that acquired it.
#[derive(Debug)]
pub(crate) struct KernelMutex(OwnedHandle);

impl KernelMutex {
    /// Waits at most for `limit`. The same thread gets it again and again.
    pub(crate) fn wait(&self, limit: Duration) -> Waited {
        wait(&self.0, limit)
    }

    /// Lets the next one in, if the calling thread has it.
    pub(crate) fn release(&self) {
        // SAFETY: the handle is open. By a thread that does not own it, it changes nothing.
        unsafe { ReleaseMutex(self.0.as_raw_handle()) };
    }
}

/// A semaphore that wakes as many as it is told to.
#[derive(Debug)]
pub(crate) struct Bell(OwnedHandle);

impl Bell {
    /// Waits for a permit, at most for `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> Waited {
        wait(&self.0, limit)
    }

    /// Gives so many permits. If too many lie there already, it gives none.
    pub(crate) fn give(&self, permits: u32) {
        let permits = i32::try_from(permits).unwrap_or(i32::MAX);
        // SAFETY: the handle is open; the earlier count is not asked for.
        unsafe { ReleaseSemaphore(self.0.as_raw_handle(), permits, ptr::null_mut()) };
    }
}

fn wait(handle: &OwnedHandle, limit: Duration) -> Waited {
    // Rounded up, so that a short wait is none of no time, and kept far from "for ever".
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

/// How the objects of a name come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// They must not be there yet.
    Create,
    /// They must be there.
    Open,
    /// Either.
    CreateOrOpen,
}

/// The lock and the two bells of one control block, which go in this order.
#[derive(Debug)]
pub(crate) struct Kernel {
    named: bool,
    lock: KernelMutex,
    bells: Bells,
}

/// Two bells, which are counted.
#[derive(Debug)]
struct Bells {
    /// The lock's full name; nobody else's, where it has none.
    name: Arc<str>,
    /// Gone only while they are dropped.
    pair: Option<[Bell; 2]>,
}

/// How many handles of this process lead to the first bell of each lock. It is changed together with
/// their number, and compared with what the kernel counts, under this lock only.
static OURS: Mutex<Option<HashMap<Arc<str>, u32>>> = Mutex::new(None);

fn ours() -> MutexGuard<'static, Option<HashMap<Arc<str>, u32>>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kernel {
    /// Makes the objects of a name, of which none may be there.
    pub(super) fn create(name: &str, id: &str) -> Result<Arc<Self>> {
        Self::make(Some(name), How::Create, id)
    }

    /// Opens the objects of a name.
    pub(super) fn open(name: &str, id: &str) -> Result<Arc<Self>> {
        Self::make(Some(name), How::Open, id)
    }

    /// Makes the bells of a lock that a foreign program made, which has none yet.
    pub(super) fn join(name: &str, id: &str) -> Result<Arc<Self>> {
        let full = |end: &str| wide(&format!("{name}{end}"));
        // A process of ours that is ending gives the lock up before the bells: with the lock there and no
        // bell before it, it is a foreign program's.
        if bell_object(Some(&full("~bell0")), How::Open, id).is_ok() {
            return Err(Error::NotFound { id: id.into() });
        }
        let lock = lock_object(Some(&full("")), How::Open, id)?;
        let kernel = Self::create_or_open(name, id);
        drop(lock);
        kernel
    }

    /// Opens the objects of a name, or makes them.
    pub(super) fn create_or_open(name: &str, id: &str) -> Result<Arc<Self>> {
        Self::make(Some(name), How::CreateOrOpen, id)
    }

    /// Objects for this process alone.
    pub(super) fn private() -> Result<Arc<Self>> {
        Self::make(None, How::Create, "a private control block")
    }

    fn make(name: Option<&str>, how: How, id: &str) -> Result<Arc<Self>> {
        let full = |end: &str| name.map(|name| wide(&format!("{name}{end}")));
        let lock = KernelMutex(lock_object(full("").as_deref(), how, id)?);
        let mut ours = ours();
        let even = Bell(bell_object(full("~bell0").as_deref(), how, id)?);
        let odd = Bell(bell_object(full("~bell1").as_deref(), how, id)?);
        let private = || format!("private {:p}", even.0.as_raw_handle());
        let key: Arc<str> = name.map_or_else(private, str::to_owned).into();
        *ours.get_or_insert_default().entry(Arc::clone(&key)).or_default() += 1;
        let bells = Bells { name: key, pair: Some([even, odd]) };
        Ok(Arc::new(Self { named: name.is_some(), lock, bells }))
    }

    /// What tells this lock from every other.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.bells.name
    }

    /// The lock.
    pub(crate) fn lock(&self) -> &KernelMutex {
        &self.lock
    }

    /// The bell of even (0) or of odd rounds (1).
    pub(crate) fn bell(&self, side: u32) -> Option<&Bell> {
        let [even, odd] = self.bells.pair.as_ref()?;
        Some(if side & 1 == 0 { even } else { odd })
    }

    /// Whether another process has handles to these objects.
    pub(super) fn others_are_here(&self) -> Option<bool> {
        if !self.named {
            return None;
        }
        let ours = ours();
        let mine = ours.as_ref()?.get(self.name()).copied()?;
        let mut information = PUBLIC_OBJECT_BASIC_INFORMATION::default();
        let size = u32::try_from(size_of_val(&information)).ok()?;
        // SAFETY: the handle is open; the target is writable for the size that is given.
        let status = unsafe {
            NtQueryObject(
                self.bell(0)?.0.as_raw_handle(),
                ObjectBasicInformation,
                (&raw mut information).cast(),
                size,
                ptr::null_mut(),
            )
        };
        (status >= 0).then_some(information.HandleCount > mine)
    }
}

impl Drop for Bells {
    fn drop(&mut self) {
        let mut ours = ours();
        self.pair = None;
        if let Some(counts) = ours.as_mut()
            && let Some(count) = counts.get_mut(&self.name)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.name);
            }
        }
    }
}

fn lock_object(name: Option<&[u16]>, how: How, id: &str) -> Result<OwnedHandle> {
    let rights = SYNCHRONIZATION_SYNCHRONIZE | MUTEX_MODIFY_STATE | READ_CONTROL;
    let attributes = security::attributes()?;
    let text = name.map_or(ptr::null(), <[u16]>::as_ptr);
    // SAFETY: the attributes outlive the call, and the name ends with a NUL.
    let handle = unsafe {
        match how {
            How::Open => OpenMutexW(rights, 0, text),
            How::Create | How::CreateOrOpen => {
                CreateMutexExW(&raw const attributes, text, 0, rights)
            }
        }
    };
    finish(handle, how, "CreateMutexEx", id)
}

fn bell_object(name: Option<&[u16]>, how: How, id: &str) -> Result<OwnedHandle> {
    let rights = SYNCHRONIZATION_SYNCHRONIZE | SEMAPHORE_MODIFY_STATE | READ_CONTROL;
    let attributes = security::attributes()?;
    let text = name.map_or(ptr::null(), <[u16]>::as_ptr);
    // SAFETY: as for the lock.
    let handle = unsafe {
        match how {
            How::Open => OpenSemaphoreW(rights, 0, text),
            How::Create | How::CreateOrOpen => {
                CreateSemaphoreExW(&raw const attributes, 0, i32::MAX, text, 0, rights)
            }
        }
    };
    finish(handle, how, "CreateSemaphoreEx", id)
}

fn finish(handle: HANDLE, how: How, syscall: &'static str, id: &str) -> Result<OwnedHandle> {
    let error = last_error();
    if !handle.is_null() {
        // SAFETY: a handle that was opened just now and belongs to nobody else.
        let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
        if how == How::Create && error == ERROR_ALREADY_EXISTS {
            return Err(Error::Exists { id: id.into() });
        }
        // Whoever makes an object of that name first decides who may use it, and could keep the lock for ever.
        let is_new =
            how == How::Create || how == How::CreateOrOpen && error != ERROR_ALREADY_EXISTS;
        if !is_new && !security::is_ours(handle.as_handle())? {
            let reason = "its lock belongs to another user";
            return Err(Error::Access { id: id.into(), reason, os: None });
        }
        return Ok(handle);
    }
    Err(from_code(OsError { syscall, errno: error.cast_signed() }, id, 0))
}
