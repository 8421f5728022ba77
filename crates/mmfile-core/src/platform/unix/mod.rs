//! What Linux and macOS share.

pub(super) mod byte_lock;
pub(super) mod descriptor;
pub(super) mod folder;
mod fork;
#[cfg(all(target_os = "linux", not(mmfile_polling)))]
pub(crate) mod futex;
pub(super) mod location;
pub(super) mod mmap;
pub(super) mod permissions;
#[cfg(any(target_os = "macos", mmfile_polling))]
pub(crate) mod polling;
pub(super) mod process;
#[cfg(target_os = "linux")]
pub(super) mod reserve;

pub(crate) use descriptor::Descriptor;
pub(super) use descriptor::{from_errno, identity_of, retry};
pub(super) use fork::generation;
pub(crate) use location::{Folder, Location, Mapped, Staged, staged_name};

use crate::ids::Prefixes;

/// What tells one object from another that later got the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// A lock on a range of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockKind {
    /// Others may have a shared one, too.
    Shared,
    /// It excludes all others.
    Exclusive,
}

/// A range of bytes of an object, which need not exist.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ByteRange {
    pub(crate) start: u64,
    /// 0 reaches as far as a file can.
    pub(crate) length: u64,
}

/// A descriptor for more mappings of an object, which holds no locks.
pub(crate) type ViewSource = std::os::fd::OwnedFd;

/// The prefix of the objects of files.
pub(crate) fn listed_prefix(prefixes: &Prefixes) -> &str {
    prefixes.data()
}
