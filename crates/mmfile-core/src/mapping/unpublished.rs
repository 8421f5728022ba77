//! A file on disk that has no path yet: one without a name, which Linux links when it is whole.

use super::disk::{c_string, open_with};
use super::object::{Object, from_errno, retry};
use crate::error::{Error, OsError, Result};
use std::path::{Path, PathBuf};

/// A new file that is removed again unless it is published.
pub(crate) struct Unpublished {
    object: Option<Object>,
    /// Its path, where it had to be made there.
    at: Option<PathBuf>,
}

/// Makes an empty one that is to get that path.
pub(super) fn make(path: &Path, id: &str) -> Result<Unpublished> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match open_with(parent, libc::O_RDWR | libc::O_TMPFILE, id) {
        Err(Error::Access {
            os: Some(OsError { errno: libc::EOPNOTSUPP | libc::EISDIR, .. }),
            ..
        }) => {
            let object = open_with(path, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, id)?;
            Ok(Unpublished { object: Some(object), at: Some(path.to_owned()) })
        }
        opened => Ok(Unpublished { object: Some(opened?), at: None }),
    }
}

impl Unpublished {
    pub(crate) fn object(&self) -> Result<&Object> {
        self.object.as_ref().ok_or(Error::Closed)
    }

    /// Gives the finished file its path, which nothing may have yet.
    pub(crate) fn publish(&mut self, path: &Path) -> Result<Object> {
        if self.at.take().is_none() {
            publish(self.object()?, path)?;
        }
        self.object.take().ok_or(Error::Closed)
    }
}

impl Drop for Unpublished {
    fn drop(&mut self) {
        if let Some(path) = &self.at {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn publish(object: &Object, path: &Path) -> Result<()> {
    let id = path.to_string_lossy();
    let source = c_string(Path::new(&format!("/proc/self/fd/{}", object.descriptor())))?;
    let target = c_string(path)?;
    retry(|| {
        // SAFETY: both are NUL-terminated strings that outlive the call.
        unsafe {
            libc::linkat(
                libc::AT_FDCWD,
                source.as_ptr(),
                libc::AT_FDCWD,
                target.as_ptr(),
                libc::AT_SYMLINK_FOLLOW,
            )
        }
    })
    .map(|_| ())
    .map_err(|errno| from_errno(OsError { syscall: "linkat", errno }, &id, 0))
}
