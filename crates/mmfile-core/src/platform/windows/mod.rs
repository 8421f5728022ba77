//! Windows: sections in the page file, mutexes, semaphores and events under names in `Local\`, and files on
//! disk.
//!
//! A named object vanishes with its last handle, however a process ends. So nothing is ever stale here, and
//! no name can be taken from a process that uses it: a file that has ended says so in its control block.
//! docs/decisions/0011-windows.md gives the reasons.

mod constants;
mod directory;
mod disk;
mod disk_file;
mod folder;
mod foreign;
mod liveness;
mod mutex;
mod named;
mod object;
mod parts;
mod process;
mod section;
mod security;
pub(crate) mod semaphores;
mod sync_objects;
mod view;

pub(crate) use constants::*;
pub(crate) use disk::{Location, create_file, observe_file, open_file};
pub(crate) use folder::{Folder, listed_prefix};
pub(crate) use mutex::RawMutex;
pub(crate) use named::{create, list, observe, open, remove};
pub(crate) use object::Object;
pub(crate) use process::{
    PROCESS_BITS, boot_number, kill_self, process_namespace, process_number, stop_self, thread_id,
};
pub(crate) use semaphores as wake_word;
pub(crate) use sync_objects::SyncObjects;
pub(crate) use view::{map_private, release_pages};

use crate::error::{Error, OsError};
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_COMMITMENT_LIMIT, ERROR_DISK_FULL, ERROR_FILE_EXISTS,
    ERROR_FILE_NOT_FOUND, ERROR_FILE_TOO_LARGE, ERROR_HANDLE_DISK_FULL, ERROR_INVALID_HANDLE,
    ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY, ERROR_NOT_ENOUGH_QUOTA, ERROR_OUTOFMEMORY,
    ERROR_PATH_NOT_FOUND, ERROR_SHARING_VIOLATION, ERROR_TOO_MANY_OPEN_FILES, GetLastError,
    WIN32_ERROR,
};

/// Never called: a file's clusters are its own as soon as it has its size.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn populate(
    _: &crate::memory::Region,
    _: crate::memory::Access,
) -> Result<(), Option<OsError>> {
    Ok(())
}

/// Never called, as above.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn write_at(_: &std::fs::File, _: &[u8], _: u64) -> Result<(), crate::error::OsError> {
    Ok(())
}

/// The calling thread's last error.
fn last_error() -> WIN32_ERROR {
    // SAFETY: takes nothing and cannot fail.
    unsafe { GetLastError() }
}

/// A text in the system's form: UTF-16 that ends with a NUL.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// The upper and the lower half of a number.
fn halves(number: u64) -> (u32, u32) {
    let lower = u32::try_from(number & u64::from(u32::MAX)).unwrap_or(0);
    (u32::try_from(number >> 32).unwrap_or(0), lower)
}

/// The error of a flush that failed.
fn not_flushed(os: OsError) -> Error {
    let is_full = matches!(os.errno.cast_unsigned(), ERROR_HANDLE_DISK_FULL | ERROR_DISK_FULL);
    Error::not_flushed(os, is_full)
}

/// The error that an OS error number means to a caller who wanted `size` bytes of `id`.
fn from_code(os: OsError, id: &str, size: u64) -> Error {
    let access = |reason| Error::Access { id: id.into(), reason, os: Some(os) };
    match os.errno.cast_unsigned() {
        ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND => Error::not_found(id),
        ERROR_FILE_EXISTS | ERROR_ALREADY_EXISTS => Error::Exists { id: id.into() },
        ERROR_NOT_ENOUGH_MEMORY
        | ERROR_OUTOFMEMORY
        | ERROR_COMMITMENT_LIMIT
        | ERROR_NO_SYSTEM_RESOURCES
        | ERROR_NOT_ENOUGH_QUOTA
        | ERROR_FILE_TOO_LARGE
        | ERROR_HANDLE_DISK_FULL
        | ERROR_DISK_FULL => {
            Error::NoSpace { needed: format!("{size} bytes of shared memory"), os: Some(os) }
        }
        ERROR_TOO_MANY_OPEN_FILES => {
            Error::NoSpace { needed: "another handle".into(), os: Some(os) }
        }
        ERROR_INVALID_HANDLE => access("something else stands at its name"),
        ERROR_SHARING_VIOLATION => access("another program has it open for itself"),
        _ => access("the system refuses it"),
    }
}
