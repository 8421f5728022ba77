//! What a program learns of objects without opening them.

use crate::control::{Control, Lifetime, ObjectKind};
use crate::deadline::Deadline;
use crate::error::Result;
use crate::ids::{DEFAULT_MUTEX_PREFIX, FileId, Names, Prefixes, check_prefix};
use crate::memory::Access;
use crate::platform::{self, Folder};
use crate::timeouts::DEFAULT_LOCK_TIMEOUT;
use raw_sync::Timeout;
use std::path::PathBuf;

/// What an object is. Each kind has a name space of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file in shared memory.
    File,
    /// A mutex.
    Mutex,
}

impl Kind {
    pub(super) fn object_kind(self) -> ObjectKind {
        match self {
            Self::File => ObjectKind::File,
            Self::Mutex => ObjectKind::Mutex,
        }
    }
}

/// An object in shared memory, seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its id.
    pub id: FileId,
    /// What it is.
    pub kind: Kind,
    /// How many bytes its segments and their size words may take. 0 for a mutex, and for a file of another
    /// version of this library.
    pub capacity: u64,
    /// How many bytes they take.
    pub size: u64,
    /// How many segments it has.
    pub length: u64,
    /// Whether it takes no more.
    pub sealed: bool,
    /// How long it can be opened.
    pub lifetime: Lifetime,
    /// When it was created, in milliseconds since 1970.
    pub created_at: u64,
    /// The process that created it.
    pub creator_pid: u32,
    /// Whether no living process has it open: [`sweep`] removes it.
    pub stale: bool,
}

impl ObjectInfo {
    /// What a control block says; nothing of one that has ended, or that is none.
    pub(crate) fn of(control: &Control, id: FileId, kind: Kind, stale: bool) -> Option<Self> {
        if !control.is_of(kind.object_kind()) || control.has_ended() {
            return None;
        }
        let (created_at, creator_pid) = control.origin();
        let mut info = Self {
            id,
            kind,
            capacity: 0,
            size: 0,
            length: 0,
            sealed: false,
            lifetime: Lifetime::LastProcess,
            created_at,
            creator_pid,
            stale,
        };
        if let Ok(description) = control.examine_format(info.id.as_str()) {
            let mut control = control.clone();
            control.accept(description.capacity);
            let tail = control.tail();
            (info.size, info.length, info.sealed) = (tail.size, tail.count, control.is_sealed());
            (info.capacity, info.lifetime) = (description.capacity, description.lifetime);
        }
        Some(info)
    }
}

/// An open handle on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its process.
    pub pid: u32,
    /// What it may do.
    pub access: Access,
    /// When it was opened, in milliseconds since 1970.
    pub since: u64,
    /// Whether it created the file.
    pub is_creator: bool,
    /// Whether it holds the lock at this moment.
    pub holds_lock: bool,
    /// Whether it is the handle that asks.
    pub is_self: bool,
}

/// Where [`list`], [`sweep`] and [`remove`] look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOptions {
    /// The folder; `None` for the one that `MMFILE_DIRECTORY` names, or the system's.
    pub directory: Option<PathBuf>,
    /// The prefixes of files.
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

/// The files and mutexes of this user on this machine, in no order. It opens none of them; of what a
/// process left that was killed while it created something, it frees the memory.
///
/// # Errors
/// [`crate::Error::NoSpace`] if the system has no descriptors or no memory left for it,
/// [`crate::Error::Unsupported`] for a directory on Windows.
pub fn list(options: &ListOptions) -> Result<Vec<ObjectInfo>> {
    each_kind(options, |folder, prefix, kind| platform_list(folder, prefix, kind, false))
}

/// Removes the files and mutexes of this user that no living process has open.
///
/// # Errors
/// As [`list`].
pub fn sweep(options: &ListOptions) -> Result<Vec<ObjectInfo>> {
    each_kind(options, |folder, prefix, kind| platform_list(folder, prefix, kind, true))
}

/// Removes the name of a file or a mutex: nothing can open it from now on, and the name is free. A process
/// that has it open goes on using it.
///
/// # Errors
/// [`crate::Error::NotFound`]; [`crate::Error::Access`] if it is another user's or something else stands
/// at its name; [`crate::Error::Timeout`] if other processes keep the name locked for ten seconds.
pub fn remove(id: &FileId, kind: Kind, options: &ListOptions) -> Result<()> {
    let folder = Folder::of(options.directory.as_deref())?;
    let names = match (kind, &options.mutex_prefix) {
        (Kind::File, _) => Names::of_file(id.clone(), &options.prefixes),
        (Kind::Mutex, prefix) => {
            let prefix = prefix.as_deref().unwrap_or(DEFAULT_MUTEX_PREFIX);
            check_prefix("prefix", prefix)?;
            Names::of_mutex(id.clone(), prefix)
        }
    };
    let deadline = Deadline::after(&Timeout::Val(DEFAULT_LOCK_TIMEOUT));
    platform_remove(&folder, &names, kind.object_kind(), &deadline)
}

fn each_kind(
    options: &ListOptions,
    mut list: impl FnMut(&Folder, &str, Kind) -> Result<Vec<ObjectInfo>>,
) -> Result<Vec<ObjectInfo>> {
    let folder = Folder::of(options.directory.as_deref())?;
    let mut infos = list(&folder, platform::listed_prefix(&options.prefixes), Kind::File)?;
    if let Some(prefix) = &options.mutex_prefix {
        check_prefix("prefix", prefix)?;
        infos.extend(list(&folder, prefix, Kind::Mutex)?);
    }
    Ok(infos)
}

#[cfg(not(windows))]
use super::list::{all as platform_list, remove as platform_remove};
// Names end with their last handle here: nothing is ever stale.
#[cfg(windows)]
use crate::platform::{list as platform_list, remove as platform_remove};
