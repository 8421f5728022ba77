//! Files on disk: the data from byte 0, and behind it, in the same file, the control block. Lock and
//! control block therefore belong to that file by whatever path, link or mount it is opened.

use super::object::{Object, from_errno, retry};
use super::unpublished::{self, Unpublished};
use super::{Access, control_offset, reserve};
use crate::control::layout::CONTROL_SIZE;
use crate::error::{Error, OsError, Result};
use std::ffi::CString;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Makes a file with its space reserved. Where the system can do that it is not at its path yet,
/// so that nobody ever sees it half-made: see [`Unpublished::publish`].
pub(crate) fn create_disk(path: &Path, capacity: u64) -> Result<Unpublished> {
    let id = path.to_string_lossy().into_owned();
    let no_space = |os| Error::NoSpace { needed: format!("{capacity} bytes on disk"), os };
    let size = control_offset(capacity).and_then(|at| at.checked_add(CONTROL_SIZE));
    let Some(size) = size.filter(|size| i64::try_from(*size).is_ok()) else {
        return Err(no_space(None));
    };
    let file = unpublished::make(path, &id)?;
    file.object()?.share()?;
    reserve::allocate(file.object()?.fd(), size).map_err(|os| match from_errno(os, &id, size) {
        Error::NoSpace { os, .. } => no_space(os),
        other => other,
    })?;
    Ok(file)
}

/// Opens a file by its path, to write if that is allowed; whether it is.
pub(crate) fn open_disk(path: &Path, access: Access) -> Result<(Object, bool)> {
    let id = path.to_string_lossy();
    match open_with(path, libc::O_RDWR, &id) {
        Ok(object) => Ok((object, true)),
        Err(Error::Access { os: Some(OsError { errno, .. }), .. })
            if access == Access::Read
                && matches!(errno, libc::EACCES | libc::EPERM | libc::EROFS) =>
        {
            Ok((open_with(path, libc::O_RDONLY, &id)?, false))
        }
        Err(error) => Err(error),
    }
}

/// The path without links and dots, as other processes would best be told.
pub(crate) fn full_path(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

pub(super) fn open_with(path: &Path, flags: i32, id: &str) -> Result<Object> {
    let text = c_string(path)?;
    let flags = flags | libc::O_CLOEXEC | libc::O_NONBLOCK;
    let raw = retry(|| {
        // SAFETY: a NUL-terminated string that outlives the call.
        unsafe { libc::open(text.as_ptr(), flags, 0o600) }
    })
    .map_err(|errno| from_errno(OsError { syscall: "open", errno }, id, 0))?;
    // SAFETY: a descriptor that was opened just now and belongs to nobody else.
    Object::new(unsafe { OwnedFd::from_raw_fd(raw) }, id)
}

pub(super) fn c_string(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::InvalidArgument {
        name: "path",
        reason: "must not contain a NUL character".into(),
    })
}
