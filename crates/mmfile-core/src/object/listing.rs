//! Listing, sweeping and removing objects that are not open here.

use super::{Kind, ObjectInfo, implementation};
use crate::deadline::Deadline;
use crate::error::{NO_SUCH_MUTEX, Result};
use crate::ids::{DEFAULT_MUTEX_PREFIX, FileId, Names, Prefixes, check_prefix};
use crate::platform::{self, Folder};
use crate::timeouts::DEFAULT_LOCK_TIMEOUT;
use raw_sync::Timeout;
use std::path::PathBuf;

/// Where [`list`], [`sweep`] and [`remove`] search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOptions {
    /// The folder; `None` for the one that `MMFILE_DIRECTORY` names, or the system's.
    pub directory: Option<PathBuf>,
    /// The prefixes of files and channels.
    pub prefixes: Prefixes,
    /// The prefix of mutexes; `None` for no mutexes.
    pub mutex_prefix: Option<String>,
}

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            directory: None,
            prefixes: Prefixes::default(),
            mutex_prefix: Some(DEFAULT_MUTEX_PREFIX.into()),
        }
    }
}

/// The files, channels and mutexes of this user on this machine, in no order. It opens none of them, and frees
/// the memory of staging objects of dead processes.
///
/// # Errors
/// [`crate::Error::NoSpace`] if the system has no descriptors or no memory left for it,
/// [`crate::Error::Unsupported`] if there is no such folder, and for a directory on Windows.
pub fn list(options: &ListOptions) -> Result<Vec<ObjectInfo>> {
    each_kind(options, |folder, prefix, kind| implementation::list(folder, prefix, kind, false))
}

/// Removes the files, channels and mutexes of this user that no living process has open.
///
/// # Errors
/// As [`list`].
pub fn sweep(options: &ListOptions) -> Result<Vec<ObjectInfo>> {
    each_kind(options, |folder, prefix, kind| implementation::list(folder, prefix, kind, true))
}

/// Removes the name of a file, a channel or a mutex: nothing can open it from now on, and the name is free. A process
/// that has it open keeps using it.
///
/// # Errors [`crate::Error::NotFound`]; [`crate::Error::Access`] if it is another user's or its name leads to
/// something else; [`crate::Error::Timeout`] if other processes keep the name locked for
/// [`DEFAULT_LOCK_TIMEOUT`].
pub fn remove(id: &FileId, kind: Kind, options: &ListOptions) -> Result<()> {
    let folder = Folder::of(options.directory.as_deref())?;
    let names = match (kind, &options.mutex_prefix) {
        (Kind::File, _) => Names::of_file(id.clone(), &options.prefixes),
        (Kind::Channel, _) => Names::of_channel(id.clone(), &options.prefixes),
        (Kind::Mutex, prefix) => {
            let prefix = prefix.as_deref().unwrap_or(DEFAULT_MUTEX_PREFIX);
            check_prefix("prefix", prefix)?;
            Names::of_mutex(id.clone(), prefix)
        }
    };
    let deadline = Deadline::after(&Timeout::Val(DEFAULT_LOCK_TIMEOUT));
    let removed = implementation::remove(&folder, &names, kind.object_kind(), &deadline);
    removed.map_err(|error| match kind {
        Kind::Mutex => error.missing_because(NO_SUCH_MUTEX),
        Kind::File | Kind::Channel => error,
    })
}

fn each_kind(
    options: &ListOptions,
    mut list: impl FnMut(&Folder, &str, Kind) -> Result<Vec<ObjectInfo>>,
) -> Result<Vec<ObjectInfo>> {
    let folder = Folder::of(options.directory.as_deref())?;
    let mut infos = list(&folder, platform::listed_prefix(&options.prefixes), Kind::File)?;
    infos.extend(list(&folder, options.prefixes.channel(), Kind::Channel)?);
    if let Some(prefix) = &options.mutex_prefix {
        check_prefix("prefix", prefix)?;
        infos.extend(list(&folder, prefix, Kind::Mutex)?);
    }
    Ok(infos)
}
