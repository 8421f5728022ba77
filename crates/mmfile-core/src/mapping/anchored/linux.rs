//! Where the folder of this user is when what macOS uses is run on Linux, by `--cfg mmfile_portable`.

use crate::error::Result;
use crate::mapping::current_user;
use std::path::PathBuf;

#[allow(clippy::unnecessary_wraps, reason = "on macOS it can fail")]
pub(super) fn folder() -> Result<PathBuf> {
    Ok(format!("/tmp/mmfile-portable-{}", current_user()).into())
}
