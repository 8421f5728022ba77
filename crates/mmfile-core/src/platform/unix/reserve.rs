//! Memory that is really there when it is written to, instead of a bus error.

use crate::error::OsError;
#[cfg(platform = "linux")]
use crate::memory::Backing;
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
        let error = match unsafe { libc::posix_fallocate(fd.as_raw_fd(), 0, length) } {
            0 => return Ok(()),
            // The musl that zig links keeps to the convention of other calls.
            -1 => OsError::last(syscall),
            errno => OsError { syscall, errno },
        };
        if error.errno != libc::EINTR {
            return Err(error);
        }
    }
}

// Of file systems, as `statfs(2)` has them.
#[cfg(platform = "linux")]
const BCACHEFS: u32 = 0xca45_1a4e;
#[cfg(platform = "linux")]
const BTRFS: u32 = 0x9123_683e;
#[cfg(platform = "linux")]
const EXT4: u32 = 0xef53; // and ext2, ext3
#[cfg(platform = "linux")]
const RAMFS: u32 = 0x8584_58f6;
#[cfg(platform = "linux")]
const TMPFS: u32 = 0x0102_1994;

#[cfg(platform = "linux")]
fn file_system(fd: &OwnedFd) -> Option<u32> {
    // SAFETY: an all-zero `statfs` is a valid value of that plain struct.
    let mut status: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and `status` is writable.
    let known = unsafe { libc::fstatfs(fd.as_raw_fd(), &raw mut status) } == 0;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "types differ by system"
    )]
    known.then_some(status.f_type as u32)
}

/// How a file's file system stores it.
#[cfg(platform = "linux")]
pub(crate) fn backing(fd: &OwnedFd) -> Backing {
    match file_system(fd) {
        Some(TMPFS | RAMFS) => Backing::Memory,
        Some(EXT4) => Backing::Kept,
        Some(BTRFS | BCACHEFS) => Backing::Written,
        _ => Backing::Moved,
    }
}

/// Has Btrfs write the blocks of a new, empty file in place, unless a snapshot or a copy shares them: the room that is
/// reserved for the file stays its own. Databases and the system's journal do the same. It keeps no checksums then.
#[cfg(platform = "linux")]
pub(crate) fn write_in_place(fd: &OwnedFd) {
    const NO_COPY_ON_WRITE: libc::c_int = 0x0080_0000; // FS_NOCOW_FL
    if file_system(fd) != Some(BTRFS) {
        return;
    }
    let mut flags: libc::c_int = 0;
    // SAFETY: the descriptor is open, and the calls read and write one number. A failure changes nothing.
    unsafe {
        if libc::ioctl(fd.as_raw_fd(), libc::FS_IOC_GETFLAGS, &raw mut flags) == 0 {
            flags |= NO_COPY_ON_WRITE;
            libc::ioctl(fd.as_raw_fd(), libc::FS_IOC_SETFLAGS, &raw const flags);
        }
    }
}

/// Reserves the holes of a file. If there is not enough room for all of them, none is.
#[cfg(platform = "linux")]
pub(crate) fn holes(fd: &OwnedFd) -> Result<(), OsError> {
    let stat = super::descriptor::fstat(fd).map_err(|error| error.os().unwrap_or(NO_SPACE))?;
    // In units of 512 bytes, whatever the file system's block size.
    let missing = stat.st_size - stat.st_blocks.saturating_mul(512);
    if missing <= 0 {
        return Ok(());
    }
    let mut needed = 0;
    let mut at = 0;
    while let Some(hole) = seek(fd, at, libc::SEEK_HOLE).filter(|hole| *hole < stat.st_size) {
        at = seek(fd, hole, libc::SEEK_DATA).unwrap_or(stat.st_size);
        needed += at - hole;
    }
    // Reserved but unwritten parts may count as holes; a compressed file has fewer blocks.
    let needed = u64::try_from(needed.min(missing)).unwrap_or(0);
    if free_bytes(fd).is_some_and(|free| free < needed) {
        return Err(NO_SPACE);
    }
    let reserved = super::retry(|| {
        // SAFETY: the descriptor is open; the call touches no memory of ours.
        unsafe { libc::fallocate(fd.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, 0, stat.st_size) }
    });
    match reserved {
        Err(errno @ (libc::ENOSPC | libc::EDQUOT)) => Err(OsError { errno, ..NO_SPACE }),
        // Reserved as far as this file system can: every write asks again.
        _ => Ok(()),
    }
}

#[cfg(platform = "linux")]
const NO_SPACE: OsError = OsError { syscall: "fallocate", errno: libc::ENOSPC };

/// Where the next hole or the next data begins.
#[cfg(platform = "linux")]
fn seek(fd: &OwnedFd, from: libc::off_t, whence: i32) -> Option<libc::off_t> {
    // SAFETY: the descriptor is open. Its position is used for nothing.
    let at = unsafe { libc::lseek(fd.as_raw_fd(), from, whence) };
    (at >= 0).then_some(at)
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

/// The free space of the file system of `fd`. It is checked first: otherwise a size that is far too large
/// would be refused only after all free space has been filled.
fn free_bytes(fd: &OwnedFd) -> Option<u64> {
    // SAFETY: an all-zero `statvfs` is a valid value of that plain struct.
    let mut status: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and `status` is writable.
    if unsafe { libc::fstatvfs(fd.as_raw_fd(), &raw mut status) } != 0 || status.f_blocks == 0 {
        return None; // a tmpfs without a limit says 0 of 0
    }
    Some(status.f_bavail.saturating_mul(status.f_frsize))
}
