//! macOS: objects are shared memory beside anchors, the lock is a byte of the anchor, sleepers wait on a word.

mod anchor;
#[cfg(target_os = "macos")]
mod apple;
mod byte_mutex;
mod constants;
#[cfg(target_os = "macos")]
pub(crate) mod futex;
mod kind;
mod location;
mod lock_file;
mod names;
#[cfg(target_os = "linux")]
mod portable;

#[cfg(target_os = "macos")]
use apple as system;
#[cfg(target_os = "linux")]
use portable as system;

#[cfg(target_os = "linux")]
pub(crate) use super::unix::futex;
pub(crate) use super::unix::mmap::{map_private, release_pages};
pub(crate) use super::unix::pages::{populate, write_at};
pub(crate) use super::unix::process::{
    PROCESS_BITS, boot_number, kill_self, process_namespace, process_number, stop_self,
};
pub(crate) use super::unix::{
    Descriptor, Folder, Identity, Location, Mapped, Staged, ViewSource, listed_prefix,
};
pub(crate) use byte_mutex::{RawMutex, thread_id};
pub(crate) use constants::*;
pub(crate) use kind::Kind;
pub(crate) use system::set_size;

use super::unix::pages::page_size;
use super::unix::{generation, not_flushed};
use crate::control::places::LockPlace;
use crate::error::{OsError, Result};
use crate::memory::Memory;
use lock_file::LockFile;
use std::sync::Arc;

/// The lock file for each lock of an object; sleepers need nothing.
pub(crate) type SyncObjects = Arc<[LockFile; 2]>;

/// The kernel's objects for the lock and the sleepers of an object.
pub(crate) fn sync_objects(descriptor: &Descriptor) -> SyncObjects {
    Arc::new([LockPlace::Writers, LockPlace::Participants].map(|it| LockFile::new(descriptor, it)))
}

/// Waits until everything that was written through mappings of a file is on the disk.
pub(crate) fn sync(file: &Descriptor, mappings: [&Memory; 2]) -> Result<()> {
    file.check_own()?;
    for region in mappings.map(Memory::region) {
        // The control block need not begin with a page.
        let before = region.as_ptr().addr() % usize::try_from(page_size()).unwrap_or(1);
        let at = region.as_ptr().wrapping_sub(before);
        // SAFETY: whole pages that the region's mapping begins with or contains; the call changes nothing.
        if unsafe { libc::msync(at.cast(), region.len() + before, libc::MS_SYNC) } != 0 {
            return Err(not_flushed(OsError::last("msync")));
        }
    }
    system::sync(file.fd()).map_err(not_flushed)
}

/// Shared memory cannot be mapped so that writing to it changes nothing for others.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can")]
pub(crate) fn map_copy_on_write(_: &ViewSource, _: u64) -> Result<Option<Memory>> {
    Ok(None)
}
