//! The system's limits for this process.

use crate::error::{Error, Result};

/// Refuses a file that is larger than this process may make one (`ulimit -f`): a call that made it so large
/// would end the process by a signal.
pub(crate) fn check_file_size(size: u64) -> Result<()> {
    // SAFETY: an all-zero `rlimit` is a valid value of that plain struct.
    let mut limit: libc::rlimit = unsafe { std::mem::zeroed() };
    // SAFETY: the target is writable.
    unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) };
    if limit.rlim_cur == libc::RLIM_INFINITY || size <= limit.rlim_cur {
        return Ok(());
    }
    let needed = format!(
        "a file of {size} bytes, of which this process may make {} (RLIMIT_FSIZE): raise it with \
         `ulimit -f`",
        limit.rlim_cur
    );
    Err(Error::NoSpace { needed, os: None })
}
