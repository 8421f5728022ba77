//! Named memory that several processes have mapped at the same time.
//!
//! What a platform provides is the same few functions over a name: make an object of a size with
//! its memory reserved, open one after checking whose it is, tell whether anyone has it open, and
//! take its name away. `named.rs` has them for POSIX shared memory,
//! `disk.rs` the like for files on disk.
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
mod disk;
#[cfg(all(unix, not(loom)))]
mod named;
#[cfg(all(unix, not(loom)))]
mod object;
#[cfg(all(unix, not(loom)))]
mod own;
#[cfg(not(loom))]
mod region;
#[cfg(all(unix, not(loom)))]
mod reserve;

#[cfg(loom)]
pub(crate) use crate::modelled::{memory::Region, objects::*};
#[cfg(all(unix, not(loom)))]
pub(crate) use disk::{control_offset, control_offset_of, create_disk, full_path, open_disk};
#[cfg(all(unix, not(loom)))]
pub(crate) use named::{create_named, current_user, list_named, open_named, unlink};
#[cfg(all(unix, not(loom)))]
pub(crate) use object::{Object, process_number};
#[cfg(all(unix, not(loom)))]
pub(crate) use own::{map_copy_on_write, map_part, map_private};
#[cfg(not(loom))]
pub(crate) use region::Region;

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
}

// SAFETY: the mapping is plain memory that belongs to no thread; every access through `Region` is
// atomic, volatile or a raw copy, and unmapping happens once, on the last owner's thread.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// A model's memory.
    #[cfg(loom)]
    pub(crate) fn modelled(region: Region) -> Self {
        Self { region, _backing: Backing::Model }
    }

    /// The mapped bytes.
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    /// Makes this process's page tables lead to a range that is about to be written, all at once
    /// instead of one fault after the other. Where the system cannot do that, nothing happens.
    pub(crate) fn populate(&self, offset: u64, len: u64) {
        #[cfg(all(target_os = "linux", not(loom)))]
        own::populate(&self.region, offset, len);
        #[cfg(any(not(target_os = "linux"), loom))]
        let _ = (offset, len);
    }
}

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

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapping").field("len", &self.region.len()).finish_non_exhaustive()
    }
}
