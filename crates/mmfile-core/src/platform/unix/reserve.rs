//! Memory that is really there when it is written to, instead of a bus error.

use crate::error::OsError;
use std::os::fd::{AsRawFd, OwnedFd};

/// Below this size the check of the free memory costs more than it can save.
const LARGE: u64 = 16 << 20;

/// Whether the machine can have so much memory at all: filling its last page on the way to a refusal
/// would get this process or another killed.
pub(crate) fn is_plausible(size: u64) -> bool {
    if size < LARGE {
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

/// Reserves the space of a file on disk.
pub(crate) fn allocate(fd: &OwnedFd, size: u64) -> Result<(), OsError> {
    let syscall = "posix_fallocate";
    let length = length_that_fits(fd, size).map_err(|errno| OsError { syscall, errno })?;
    loop {
        // SAFETY: the descriptor is open; the call touches no memory of ours.
        match unsafe { libc::posix_fallocate(fd.as_raw_fd(), 0, length) } {
            0 => return Ok(()),
            libc::EINTR => {}
            errno => return Err(OsError { syscall, errno }),
        }
    }
}

/// Reserves memory of a new object by writing zeros to it.
///
/// `posix_fallocate` would leave pages that are only cleared when they are first touched, one fault
/// after the other. Writing costs a fifth more here and makes each first touch, in every process, cost
/// a third: see docs/performance.md.
#[cfg(platform = "linux")]
pub(crate) fn fill(fd: &OwnedFd, from: u64, size: u64) -> Result<(), OsError> {
    const CHUNK: usize = 1 << 16;
    let syscall = "pwrite";
    let error = |errno| OsError { syscall, errno };
    let length = length_that_fits(fd, size).map_err(error)?;
    let zeros = vec![0_u8; usize::try_from(length).unwrap_or(CHUNK).min(CHUNK)];
    let mut at = libc::off_t::try_from(from).map_err(|_| error(libc::EFBIG))?;
    let end = at.checked_add(length).ok_or(error(libc::EFBIG))?;
    while at < end {
        let count = usize::try_from(end - at).unwrap_or(CHUNK).min(zeros.len());
        // SAFETY: the descriptor is open, and `count` bytes of `zeros` are readable.
        let written = unsafe { libc::pwrite(fd.as_raw_fd(), zeros.as_ptr().cast(), count, at) };
        if written > 0 {
            at += written as libc::off_t;
            crate::fault::point("fill.part");
            continue;
        }
        match OsError::last(syscall) {
            OsError { errno: libc::EINTR, .. } => {}
            error => return Err(error),
        }
    }
    Ok(())
}

/// The size as the system calls take it, if the file system has that much.
fn length_that_fits(fd: &OwnedFd, size: u64) -> Result<libc::off_t, i32> {
    let length = libc::off_t::try_from(size).map_err(|_| libc::EFBIG)?;
    match (size >= LARGE).then(|| free_bytes(fd)).flatten() {
        Some(free) if size > free => Err(libc::ENOSPC),
        _ => Ok(length),
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
