//! The same on Linux, where `--cfg mmfile_portable` has the tests run what macOS runs.

pub(super) use super::super::unix::reserve::is_plausible;

use super::super::unix::{descriptor, permissions, reserve, retry};
use crate::error::{OsError, Result};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

// Sleepers wait on a word here.
use io_uring as _;

#[allow(clippy::unnecessary_wraps, reason = "on macOS it can fail")]
pub(super) fn default_folder() -> Result<PathBuf> {
    Ok(format!("/tmp/mmfile-portable-{}", permissions::current_user()).into())
}

pub(crate) fn set_size(fd: &OwnedFd, size: u64) -> std::result::Result<(), OsError> {
    descriptor::set_size(fd, size).and_then(|()| reserve::allocate(fd, size))
}

pub(super) fn sync(fd: &OwnedFd) -> std::result::Result<(), OsError> {
    // SAFETY: the descriptor is open.
    retry(|| unsafe { libc::fsync(fd.as_raw_fd()) })
        .map(|_| ())
        .map_err(|errno| OsError { syscall: "fsync", errno })
}
