//! Memory that is really there when it is written to, as far as macOS can tell beforehand.

use crate::error::OsError;
use std::os::fd::{AsRawFd, OwnedFd};

/// Below this size the look at the machine's memory costs more than it can save.
const WORTH_A_LOOK: u64 = 16 << 20;

/// Whether it makes sense to ask at all. The system promises more memory than it has and enlarges its
/// swap files as it goes, so that only the machine's size is a limit which can be known.
pub(super) fn is_plausible(size: u64) -> bool {
    if size < WORTH_A_LOOK {
        return true;
    }
    let mut memory = 0_u64;
    let mut length = size_of::<u64>();
    // SAFETY: the name ends with a NUL, and as many bytes are writable as the call is told.
    let result = unsafe {
        libc::sysctlbyname(
            c"hw.memsize".as_ptr(),
            (&raw mut memory).cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    result != 0 || size <= memory
}

/// Reserves the space of a file on disk, and makes it that long.
pub(super) fn allocate(fd: &OwnedFd, size: u64) -> Result<(), OsError> {
    let too_large = |_| OsError { syscall: "ftruncate", errno: libc::EFBIG };
    let length = libc::off_t::try_from(size).map_err(too_large)?;
    let mut store = libc::fstore_t {
        fst_flags: libc::F_ALLOCATEALL,
        fst_posmode: libc::F_PEOFPOSMODE,
        fst_offset: 0,
        fst_length: length,
        fst_bytesalloc: 0,
    };
    // SAFETY: the descriptor is open, and `store` is writable and outlives the call.
    let result = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_PREALLOCATE, &raw mut store) };
    if result == -1 {
        let error = OsError::last("fcntl");
        // Some file systems cannot reserve: what they lack shows when they are written to.
        if !matches!(error.errno, libc::ENOTSUP | libc::EOPNOTSUPP | libc::EINVAL) {
            return Err(error);
        }
    }
    loop {
        // SAFETY: the descriptor is open.
        if unsafe { libc::ftruncate(fd.as_raw_fd(), length) } == 0 {
            return Ok(());
        }
        match OsError::last("ftruncate") {
            OsError { errno: libc::EINTR, .. } => {}
            error => return Err(error),
        }
    }
}

/// Has the system provide every page of a new object, of which `base` is a mapping, by writing to it.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere the system can refuse")]
pub(super) fn fill_mapped(_: &OwnedFd, base: *mut u8, length: usize) -> Result<(), OsError> {
    crate::fault::point("fill.part");
    // SAFETY: `length` bytes are mapped there and writable, and nobody else has the object yet.
    unsafe { std::ptr::write_bytes(base, 0, length) };
    Ok(())
}
