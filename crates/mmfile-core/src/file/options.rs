//! How a file is created and opened.

use crate::control::Lifetime;
use crate::ids::{FileId, Prefixes};
use crate::memory::{Access, Mode};
use crate::timeouts::DEFAULT_LOCK_TIMEOUT;
use std::path::PathBuf;
use std::time::Duration;

/// Options of [`crate::MmFile::create_new`].
#[derive(Debug, Clone)]
pub struct CreateOptions {
    /// The id; `None` for a fresh UUID.
    pub id: Option<FileId>,
    /// Whether operations take the lock. `false` is right only while one process writes.
    pub synchronized: bool,
    /// How long the file can be opened.
    pub lifetime: Lifetime,
    /// How long an operation waits for the lock before [`crate::Error::Timeout`].
    pub lock_timeout: Duration,
    /// The folder of the object; `None` for the one that `MMFILE_DIRECTORY` names, or the system's.
    pub directory: Option<PathBuf>,
    /// The text before the id in the objects' names.
    pub prefixes: Prefixes,
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self {
            id: None,
            synchronized: true,
            lifetime: Lifetime::Creator,
            lock_timeout: DEFAULT_LOCK_TIMEOUT,
            directory: None,
            prefixes: Prefixes::default(),
        }
    }
}

/// Options of [`crate::MmFile::open_existing`].
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// What the handle is allowed to do.
    pub access: Access,
    /// Whether operations take the lock. `false` is right only while one process writes.
    pub synchronized: bool,
    /// How long an operation waits for the lock, and opening for a process that removes the name.
    pub lock_timeout: Duration,
    /// The folder of the object; `None` for the one that `MMFILE_DIRECTORY` names, or the system's.
    pub directory: Option<PathBuf>,
    /// The text before the id in the objects' names.
    pub prefixes: Prefixes,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            access: Access::ReadWrite,
            synchronized: true,
            lock_timeout: DEFAULT_LOCK_TIMEOUT,
            directory: None,
            prefixes: Prefixes::default(),
        }
    }
}

impl OpenOptions {
    pub(super) fn mode(&self) -> Mode {
        Mode { access: self.access, synchronized: self.synchronized }
    }
}

/// A creator may read and write.
impl From<&CreateOptions> for OpenOptions {
    fn from(options: &CreateOptions) -> Self {
        Self {
            access: Access::ReadWrite,
            synchronized: options.synchronized,
            lock_timeout: options.lock_timeout,
            directory: options.directory.clone(),
            prefixes: options.prefixes.clone(),
        }
    }
}
