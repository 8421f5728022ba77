//! A file on disk that has not got its path yet: made beside it and linked when it is whole, where the
//! system has no files without a name.

use super::disk::open_with;
use super::object::{Object, from_errno};
use crate::error::{Error, OsError, Result};
use std::path::{Path, PathBuf};

/// What stands behind the name of a file that is not whole. The next one who makes a file of that name
/// takes it away if its maker has died.
const SUFFIX: &str = "~mmfile";
/// How often somebody may take away what was just made, before it was known that its maker lives.
const TRIES: u32 = 100;

/// A new file, and the name that it is removed from in the end, published or not.
pub(crate) struct Unpublished {
    object: Option<Object>,
    at: PathBuf,
}

/// Makes an empty one that is to get that path.
pub(super) fn make(path: &Path, id: &str) -> Result<Unpublished> {
    let mut at = path.as_os_str().to_owned();
    at.push(SUFFIX);
    let at = PathBuf::from(at);
    let flags = libc::O_RDWR | libc::O_NOFOLLOW;
    for _ in 0..TRIES {
        match open_with(&at, flags | libc::O_CREAT | libc::O_EXCL, id) {
            // Whoever has an object shared is alive, and nobody takes its name away.
            Ok(object) if object.share()? && object.is_linked() => {
                return Ok(Unpublished { object: Some(object), at });
            }
            Ok(_) | Err(Error::Exists { .. }) => {}
            Err(error) => return Err(error),
        }
        match open_with(&at, flags, id) {
            // Alone with it, and it is still there: its maker has died.
            Ok(left) if left.try_exclusive()? => {
                if left.is_linked() {
                    let _ = std::fs::remove_file(&at);
                }
            }
            Ok(_) => return Err(Error::Exists { id: id.into() }),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::Exists { id: id.into() })
}

impl Unpublished {
    pub(crate) fn object(&self) -> Result<&Object> {
        self.object.as_ref().ok_or(Error::Closed)
    }

    /// Gives the finished file its path, which nothing may have yet.
    pub(crate) fn publish(&mut self, path: &Path) -> Result<Object> {
        if let Err(error) = std::fs::hard_link(&self.at, path) {
            let errno = error.raw_os_error().unwrap_or(0);
            // A file system without links. Between the look and the renaming somebody else could make
            // a file there, and lose it.
            let linkless = matches!(errno, libc::ENOTSUP | libc::EPERM | libc::ENOSYS)
                && path.symlink_metadata().is_err();
            if !linkless || std::fs::rename(&self.at, path).is_err() {
                let os = OsError { syscall: "link", errno };
                return Err(from_errno(os, &path.to_string_lossy(), 0));
            }
        }
        self.object.take().ok_or(Error::Closed)
    }
}

impl Drop for Unpublished {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.at);
    }
}
