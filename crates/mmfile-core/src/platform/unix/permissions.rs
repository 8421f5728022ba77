//! Who may use an object: this user alone.

use crate::error::{Error, Result};

/// The mode of every object, file and anchor that is created.
pub(crate) const MODE: libc::mode_t = 0o600;

/// The user on whose behalf this process acts.
pub(crate) fn current_user() -> libc::uid_t {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Refuses what is not a regular file.
pub(crate) fn check_regular(stat: &libc::stat, id: &str) -> Result<()> {
    if stat.st_mode & libc::S_IFMT == libc::S_IFREG {
        return Ok(());
    }
    Err(Error::access(id, "something else stands at its name"))
}

/// Refuses an object of another user, and one that other users may open.
pub(crate) fn check_private(stat: &libc::stat, id: &str) -> Result<()> {
    if stat.st_uid != current_user() {
        return Err(Error::access(id, "it belongs to another user"));
    }
    if stat.st_mode & 0o077 != 0 {
        return Err(Error::access(id, "its permissions let other users in"));
    }
    Ok(())
}
