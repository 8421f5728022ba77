//! The pages of mapped memory.

use crate::error::OsError;
use crate::memory::{Access, Region};

pub(crate) fn page_size() -> u64 {
    // SAFETY: takes a number and cannot fail.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096).max(1)
}

/// Writes bytes to a file at an offset.
pub(crate) fn write_at(
    file: &std::fs::File,
    bytes: &[u8],
    offset: u64,
) -> std::result::Result<(), OsError> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset).map_err(|error| OsError {
        syscall: "pwrite",
        errno: error.raw_os_error().unwrap_or(libc::ENOSPC),
    })
}

/// Has the kernel provide the pages of a region, as reading each of them or storing to each would.
///
/// # Errors If it cannot: the access would raise SIGBUS. The file system's reason is not known.
#[cfg(target_os = "linux")]
pub(crate) fn populate(
    region: &Region,
    access: Access,
) -> std::result::Result<(), Option<OsError>> {
    let advice = match access {
        Access::Read => libc::MADV_POPULATE_READ,
        Access::ReadWrite => libc::MADV_POPULATE_WRITE,
    };
    let page = usize::try_from(page_size()).unwrap_or(1);
    let before = region.as_ptr().addr() % page;
    let at = region.as_ptr().wrapping_sub(before);
    let length = region.len().saturating_add(before);
    loop {
        // SAFETY: whole pages, of which each has bytes of the region; the call changes no byte.
        let done = unsafe { libc::madvise(at.cast(), length, advice) };
        match OsError::last("madvise") {
            _ if done == 0 => return Ok(()),
            OsError { errno: libc::EINTR | libc::EAGAIN, .. } => {}
            OsError { errno: libc::EFAULT, .. } => return Err(None),
            os @ OsError { errno: libc::ENOMEM, .. } => return Err(Some(os)),
            // A kernel before 5.14, or a sandbox.
            _ => return Ok(()),
        }
    }
}

/// The system has no such call.
#[cfg(target_os = "macos")]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn populate(_: &Region, _: Access) -> std::result::Result<(), Option<OsError>> {
    Ok(())
}
