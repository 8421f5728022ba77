//! Named memory that several processes have mapped at the same time.
//!
//! What a platform provides is the same few functions over a name: make an object of a size with
//! its memory reserved, open one after checking whose it is, tell whether anyone has it open, and
//! take its name away. `named.rs` has them for POSIX shared memory,
//! `disk.rs` the like for files on disk, and `windows` all of it for Windows.
//!
//! One process makes an object and another finds it by its name; [`crate::MmFile`] is that pair:
//!
//! ```
//! # fn main() -> mmfile_core::Result<()> {
//! use mmfile_core::{CreateOptions, MmFile, OpenOptions};
//! // process A
//! let a = MmFile::create_new(4096, &CreateOptions::default())?;
//! a.append(b"hello".as_slice())?;
//! // process B, which was told the id
//! let b = MmFile::open_existing(a.id(), &OpenOptions::default())?;
//! assert_eq!(b.read(0)?, b"hello");
//! # Ok(()) }
//! ```

#[cfg(all(unix, not(loom)))]
pub(crate) mod bytes;
#[cfg(all(unix, not(loom)))]
mod disk;
#[cfg(all(unix, not(loom)))]
#[cfg_attr(any(target_os = "macos", mmfile_portable), path = "anchored/mod.rs")]
mod named;
#[cfg(all(unix, not(loom)))]
mod object;
#[cfg(all(unix, not(loom)))]
mod own;
#[cfg(not(loom))]
mod region;
#[cfg(all(unix, not(loom)))]
#[cfg_attr(target_os = "macos", path = "reserve_apple.rs")]
mod reserve;
#[cfg(all(unix, not(loom)))]
#[cfg_attr(any(target_os = "macos", mmfile_portable), path = "beside.rs")]
mod unpublished;
#[cfg(windows)]
pub(crate) mod windows;

use crate::control::layout::CONTROL_SIZE;
use std::sync::OnceLock;

#[cfg(loom)]
pub(crate) use crate::modelled::{
    memory::{Block, Region},
    objects::*,
};
#[cfg(all(unix, not(loom)))]
pub(crate) use disk::{create_disk, full_path, open_disk};
#[cfg(all(unix, not(loom)))]
pub(crate) use named::{
    NAMES_OUTLIVE_PROCESSES, clear_up, create_named, current_user, list_named, open_named,
    size_of_named, unlink, unlink_bare,
};
#[cfg(all(unix, not(loom)))]
pub(crate) use object::Object;
#[cfg(all(unix, not(any(target_os = "macos", mmfile_portable, loom))))]
pub(crate) use own::map_copy_on_write;
#[cfg(all(unix, not(loom)))]
pub(crate) use own::{map_control, map_part, map_private};
#[cfg(not(loom))]
pub(crate) use region::{Block, Region};
#[cfg(windows)]
pub(crate) use windows::{
    NAMES_OUTLIVE_PROCESSES, Object, clear_up, create_beside, create_disk, create_named, full_path,
    list_named, map_control, map_copy_on_write, map_part, map_private, open_disk, open_named,
    size_of_named, unlink,
};

/// Whether a name can stay when the memory is gone that it led to: on macOS, over a restart.
pub(crate) const NAMES_OUTLIVE_MEMORY: bool =
    cfg!(all(any(target_os = "macos", mmfile_portable), not(loom)));

/// What a handle may do with the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Read and append.
    #[default]
    ReadWrite,
    /// Read only. The memory is mapped without write permission.
    Read,
}

/// Tells one object from another that later got the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// Memory that is mapped for as long as this value lives.
pub(crate) struct Mapping {
    region: Region,
    /// Where the lock of the object is taken, if it has one in the control block that this is.
    #[cfg(all(any(target_os = "macos", mmfile_portable), not(loom)))]
    lock: crate::lock::LockFile,
    _backing: Backing,
}

/// What unmaps the memory when it is dropped.
enum Backing {
    /// A model's, kept by its region.
    #[cfg(loom)]
    Model,
    /// Mapped by the `shared_memory` crate, which unmaps and closes on drop.
    #[cfg(all(unix, not(loom)))]
    Shmem(#[allow(dead_code, reason = "held for its Drop")] shared_memory::Shmem),
    /// Mapped by ourselves, where `shared_memory` has no way to ask for it.
    #[cfg(all(unix, not(loom)))]
    Own(#[allow(dead_code, reason = "held for its Drop")] own::OwnMapping),
    /// A view, and what belongs to a control block.
    #[cfg(windows)]
    View(#[allow(dead_code, reason = "held for its Drop")] windows::View),
}

// SAFETY: the mapping is plain memory that belongs to no thread; every access through `Region` is
// atomic, volatile or a raw copy, and unmapping happens once, on the last owner's thread.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// What a region belongs to.
    #[cfg(all(unix, not(loom)))]
    fn of(region: Region, backing: Backing) -> Self {
        Self {
            region,
            #[cfg(any(target_os = "macos", mmfile_portable))]
            lock: crate::lock::LockFile::default(),
            _backing: backing,
        }
    }

    /// The same, of an object with whose file it is locked.
    #[cfg(all(any(target_os = "macos", mmfile_portable), not(loom)))]
    fn locked_by(mut self, object: &Object) -> Self {
        self.lock = object.lock_file();
        self
    }

    /// Where its lock is taken.
    #[cfg(all(any(target_os = "macos", mmfile_portable), not(loom)))]
    pub(crate) fn lock_file(&self) -> &crate::lock::LockFile {
        &self.lock
    }

    /// A model's memory.
    #[cfg(loom)]
    pub(crate) fn modelled(region: Region) -> Self {
        Self { region, _backing: Backing::Model }
    }

    /// The mapped bytes.
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    /// The mapping without what lies behind `length`: a system may give out whole pages only.
    pub(crate) fn limited_to(mut self, length: u64) -> Self {
        self.region = self.region.limited_to(length);
        self
    }
}

#[cfg(not(windows))]
impl Object {
    /// Takes the name away if it still leads to this object.
    ///
    /// Whoever calls holds the registry's lock, so that nobody makes a new object in between.
    pub(crate) fn unlink_if_same(&self, name: &str) -> bool {
        let same = Self::open(name, Access::Read, name)
            .is_ok_and(|there| there.identity() == self.identity());
        same && unlink(name)
    }
}

/// A control block on disk begins at a multiple of the largest page size there is.
const ALIGNMENT: u64 = 64 << 10;

/// Where the control block of a file on disk begins. At least four zero bytes stand between it and the
/// data, so that a reader that knows only the frames finds an end also in a file that is full to the
/// last byte.
pub(crate) fn control_offset(capacity: u64) -> Option<u64> {
    capacity.checked_add(4)?.checked_next_multiple_of(ALIGNMENT)
}

/// The capacity that a file of this size can have at most, if it can be one of ours at all.
pub(crate) fn control_offset_of(size: u64) -> Option<u64> {
    size.checked_sub(CONTROL_SIZE).filter(|at| *at > 0 && at.is_multiple_of(ALIGNMENT))
}

/// One number for this process, drawn at its first use. On Unix, the byte that it stands for is locked
/// by all of the process's descriptors of an object, and so tells its own handles from other
/// processes'.
pub(crate) fn process_number() -> u64 {
    static NUMBER: OnceLock<u64> = OnceLock::new();
    *NUMBER.get_or_init(|| {
        let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
        (high >> 4) + 1
    })
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapping").field("len", &self.region.len()).finish_non_exhaustive()
    }
}
