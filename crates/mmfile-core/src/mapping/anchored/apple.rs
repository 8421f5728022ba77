//! Where the folder of this user is, on macOS.

use crate::error::{Error, Result};
use std::ffi::CStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A folder in the one that the system keeps for this user's sessions. Not in its neighbour for
/// temporary files, `$TMPDIR`: from that one, the system takes away what nobody has read for three days,
/// also while it is open.
pub(super) fn folder() -> Result<PathBuf> {
    let mut text = [0_u8; 1024];
    // SAFETY: as many bytes are writable as the call is told.
    let needed =
        unsafe { libc::confstr(libc::_CS_DARWIN_USER_DIR, text.as_mut_ptr().cast(), text.len()) };
    let unsupported =
        || Error::Unsupported { what: "shared memory without a folder for this user" };
    if needed == 0 || needed > text.len() {
        return Err(unsupported());
    }
    let path = CStr::from_bytes_until_nul(&text).map_err(|_| unsupported())?;
    Ok(Path::new(std::ffi::OsStr::from_bytes(path.to_bytes())).join("mmfile"))
}
