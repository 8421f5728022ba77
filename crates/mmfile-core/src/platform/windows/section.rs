//! Sections: memory in the page file, by name, or of a file on disk.

use super::{from_code, halves, last_error, security, wide};
use crate::error::{Error, OsError, Result};
use crate::memory::Access;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_INVALID_HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::READ_CONTROL;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP, FILE_MAP_READ, FILE_MAP_WRITE, OpenFileMappingW, PAGE_READONLY,
    PAGE_READWRITE,
};
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};

/// Where the names of this user's session are.
const FOLDER: &str = "Local\\";
/// Below this size finding out the free memory costs more than it can save.
const WORTH_ASKING: u64 = 16 << 20;

/// A name in this user's session.
pub(super) fn in_session(name: &str) -> String {
    format!("{FOLDER}{name}")
}

/// The access that a handle has to its mapping.
pub(super) fn rights(access: Access) -> FILE_MAP {
    match access {
        Access::Read => FILE_MAP_READ,
        Access::ReadWrite => FILE_MAP_READ | FILE_MAP_WRITE,
    }
}

/// Creates a section that no process has yet, with its memory promised.
pub(super) fn create(name: &str, size: u64, id: &str) -> Result<OwnedHandle> {
    if isize::try_from(size).is_err() || !is_plausible(size) {
        return Err(Error::NoSpace { needed: format!("{size} bytes of shared memory"), os: None });
    }
    let (section, error) = make(None, Some(name), size, Access::ReadWrite)?;
    match (section, error) {
        (Some(_), ERROR_ALREADY_EXISTS)
        // Something that is no section, or that another user made.
        | (None, ERROR_INVALID_HANDLE | ERROR_ACCESS_DENIED) => Err(Error::Exists { id: id.into() }),
        (section, _) => finish(section, error, id, size),
    }
}

/// A section of a file on disk.
pub(super) fn of_file(file: BorrowedHandle<'_>, access: Access, id: &str) -> Result<OwnedHandle> {
    let (section, error) = make(Some(file), None, 0, access)?;
    finish(section, error, id, 0)
}

/// A section of this process alone.
pub(super) fn private(size: u64) -> Result<OwnedHandle> {
    let (section, error) = make(None, None, size, Access::ReadWrite)?;
    finish(section, error, "private memory", size)
}

/// A section of a file, or in the page file, and the system's last error.
fn make(
    file: Option<BorrowedHandle<'_>>,
    name: Option<&str>,
    size: u64,
    access: Access,
) -> Result<(Option<OwnedHandle>, u32)> {
    let attributes = security::attributes()?;
    let (high, low) = halves(size);
    let text = name.map(|name| wide(&in_session(name)));
    let text = text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
    let file = file.map_or(INVALID_HANDLE_VALUE, |file| file.as_raw_handle());
    let protection = match access {
        Access::Read => PAGE_READONLY,
        Access::ReadWrite => PAGE_READWRITE,
    };
    // SAFETY: the file is open, or it is the value that means the page file; the attributes and the name,
    // which ends with a NUL, outlive the call.
    let section =
        unsafe { CreateFileMappingW(file, &raw const attributes, protection, high, low, text) };
    let error = last_error();
    if section.is_null() {
        return Ok((None, error));
    }
    // SAFETY: a handle that was opened just now and has no other owner.
    Ok((Some(unsafe { OwnedHandle::from_raw_handle(section) }), error))
}

fn finish(section: Option<OwnedHandle>, error: u32, id: &str, size: u64) -> Result<OwnedHandle> {
    section.ok_or_else(|| {
        let os = OsError { syscall: "CreateFileMapping", errno: error.cast_signed() };
        from_code(os, id, size)
    })
}

/// Opens the section of that name, if it is this user's.
pub(super) fn open(name: &str, access: Access, id: &str) -> Result<OwnedHandle> {
    let text = wide(&in_session(name));
    // SAFETY: the name ends with a NUL.
    let section = unsafe { OpenFileMappingW(rights(access) | READ_CONTROL, 0, text.as_ptr()) };
    if section.is_null() {
        return Err(from_code(OsError::last("OpenFileMapping"), id, 0));
    }
    // SAFETY: a handle that was opened just now and has no other owner.
    let section = unsafe { OwnedHandle::from_raw_handle(section) };
    if !security::is_ours(section.as_handle())? {
        return Err(Error::access(id, "it belongs to another user"));
    }
    Ok(section)
}

/// Whether it makes sense to ask at all. The system promises no more than it has, but finding out may
/// make it enlarge its page file first.
fn is_plausible(size: u64) -> bool {
    if size < WORTH_ASKING {
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
