//! Folders: the one that holds named objects, and the names in it.

use super::descriptor::{Descriptor, Identity, fstat, identity_of};
use super::errno::{from_errno, retry};
use super::permissions::MODE;
use crate::error::{Error, OsError, Result};
use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The environment variable that names the folder of all objects of a program.
const VARIABLE: &str = "MMFILE_DIRECTORY";

/// The folder that the caller names, made absolute, or else the environment's.
///
/// # Errors [`Error::InvalidArgument`] for an invalid path; [`Error::Unsupported`] for a relative path in the
/// environment: processes that work in different folders, or one that goes to another, would not share it.
pub(crate) fn chosen(directory: Option<&Path>) -> Result<Option<PathBuf>> {
    let Some(directory) = directory else {
        return match from_environment().filter(|path| !path.as_os_str().is_empty()) {
            Some(path) if path.is_relative() => Err(Error::unsupported(format!(
                "the environment variable {VARIABLE} with a relative path ('{}'): set it to an absolute \
                 one",
                path.display()
            ))),
            path => Ok(path),
        };
    };
    let refused =
        |reason: &str| Error::InvalidArgument { name: "directory", reason: reason.into() };
    if directory.as_os_str().as_bytes().contains(&0) {
        return Err(refused("must not contain a NUL character"));
    }
    std::path::absolute(directory).map(Some).map_err(|_| refused("must be the path of a folder"))
}

/// The error for a folder in which a call failed with `os`, or found nothing. `None` if the folder is not the
/// reason.
pub(crate) fn fault_of(path: &Path, os: Option<OsError>, creates: bool) -> Option<Error> {
    let text = c_string(path).ok()?;
    // SAFETY: an all-zero `stat` is a valid value of that plain struct.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: a NUL-terminated string that outlives the call, and a writable target.
    let found = retry(|| unsafe { libc::stat(text.as_ptr(), &raw mut stat) });
    let is_folder = stat.st_mode & libc::S_IFMT == libc::S_IFDIR;
    let refused = |reason| {
        let id = path.to_string_lossy().into_owned();
        Some(Error::Access { id, reason, os })
    };
    let lacks = match (found, os.map(|os| os.errno)) {
        (Err(libc::ENOENT), _) => "which does not exist: create or mount it, or",
        (Err(libc::ENOTDIR), _) => "of whose path a part is no folder:",
        (Err(libc::ELOOP), _) => "which is a loop of links:",
        (_, Some(libc::ENAMETOOLONG)) => "where the names of objects would be too long:",
        (Err(libc::EACCES), _) => {
            return refused(
                "this user may not enter that folder: change its mode, or name another \
                            folder with `directory`",
            );
        }
        (Err(_), _) => return None,
        (Ok(_), _) if !is_folder => "which is no folder:",
        (Ok(_), _) if is_kernels_own(&text) => "where the kernel lets no program create files:",
        (Ok(_), Some(libc::EROFS)) => {
            return refused(
                "its file system is mounted read-only: name another folder with \
                            `directory`",
            );
        }
        (Ok(_), Some(libc::EACCES | libc::EPERM)) if creates => {
            return refused(
                "this user may create no files in that folder: change its mode, or name \
                            another folder with `directory`",
            );
        }
        (Ok(_), _) => return None,
    };
    let what =
        format!("objects in '{}', {lacks} name another folder with `directory`", path.display());
    Some(Error::Unsupported { what: what.into(), os })
}

/// Whether a folder is in a file system that has no space for files, such as /proc.
#[cfg(target_os = "linux")]
fn is_kernels_own(path: &CString) -> bool {
    /// File systems without a limit also report that they have none.
    const UNLIMITED: [u32; 3] = [0x0102_1994, 0x8584_58f6, 0x6573_5546]; // tmpfs, ramfs, FUSE
    // SAFETY: an all-zero `statfs` is a valid value of that plain struct.
    let mut status: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: a NUL-terminated string that outlives the call, and a writable target.
    let found = retry(|| unsafe { libc::statfs(path.as_ptr(), &raw mut status) });
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "32 bits in all")]
    let kind = status.f_type as u32;
    found.is_ok() && status.f_blocks == 0 && !UNLIMITED.contains(&kind)
}

#[cfg(not(target_os = "linux"))]
fn is_kernels_own(_: &CString) -> bool {
    false
}

/// The environment's folder; `None` in a program that runs with the rights of another user than the one who
/// set it.
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
    if flags & libc::O_CREAT != 0 {
        correct_mode(&fd, &stat, id)?;
    }
    Ok((fd, stat))
}

/// Gives what has just been created its mode, where the process's umask takes more than the rights of others.
pub(crate) fn correct_mode(fd: &OwnedFd, stat: &libc::stat, id: &str) -> Result<()> {
    if stat.st_mode & 0o777 == MODE {
        return Ok(());
    }
    // SAFETY: the descriptor is open.
    retry(|| unsafe { libc::fchmod(fd.as_raw_fd(), MODE) })
        .map(|_| ())
        .map_err(|errno| from_errno(OsError { syscall: "fchmod", errno }, id, 0))
}

/// The same for a path.
pub(crate) fn allow(path: &Path) -> Result<()> {
    let text = c_string(path)?;
    // SAFETY: a NUL-terminated string that outlives the call. It is the package's own name, which no other
    // user may replace.
    unsafe { libc::chmod(text.as_ptr(), MODE) };
    Ok(())
}

/// A lock descriptor of a path.
pub(crate) fn open_descriptor(path: &Path, flags: i32, id: &str) -> Result<Descriptor> {
    Descriptor::open(opener(path, flags, id), id)
}

/// Opens a path, possibly several times. The object that the first call created is still there the next time, unless
/// another process has removed it as a dead one's.
fn opener(path: &Path, flags: i32, id: &str) -> impl FnMut() -> Result<(OwnedFd, libc::stat)> {
    let mut created = 0;
    move || {
        let opened = match open(path, flags & !created, id) {
            Err(Error::NotFound { .. }) if created != 0 => open(path, flags, id)?,
            opened => opened?,
        };
        created = libc::O_CREAT | libc::O_EXCL;
        Ok(opened)
    }
}

/// The file at a path, without following a link at its end. `None` if there is nothing.
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
                       link): choose another folder"
                    .into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_another_process_removed_is_created_again() {
        let name = format!("mmfile-removed-meanwhile-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut open = opener(&path, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, "it");
        let (_first, created) = open().unwrap();
        let (_second, there) = open().unwrap();
        assert_eq!(created.st_ino, there.st_ino);
        std::fs::remove_file(&path).unwrap();
        let (_third, again) = open().unwrap();
        assert_ne!(created.st_ino, again.st_ino);
        std::fs::remove_file(&path).unwrap();
    }
}
