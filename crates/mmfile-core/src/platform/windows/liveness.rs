//! Which processes, and which handles, have an object open. The kernel tells: it closes all handles of a
//! process when the process ends, however it ends.
//!
//! A handle on an object keeps three events open, which nothing ever sets. One is named after the handle: if
//! it can be opened, the handle is alive. One is named after the object, and one after the object and the
//! process: other processes have the object open if the kernel counts more handles of the former than of the
//! latter. All names are beside the object's lock, in `Local\` or in `Global\`.

use super::sync_objects::{How, KernelMutex, Waited, named_object};
use super::{last_error, wide};
use crate::error::{Error, Result};
use crate::object::nonce::new_nonce;
use crate::platform::process_number;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::OnceLock;
use std::time::Duration;
use windows_sys::Wdk::Foundation::{NtQueryObject, ObjectBasicInformation};
use windows_sys::Win32::Foundation::ERROR_FILE_NOT_FOUND;
use windows_sys::Win32::Storage::FileSystem::READ_CONTROL;
use windows_sys::Win32::System::Threading::{
    CreateEventExW, OpenEventW, SYNCHRONIZATION_SYNCHRONIZE,
};
use windows_sys::Win32::System::WindowsProgramming::PUBLIC_OBJECT_BASIC_INFORMATION;

/// A handle that counts as alive. Dropping it leaves the object.
#[derive(Debug)]
pub(super) struct Presence {
    nonce: u64,
    /// Its own event.
    _alive: OwnedHandle,
    /// The object's event, and this process's event. `None` only while it is dropped.
    counted: Option<[OwnedHandle; 2]>,
}

impl Presence {
    /// Counts as alive from here on, for the object with the lock of that name.
    pub(super) fn enter(lock: &str, id: &str) -> Result<Self> {
        let (nonce, alive) = loop {
            let nonce = new_nonce();
            match event(&alive_name(lock, nonce), How::Create, id) {
                Err(Error::Exists { .. }) => {} // another copy of this library has the number
                alive => break (nonce, alive?),
            }
        };
        let _counting = Counting::begin(id)?;
        let all = event(&format!("{lock}~here"), How::CreateOrOpen, id)?;
        let of_process =
            event(&format!("{lock}~here-{:x}", process_number()), How::CreateOrOpen, id)?;
        Ok(Self { nonce, _alive: alive, counted: Some([all, of_process]) })
    }

    /// The number of the handle.
    pub(super) fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Whether another process has the object open. `None` where the system does not tell.
    pub(super) fn has_other_process(&self) -> Option<bool> {
        let _counting = Counting::begin("").ok()?;
        let [all, of_process] = self.counted.as_ref()?;
        Some(handles(all)? > handles(of_process)?)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let _counting = Counting::begin("");
        self.counted = None;
    }
}

/// Whether the handle of that number is open, on an object with the lock of that name. One that cannot be
/// asked about counts as open.
pub(super) fn is_alive(lock: &str, nonce: u64) -> bool {
    let name = wide(&alive_name(lock, nonce));
    // SAFETY: the name ends with a NUL.
    let event = unsafe { OpenEventW(SYNCHRONIZATION_SYNCHRONIZE, 0, name.as_ptr()) };
    if event.is_null() {
        return last_error() != ERROR_FILE_NOT_FOUND;
    }
    // SAFETY: a handle that was opened just now and has no other owner. It is closed at once.
    drop(unsafe { OwnedHandle::from_raw_handle(event) });
    true
}

fn alive_name(lock: &str, nonce: u64) -> String {
    let scope = lock.split_once('\\').map_or("Local", |(scope, _)| scope);
    format!("{scope}\\mmfile-alive-{nonce:x}")
}

fn event(name: &str, how: How, id: &str) -> Result<OwnedHandle> {
    let rights = SYNCHRONIZATION_SYNCHRONIZE | READ_CONTROL;
    // SAFETY: the name is one of `named_object`, as are the attributes.
    named_object(Some(name), how, "CreateEventEx", id, |name, attributes| unsafe {
        CreateEventExW(attributes, name, 0, rights)
    })
}

/// How many handles of all processes lead to an event.
fn handles(event: &OwnedHandle) -> Option<u32> {
    let mut information = PUBLIC_OBJECT_BASIC_INFORMATION::default();
    let size = u32::try_from(size_of_val(&information)).ok()?;
    let (class, target) = (ObjectBasicInformation, (&raw mut information).cast());
    // SAFETY: the handle is open; the target is writable for the size that is given.
    let status =
        unsafe { NtQueryObject(event.as_raw_handle(), class, target, size, ptr::null_mut()) };
    (status >= 0).then_some(information.HandleCount)
}

/// While it exists, the counts of this process do not change: no thread opens or closes one of its two events
/// without the other, in any copy of this library.
struct Counting(&'static KernelMutex);

impl Counting {
    fn begin(id: &str) -> Result<Self> {
        static MUTEX: OnceLock<KernelMutex> = OnceLock::new();
        let mutex = match MUTEX.get() {
            Some(mutex) => mutex,
            None => {
                let name = format!("Local\\mmfile-process-{:x}", process_number());
                let made = KernelMutex::new(Some(&name), How::CreateOrOpen, id)?;
                MUTEX.get_or_init(|| made)
            }
        };
        match mutex.wait(Duration::MAX) {
            Waited::Acquired | Waited::Abandoned => Ok(Self(mutex)),
            Waited::TimedOut | Waited::Failed => Err(Error::access(id, "the system refuses it")),
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.0.release();
    }
}
