//! Open-file-description locks on ranges of bytes. The kernel releases them when the last descriptor of
//! the description is closed, however that happens. The bytes need not exist.

use super::errno::retry;
use crate::error::{Error, OsError, Result};
use crate::platform::locks::{ByteRange, LockKind};
use std::os::fd::{AsRawFd, OwnedFd};

#[allow(
    clippy::cast_possible_truncation,
    clippy::unnecessary_cast,
    reason = "types differ by system"
)]
const KINDS: [libc::c_short; 3] = [
    libc::F_RDLCK as libc::c_short,
    libc::F_WRLCK as libc::c_short,
    libc::F_UNLCK as libc::c_short,
];

/// A range as `fcntl` takes it.
fn range(kind: Option<LockKind>, range: ByteRange) -> std::result::Result<libc::flock, i32> {
    let [shared, exclusive, none] = KINDS;
    // SAFETY: an all-zero `flock` is a valid value of that plain struct.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = match kind {
        Some(LockKind::Shared) => shared,
        Some(LockKind::Exclusive) => exclusive,
        None => none,
    };
    #[allow(clippy::cast_possible_truncation, reason = "0")]
    let whence = libc::SEEK_SET as libc::c_short;
    lock.l_whence = whence;
    lock.l_start = libc::off_t::try_from(range.start).map_err(|_| libc::EINVAL)?;
    lock.l_len = libc::off_t::try_from(range.length).map_err(|_| libc::EINVAL)?;
    Ok(lock)
}

/// Acquires, converts or (`None`) releases a lock, without waiting. `false` if another description's lock
/// conflicts; locks held before stay then.
pub(crate) fn set(fd: &OwnedFd, kind: Option<LockKind>, bytes: ByteRange) -> Result<bool> {
    let mut lock = range(kind, bytes).map_err(refused)?;
    let done = retry(|| {
        // SAFETY: the descriptor is open, and `lock` is writable and outlives the call.
        unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_OFD_SETLK, &raw mut lock) }
    });
    match done {
        Ok(_) => Ok(true),
        Err(libc::EAGAIN | libc::EACCES) => Ok(false),
        Err(errno) => Err(refused(errno)),
    }
}

/// One lock of another description that conflicts with an exclusive one, if there is any.
pub(crate) fn blocker(fd: &OwnedFd, bytes: ByteRange) -> Result<Option<LockKind>> {
    let [shared, exclusive, _] = KINDS;
    let mut lock = range(Some(LockKind::Exclusive), bytes).map_err(refused)?;
    retry(|| {
        // SAFETY: as in `set`.
        unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) }
    })
    .map_err(refused)?;
    Ok(match lock.l_type {
        kind if kind == shared => Some(LockKind::Shared),
        kind if kind == exclusive => Some(LockKind::Exclusive),
        _ => None,
    })
}

fn refused(errno: i32) -> Error {
    let os = Some(OsError { syscall: "fcntl", errno });
    match errno {
        libc::ENOMEM => Error::NoSpace { needed: "a lock of the system's".into(), os },
        // A child whose descriptor could not be replaced.
        libc::EBADF => Error::forked(),
        _ => Error::Unsupported {
            what: "open file description locks (F_OFD_SETLK), which this kernel or file system \
                   lacks: choose another folder with `directory`"
                .into(),
            os,
        },
    }
}
