//! How a file is made and opened.

use crate::control::Lifetime;
use crate::mapping::Access;
use crate::name::{FileId, Prefixes};
use std::time::Duration;

/// How long an operation waits for the lock, unless told otherwise.
pub const DEFAULT_LOCK_TIMEOUT: Duration = Duration::from_secs(10);

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
    /// What stands before the id in the objects' names.
    pub prefixes: Prefixes,
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self {
            id: None,
            synchronized: true,
            lifetime: Lifetime::Creator,
            lock_timeout: DEFAULT_LOCK_TIMEOUT,
            prefixes: Prefixes::default(),
        }
    }
}

/// Options of [`crate::MmFile::open_existing`].
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// What the handle may do.
    pub access: Access,
    /// Whether operations take the lock. `false` is right only while one process writes.
    pub synchronized: bool,
    /// How long an operation waits for the lock, and opening for a creator that is not done.
    pub lock_timeout: Duration,
    /// What stands before the id in the objects' names.
    pub prefixes: Prefixes,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            access: Access::ReadWrite,
            synchronized: true,
            lock_timeout: DEFAULT_LOCK_TIMEOUT,
            prefixes: Prefixes::default(),
        }
    }
}
