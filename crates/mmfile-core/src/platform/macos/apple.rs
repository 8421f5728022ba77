//! Calls that macOS alone has.

use super::super::unix::descriptor::set_size as truncate;
use super::super::unix::retry;
use crate::error::{Error, OsError, Result};
use std::ffi::{CStr, OsStr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A folder in the one that the system keeps for this user's sessions. Not in `$TMPDIR`, the folder for
/// temporary files beside it: there the system removes files that were not read for three days, even while
/// they are open.
pub(super) fn default_folder() -> Result<PathBuf> {
    let mut text = [0_u8; 1024];
    // SAFETY: the target has the length that the call is given.
    let needed =
        unsafe { libc::confstr(libc::_CS_DARWIN_USER_DIR, text.as_mut_ptr().cast(), text.len()) };
    match CStr::from_bytes_until_nul(&text) {
        Ok(path) if needed > 0 && needed <= text.len() => {
            Ok(Path::new(OsStr::from_bytes(path.to_bytes())).join("mmfile"))
        }
        _ => Err(Error::unsupported("shared memory without a folder for this user")),
    }
}

/// Below this size the check of the machine's memory costs more than it can save.
const LARGE: u64 = 16 << 20;

/// Whether the machine can have so much memory at all. The system promises more than it has and enlarges its
/// swap files as it goes, so that only the machine's size is a limit which can be known.
pub(super) fn is_plausible(size: u64) -> bool {
    if size < LARGE {
        return true;
    }
    let mut memory = 0_u64;
    let mut length = size_of::<u64>();
    let (name, none) = (c"hw.memsize".as_ptr(), std::ptr::null_mut());
    // SAFETY: the name ends with a NUL, and the target has the length that the call is given.
    let result =
        unsafe { libc::sysctlbyname(name, (&raw mut memory).cast(), &raw mut length, none, 0) };
    result != 0 || size <= memory
}

/// Sets the size of a new file on disk, and reserves its space: before, since what is reserved comes behind
/// the file's end.
pub(crate) fn set_size(fd: &OwnedFd, size: u64) -> std::result::Result<(), OsError> {
    let error = |errno| OsError { syscall: "fcntl", errno };
    let mut store = libc::fstore_t {
        fst_flags: libc::F_ALLOCATEALL,
        fst_posmode: libc::F_PEOFPOSMODE,
        fst_offset: 0,
        fst_length: libc::off_t::try_from(size).map_err(|_| error(libc::EFBIG))?,
        fst_bytesalloc: 0,
    };
    // SAFETY: the descriptor is open, and `store` is writable and outlives the call.
    match retry(|| unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_PREALLOCATE, &raw mut store) }) {
        // Some file systems cannot reserve: a lack of room shows when they are written to.
        Ok(_) | Err(libc::ENOTSUP | libc::EOPNOTSUPP | libc::EINVAL) => truncate(fd, size),
        Err(errno) => Err(error(errno)),
    }
}

/// `fsync` would leave the disk's own cache out.
pub(super) fn sync(fd: &OwnedFd) -> std::result::Result<(), OsError> {
    // SAFETY: the descriptor is open.
    retry(|| unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_FULLFSYNC) })
        .map(|_| ())
        .map_err(|errno| OsError { syscall: "fcntl", errno })
}
