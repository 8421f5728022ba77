//! Linux: objects are files in /dev/shm or in another folder, the lock is a robust futex, sleepers wait on a
//! futex or through `io_uring`.

mod constants;
mod io_uring;
mod kind;
mod location;
pub(crate) mod robust_list;

pub(crate) use constants::*;
pub use io_uring::WakeRing;
pub(crate) use kind::Kind;
pub(crate) use robust_list::thread_id;

pub(crate) use super::unix::futex;
pub(crate) use super::unix::mmap::{map_copy_on_write, map_private, release_pages};
pub(crate) use super::unix::pages::{populate, write_at};
pub(crate) use super::unix::process::{
    PROCESS_BITS, boot_number, kill_self, process_namespace, process_number, stop_self,
};
pub(crate) use super::unix::{
    Descriptor, Folder, Identity, Location, Mapped, Staged, ViewSource, listed_prefix,
};

use super::unix::{descriptor, reserve};
use crate::error::{OsError, Result};
use crate::memory::Memory;
use std::os::fd::{AsRawFd, OwnedFd};

/// Only memory.
#[derive(Debug, Clone)]
pub(crate) struct SyncObjects;

/// The kernel's objects for the lock and the sleepers of an object.
pub(crate) fn sync_objects(_: &Descriptor) -> SyncObjects {
    SyncObjects
}

/// Sets the size of a new file, without reserving anything.
pub(crate) fn set_size(fd: &OwnedFd, size: u64) -> std::result::Result<(), OsError> {
    // Only as long as it has no blocks.
    reserve::write_in_place(fd);
    descriptor::set_size(fd, size)
}

/// Whether no thread of this PID namespace has that id.
pub(crate) fn is_no_thread(thread: u32) -> bool {
    let Ok(thread) = libc::pid_t::try_from(thread) else { return true };
    // SAFETY: signal 0 sends nothing: the call only checks whether there is such a thread.
    thread > 0
        && unsafe { libc::kill(thread, 0) } != 0
        && OsError::last("kill").errno == libc::ESRCH
}

/// Waits until everything that was written through mappings of a file is on the disk.
pub(crate) fn sync(file: &Descriptor, _: [&Memory; 2]) -> Result<()> {
    file.check_own()?;
    let fd = file.fd().as_raw_fd();
    // SAFETY: the descriptor is open. Data written through a mapping is synchronized with it.
    super::unix::retry(|| unsafe { libc::fsync(fd) })
        .map(|_| ())
        .map_err(|errno| super::unix::not_flushed(OsError { syscall: "fsync", errno }))
}
