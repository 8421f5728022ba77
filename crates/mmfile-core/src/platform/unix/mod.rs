//! The common part of Linux and macOS.

pub(super) mod byte_lock;
pub(super) mod descriptor;
pub(super) mod errno;
pub(super) mod folder;
mod fork;
#[cfg(target_os = "linux")]
pub(crate) mod futex;
pub(super) mod limits;
pub(super) mod location;
pub(super) mod mmap;
pub(super) mod pages;
pub(super) mod permissions;
pub(super) mod process;
#[cfg(target_os = "linux")]
pub(super) mod reserve;
#[cfg(target_os = "macos")]
pub(super) mod sleep_and_check;

pub(super) use descriptor::identity_of;
pub(crate) use descriptor::{Descriptor, Identity};
pub(super) use errno::{from_errno, not_flushed, retry};
pub(super) use fork::generation;
pub(crate) use location::{Folder, Location, Mapped, Staged};

use crate::ids::Prefixes;

/// A descriptor for more mappings of an object, which holds no locks.
pub(crate) type ViewSource = std::os::fd::OwnedFd;

/// The prefix of the objects of files.
pub(crate) fn listed_prefix(prefixes: &Prefixes) -> &str {
    prefixes.data()
}
