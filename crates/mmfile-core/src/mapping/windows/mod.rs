//! Everything of this folder for Windows: sections in the page file under names in `Local\`, and files
//! on disk.
//!
//! A control section brings its lock and its bells with it, which are objects of the kernel with names
//! of their own. All of them vanish with their last handle, however a process ends. So there is never
//! anything stale here, and no name can be taken away from those who use it: a file that has ended says
//! so in its control block. docs/decisions/0011-windows.md has the whole story.

mod directory;
mod disk;
mod kernel;
mod named;
mod object;
mod security;
mod view;

pub(crate) use disk::{create_disk, full_path, open_disk};
pub(crate) use kernel::{Bell, Kernel, Waited};
pub(crate) use named::{
    NAMES_OUTLIVE_PROCESSES, clear_up, create_beside, create_named, list_named, open_named,
    size_of_named, unlink,
};
pub(crate) use object::Object;
pub(super) use view::View;
pub(crate) use view::{map_control, map_copy_on_write, map_part, map_private};

use crate::error::{Error, OsError};
use windows_sys::Win32::Foundation::{
    ERROR_ALREADY_EXISTS, ERROR_COMMITMENT_LIMIT, ERROR_DISK_FULL, ERROR_FILE_EXISTS,
    ERROR_FILE_NOT_FOUND, ERROR_FILE_TOO_LARGE, ERROR_HANDLE_DISK_FULL, ERROR_INVALID_HANDLE,
    ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_ENOUGH_MEMORY, ERROR_NOT_ENOUGH_QUOTA, ERROR_OUTOFMEMORY,
    ERROR_PATH_NOT_FOUND, ERROR_SHARING_VIOLATION, ERROR_TOO_MANY_OPEN_FILES, GetLastError,
    WIN32_ERROR,
};

/// The calling thread's last error.
fn last_error() -> WIN32_ERROR {
    // SAFETY: takes nothing and cannot fail.
    unsafe { GetLastError() }
}

/// A text as the system wants it: UTF-16 that ends with a NUL.
fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// The upper and the lower half of a number.
fn halves(number: u64) -> (u32, u32) {
    let lower = u32::try_from(number & u64::from(u32::MAX)).unwrap_or(0);
    (u32::try_from(number >> 32).unwrap_or(0), lower)
}

/// The error that an OS error number means to a caller who wanted `size` bytes of `id`.
fn from_code(os: OsError, id: &str, size: u64) -> Error {
    let id = id.to_owned();
    match os.errno.cast_unsigned() {
        ERROR_FILE_NOT_FOUND | ERROR_PATH_NOT_FOUND => Error::NotFound { id },
        ERROR_FILE_EXISTS | ERROR_ALREADY_EXISTS => Error::Exists { id },
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
        ERROR_INVALID_HANDLE => {
            Error::Access { id, reason: "something else stands at its name", os: Some(os) }
        }
        ERROR_SHARING_VIOLATION => {
            Error::Access { id, reason: "another program has it open for itself", os: Some(os) }
        }
        _ => Error::Access { id, reason: "the system refuses it", os: Some(os) },
    }
}
