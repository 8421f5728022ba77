//! Locks on single bytes of a file, which belong to an open file description: the kernel gives them back
//! when the last descriptor of it is closed, however that comes about. The bytes need not be there.

use super::object::retry;
use std::os::fd::{AsRawFd, OwnedFd};

/// What to have of a range of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// A lock that others may have as well.
    Shared,
    /// One that excludes all others.
    Alone,
    /// None any more.
    Nothing,
}

/// A range as `fcntl` takes it. A length of 0 reaches as far as a file can.
#[allow(
    clippy::cast_possible_truncation,
    clippy::unnecessary_cast,
    reason = "types differ by system"
)]
fn range(hold: Hold, start: u64, length: u64) -> Result<libc::flock, i32> {
    // SAFETY: an all-zero `flock` is a valid value of that plain struct.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = match hold {
        Hold::Shared => libc::F_RDLCK as libc::c_short,
        Hold::Alone => libc::F_WRLCK as libc::c_short,
        Hold::Nothing => libc::F_UNLCK as libc::c_short,
    };
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = libc::off_t::try_from(start).map_err(|_| libc::EINVAL)?;
    lock.l_len = libc::off_t::try_from(length).map_err(|_| libc::EINVAL)?;
    Ok(lock)
}

/// Takes, changes or gives back a lock, without waiting. `false` if somebody else's is in the way, and
/// what was held before stays then; or the error number.
pub(crate) fn set(fd: &OwnedFd, hold: Hold, start: u64, length: u64) -> Result<bool, i32> {
    let mut lock = range(hold, start, length)?;
    let done = retry(|| {
        // SAFETY: the descriptor is open, and `lock` is writable and outlives the call.
        unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_OFD_SETLK, &raw mut lock) }
    });
    match done {
        Ok(_) => Ok(true),
        Err(libc::EAGAIN | libc::EACCES) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Whether anybody who opened the file elsewhere has a lock there. `None` where it cannot be told.
#[allow(
    clippy::cast_possible_truncation,
    clippy::unnecessary_cast,
    reason = "types differ by system"
)]
pub(crate) fn is_locked(fd: &OwnedFd, start: u64, length: u64) -> Option<bool> {
    let mut lock = range(Hold::Alone, start, length).ok()?;
    let done = retry(|| {
        // SAFETY: as in `set`.
        unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) }
    });
    done.ok().map(|_| lock.l_type != libc::F_UNLCK as libc::c_short)
}
