//! Folders: the one that holds named objects, and the names in it.

use super::descriptor::{Descriptor, Identity, fstat, identity_of};
use super::errno::{from_errno, retry};
use super::permissions::MODE;
use crate::error::{Error, OsError, Result};
use std::ffi::CString;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The environment variable that names the folder of all objects of a program.
const VARIABLE: &str = "MMFILE_DIRECTORY";

/// The folder that the caller names, or else the environment, as it is whichever folder the program works
/// in later.
pub(crate) fn chosen(directory: Option<&Path>) -> Result<Option<PathBuf>> {
    let path = match directory {
        Some(directory) => Some(directory.to_owned()),
        None => from_environment().filter(|path| !path.as_os_str().is_empty()),
    };
    path.map(|path| {
        std::path::absolute(&path).map_err(|_| Error::InvalidArgument {
            name: "directory",
            reason: "must be the path of a folder".into(),
        })
    })
    .transpose()
}

/// What the environment says; nothing in a program that runs with the rights of another user than the one
/// who set it.
fn from_environment() -> Option<PathBuf> {
    #[cfg(target_os = "linux")]
    // SAFETY: takes a number and cannot fail.
    let raised = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    #[cfg(target_os = "macos")]
    // SAFETY: takes nothing and cannot fail.
    let raised = unsafe { libc::issetugid() } != 0;
    if raised { None } else { std::env::var_os(VARIABLE).map(PathBuf::from) }
}

/// Opens a path and reports what is there. The last part of the path is not followed if it is a link,
/// unless `flags` are those of a path that the user named.
pub(crate) fn open(path: &Path, flags: i32, id: &str) -> Result<(OwnedFd, libc::stat)> {
    let text = c_string(path)?;
    let flags = flags | libc::O_CLOEXEC | libc::O_NONBLOCK;
    let raw = retry(|| {
        // SAFETY: a NUL-terminated string that outlives the call.
        unsafe { libc::open(text.as_ptr(), flags, libc::c_uint::from(MODE)) }
    })
    .map_err(|errno| from_errno(OsError { syscall: "open", errno }, id, 0))?;
    // SAFETY: a descriptor that was opened just now and has no other owner.
    let fd = unsafe { OwnedFd::from_raw_fd(raw) };
    let stat = fstat(&fd)?;
    Ok((fd, stat))
}

/// A lock descriptor of a path.
pub(crate) fn open_descriptor(path: &Path, flags: i32, id: &str) -> Result<Descriptor> {
    let (fd, stat) = open(path, flags, id)?;
    Descriptor::new(fd, &stat, id)
}

/// What a path leads to, without following a link at its end. `None` if there is nothing.
pub(crate) fn identity_at(path: &Path, id: &str) -> Result<Option<Identity>> {
    let text = c_string(path)?;
    // SAFETY: an all-zero `stat` is a valid value of that plain struct.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: a NUL-terminated string that outlives the call, and a writable target.
    match retry(|| unsafe { libc::lstat(text.as_ptr(), &raw mut stat) }) {
        Ok(_) => Ok(Some(identity_of(&stat))),
        Err(libc::ENOENT | libc::ENOTDIR) => Ok(None),
        Err(errno) => Err(from_errno(OsError { syscall: "stat", errno }, id, 0)),
    }
}

/// Removes a name.
pub(crate) fn unlink(path: &Path, id: &str) -> Result<()> {
    let text = c_string(path)?;
    crate::fault::point("unlink.begin");
    // SAFETY: a NUL-terminated string that outlives the call.
    let done = retry(|| unsafe { libc::unlink(text.as_ptr()) });
    crate::fault::point("unlink.done");
    match done {
        Ok(_) | Err(libc::ENOENT) => Ok(()),
        Err(errno) => Err(from_errno(OsError { syscall: "unlink", errno }, id, 0)),
    }
}

/// Gives an object another name, which nothing may have yet: [`Error::Exists`]. [`Error::NotFound`] if it
/// does not have the old one any more.
pub(crate) fn rename_exclusively(from: &Path, to: &Path, id: &str) -> Result<()> {
    let (old, new) = (c_string(from)?, c_string(to)?);
    let renamed = retry(|| {
        #[cfg(target_os = "linux")]
        // SAFETY: NUL-terminated strings that outlive the call.
        let result = unsafe {
            let here = libc::AT_FDCWD;
            let flags = libc::RENAME_NOREPLACE;
            libc::syscall(libc::SYS_renameat2, here, old.as_ptr(), here, new.as_ptr(), flags)
        };
        #[cfg(target_os = "macos")]
        // SAFETY: as above.
        let result = unsafe { libc::renamex_np(old.as_ptr(), new.as_ptr(), libc::RENAME_EXCL) };
        i32::try_from(result).unwrap_or(-1)
    });
    match renamed {
        Ok(_) => return Ok(()),
        Err(libc::EINVAL | libc::ENOSYS | libc::ENOTSUP | libc::EPERM) => {}
        Err(errno) => return Err(from_errno(OsError { syscall: "renameat2", errno }, id, 0)),
    }
    // An old kernel, a file system without such renames, or a sandbox that does not know the call.
    // SAFETY: as above.
    retry(|| unsafe { libc::link(old.as_ptr(), new.as_ptr()) }).map_err(|errno| {
        let os = OsError { syscall: "link", errno };
        match errno {
            libc::EPERM | libc::ENOSYS | libc::ENOTSUP => Error::Unsupported {
                what: "giving an object its name in one step (renameat2 with RENAME_NOREPLACE, or \
                       link): choose another folder",
                os: Some(os),
            },
            _ => from_errno(os, id, 0),
        }
    })?;
    unlink(from, id)
}

pub(crate) fn c_string(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::InvalidArgument {
        name: "path",
        reason: "must not contain a NUL character".into(),
    })
}
