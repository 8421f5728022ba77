//! The meanings of the error numbers that system calls report.

use crate::error::{Error, OsError};

/// The error that an OS error number means to a caller who wanted `size` bytes of `id`.
pub(crate) fn from_errno(os: OsError, id: &str, size: u64) -> Error {
    let no_space = |needed: String| Error::NoSpace { needed, os: Some(os) };
    match os.errno {
        libc::ENOENT => Error::not_found(id),
        libc::EEXIST => Error::Exists { id: id.into() },
        // Any user can set one on their own file.
        libc::EAGAIN if os.syscall == "open" => {
            let reason = "a program has a lease on it: try again when it has given that up";
            Error::Access { id: id.into(), reason, os: Some(os) }
        }
        libc::ENOMEM
        | libc::EAGAIN
        | libc::ENOSPC
        | libc::EFBIG
        | libc::EOVERFLOW
        | libc::EDQUOT => no_space(format!("{size} bytes of shared memory")),
        libc::EMFILE | libc::ENFILE => no_space("another file descriptor".into()),
        libc::ENODEV | libc::ENOSYS | libc::EOPNOTSUPP => Error::Unsupported {
            what: "a call that this kernel or file system refuses: choose another folder with \
                   `directory`"
                .into(),
            os: Some(os),
        },
        libc::ELOOP | libc::EISDIR | libc::EINVAL | libc::ENXIO | libc::ENOTDIR => {
            let reason = match os.errno {
                libc::EISDIR => "it is a folder",
                libc::ENOTDIR => "a part of its path is no folder",
                libc::ENXIO => "it is a pipe, a socket or a device",
                _ => "something else stands at its name",
            };
            Error::Access { id: id.into(), reason, os: Some(os) }
        }
        _ => Error::Access { id: id.into(), reason: "the system refuses it", os: Some(os) },
    }
}

/// The error of a flush that failed.
pub(crate) fn not_flushed(os: OsError) -> Error {
    Error::not_flushed(os, matches!(os.errno, libc::ENOSPC | libc::EDQUOT))
}

/// Repeats a call that a signal interrupted; the error number of one that failed.
pub(crate) fn retry(mut call: impl FnMut() -> i32) -> std::result::Result<i32, i32> {
    loop {
        let result = call();
        if result >= 0 {
            return Ok(result);
        }
        match OsError::last("").errno {
            libc::EINTR => {}
            errno => return Err(errno),
        }
    }
}
