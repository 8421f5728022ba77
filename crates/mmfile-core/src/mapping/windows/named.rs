//! Sections by name.

use super::object::{Object, What};
use super::view::RawView;
use super::{Kernel, directory, from_code, halves, last_error, security, wide};
use crate::control::layout::CONTROL_SIZE;
use crate::error::{Error, OsError, Result};
use crate::mapping::{Access, Mapping};
use crate::name::CONTROL_SUFFIX;
use std::os::windows::io::{AsHandle, FromRawHandle, OwnedHandle};
use std::sync::Arc;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_INVALID_HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::READ_CONTROL;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, OpenFileMappingW, PAGE_READWRITE,
};
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};

/// Whether a name stays when every process that knew it is dead.
pub(crate) const NAMES_OUTLIVE_PROCESSES: bool = false;

/// A page, on every machine that Windows runs on.
const PAGE: u64 = 4096;
/// Where the names of this user's session are.
const FOLDER: &str = "Local\\";
/// Below this size the look at the free memory costs more than it can save.
const WORTH_A_LOOK: u64 = 16 << 20;

/// What the size of an object is that was made for so many bytes.
pub(crate) fn size_of_named(capacity: u64) -> u64 {
    capacity.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX)
}

/// The name of the lock that belongs to a control section of that name; `None` for a data section.
fn lock_name(name: &str) -> Option<String> {
    name.strip_suffix(CONTROL_SUFFIX).map(|lock| format!("{FOLDER}{lock}"))
}

/// Makes a section that nobody has yet, with its memory promised, and maps it; for a control block also
/// its lock and its bells.
pub(crate) fn create_named(name: &str, size: u64, id: &str) -> Result<(Object, Mapping)> {
    let (section, view) = create_section(name, size, id)?;
    crate::fault::point("named.sized");
    match lock_name(name) {
        Some(lock) => {
            let kernel = Kernel::create(&lock, id)?;
            Ok(control(section, view, lock, kernel))
        }
        None => Ok((Object::new(What::Data(section)), Mapping::of(view, None))),
    }
}

/// Makes the control section of data that a foreign program made. [`Error::NotFound`] if it is none: then
/// there is no lock, or what is ours beside it, in a process of ours that is just ending.
pub(crate) fn create_beside(name: &str, id: &str) -> Result<(Object, Mapping)> {
    let (section, view) = create_section(name, CONTROL_SIZE, id)?;
    let lock = lock_name(name).ok_or(Error::Unsupported { what: "a lock for this name" })?;
    let kernel = Kernel::join(&lock, id)?;
    Ok(control(section, view, lock, kernel))
}

fn control(
    section: OwnedHandle,
    view: Arc<RawView>,
    lock: String,
    kernel: Arc<Kernel>,
) -> (Object, Mapping) {
    let object = Object::new(What::Control { section, view: Arc::clone(&view), lock });
    let kernel = Arc::clone(object.kernel.get_or_init(|| kernel));
    (object, Mapping::of(view, Some(kernel)))
}

fn create_section(name: &str, size: u64, id: &str) -> Result<(OwnedHandle, Arc<RawView>)> {
    let no_space = |os| Error::NoSpace { needed: format!("{size} bytes of shared memory"), os };
    if isize::try_from(size).is_err() || !is_plausible(size) {
        return Err(no_space(None));
    }
    let attributes = security::attributes()?;
    let (high, low) = halves(size);
    let text = wide(&format!("{FOLDER}{name}"));
    // SAFETY: the attributes outlive the call, and the name ends with a NUL.
    let section = unsafe {
        CreateFileMappingW(
            INVALID_HANDLE_VALUE,
            &raw const attributes,
            PAGE_READWRITE,
            high,
            low,
            text.as_ptr(),
        )
    };
    let error = last_error();
    if section.is_null() {
        return match error {
            // Something that is no section, or that another user made.
            ERROR_INVALID_HANDLE | ERROR_ACCESS_DENIED => Err(Error::Exists { id: id.into() }),
            _ => {
                let os = OsError { syscall: "CreateFileMapping", errno: error.cast_signed() };
                Err(from_code(os, id, size))
            }
        };
    }
    // SAFETY: a handle that was opened just now and belongs to nobody else.
    let section = unsafe { OwnedHandle::from_raw_handle(section) };
    if error == ERROR_ALREADY_EXISTS {
        return Err(Error::Exists { id: id.into() });
    }
    let rights = FILE_MAP_READ | FILE_MAP_WRITE;
    let view = Arc::new(RawView::map(section.as_handle(), 0, size, rights)?);
    Ok((section, view))
}

/// Maps a section that is open. A control block that may be written to brings its lock and bells.
pub(crate) fn open_named(_: &str, object: &Object, access: Access, _: &str) -> Result<Mapping> {
    match &object.what {
        What::Control { view, .. } => {
            let kernel = match access {
                Access::ReadWrite => Some(object.kernel()?),
                Access::Read => None,
            };
            Ok(Mapping::of(Arc::clone(view), kernel))
        }
        What::Data(_) | What::Disk(_) => super::map_part(object, 0, 0, access),
    }
}

impl Object {
    /// Opens the section of that name, if it is this user's. One whose file has ended is not there.
    pub(crate) fn open(name: &str, access: Access, id: &str) -> Result<Self> {
        let rights = match access {
            Access::Read => FILE_MAP_READ,
            Access::ReadWrite => FILE_MAP_READ | FILE_MAP_WRITE,
        };
        let text = wide(&format!("{FOLDER}{name}"));
        // SAFETY: the name ends with a NUL.
        let section = unsafe { OpenFileMappingW(rights | READ_CONTROL, 0, text.as_ptr()) };
        if section.is_null() {
            let os = OsError::last("OpenFileMapping");
            return Err(from_code(os, id, 0));
        }
        // SAFETY: a handle that was opened just now and belongs to nobody else.
        let section = unsafe { OwnedHandle::from_raw_handle(section) };
        if !security::is_ours(section.as_handle())? {
            let reason = "it belongs to another user";
            return Err(Error::Access { id: id.into(), reason, os: None });
        }
        let Some(lock) = lock_name(name) else { return Ok(Self::new(What::Data(section))) };
        let view = RawView::map(section.as_handle(), 0, CONTROL_SIZE, rights).map_err(|_| {
            let reason = "it is too small for a control block";
            Error::Access { id: id.into(), reason, os: None }
        })?;
        let object = Self::new(What::Control { section, view: Arc::new(view), lock });
        if object.is_linked() { Ok(object) } else { Err(Error::NotFound { id: id.into() }) }
    }
}

/// The names of the control sections of this session, of whichever user.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere looking takes a descriptor")]
pub(crate) fn list_named() -> Result<Vec<String>> {
    let names = directory::sections().into_iter();
    Ok(names.filter(|name| name.ends_with(CONTROL_SUFFIX)).collect())
}

/// No removal is ever half done, since there is none.
pub(crate) fn clear_up() {}

/// Names go with their last handle, and not before.
pub(crate) fn unlink(_: &str) -> bool {
    false
}

/// Whether it makes sense to ask at all. The system promises no more than it has, but finding out may
/// make it enlarge its page file first.
fn is_plausible(size: u64) -> bool {
    if size < WORTH_A_LOOK {
        return true;
    }
    let mut status = MEMORYSTATUSEX {
        dwLength: u32::try_from(size_of::<MEMORYSTATUSEX>()).unwrap_or(0),
        ..Default::default()
    };
    // SAFETY: the target is writable and says its size.
    if unsafe { GlobalMemoryStatusEx(&raw mut status) } == 0 {
        return true;
    }
    size <= status.ullTotalPageFile
}
