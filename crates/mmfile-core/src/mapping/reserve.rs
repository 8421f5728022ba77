//! Memory that is really there when it is written to, instead of a bus error.

use crate::error::OsError;
use std::os::fd::{AsRawFd, OwnedFd};

/// Below this size the look at the free memory costs more than it can save.
const WORTH_A_LOOK: u64 = 16 << 20;

/// Whether it makes sense to ask at all: filling the machine's last page on the way to a refusal
/// would get this process or another killed.
pub(super) fn is_plausible(size: u64) -> bool {
    if size < WORTH_A_LOOK {
        return true;
    }
    let Ok(info) = std::fs::read_to_string("/proc/meminfo") else { return true };
    let field = |name: &str| -> u64 {
        info.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())
            .unwrap_or(0)
            .saturating_mul(1024)
    };
    size <= field("MemAvailable").saturating_add(field("SwapFree"))
}

pub(super) fn allocate(fd: &OwnedFd, size: u64) -> Result<(), OsError> {
    let syscall = "posix_fallocate";
    let Ok(length) = libc::off_t::try_from(size) else {
        return Err(OsError { syscall, errno: libc::EFBIG });
    };
    if let Some(free) = free_bytes(fd)
        && size > free
    {
        return Err(OsError { syscall, errno: libc::ENOSPC });
    }
    loop {
        // SAFETY: the descriptor is open; the call touches no memory of ours.
        match unsafe { libc::posix_fallocate(fd.as_raw_fd(), 0, length) } {
            0 => return Ok(()),
            libc::EINTR => {}
            errno => return Err(OsError { syscall, errno }),
        }
    }
}

/// What the file system of `fd` has left. Asked first, since the refusal of a size that is far
/// too large would otherwise come only after everything that is free has been filled.
fn free_bytes(fd: &OwnedFd) -> Option<u64> {
    // SAFETY: an all-zero `statvfs` is a valid value of that plain struct.
    let mut status: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and `status` is writable.
    if unsafe { libc::fstatvfs(fd.as_raw_fd(), &raw mut status) } != 0 || status.f_blocks == 0 {
        return None; // a tmpfs without a limit says 0 of 0
    }
    Some(status.f_bavail.saturating_mul(status.f_frsize))
}
