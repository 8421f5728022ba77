//! Memory that stays mapped for as long as it is referred to.

use super::{Access, Region};
use crate::error::{Error, OsError, Result};
use crate::platform::{self, populate};
use std::any::Any;
use std::fs::File;
use std::sync::Arc;

/// Where memory is stored, and so whether a store to it can run out of room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "on Windows there is room for every store")]
pub(crate) enum Backing {
    /// Memory: a page that was written to once stays.
    Memory,
    /// Memory whose file may have been copied with holes: reading a hole takes a page.
    SparseMemory,
    /// A disk on which the blocks that a file has stay its own, unless another program makes holes in it.
    Kept,
    /// A disk on which a block may be shared with a copy, or written to a new place every time.
    Moved,
    /// The same, where the file system makes room by writing just stored pages to the disk: a store that spans two
    /// pages might repeat without end. The data is written through the descriptor there.
    Written,
}

/// A range of mapped memory. It and its clones keep the mapping.
#[derive(Clone)]
pub(crate) struct Memory {
    region: Region,
    /// Unmaps the memory when it is dropped.
    mapping: Arc<dyn Any>,
    backing: Backing,
    /// The file, and where the region begins in it, for writes through the descriptor.
    file: Option<(Arc<File>, u64)>,
}

// SAFETY: the memory belongs to no thread: every access through `Region` is atomic, volatile or a raw
// copy. The mapping is only dropped, on the last owner's thread, and `new` takes one that may be.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// # Safety
    /// `region` stays mapped for as long as `mapping` lives, which may be dropped on any thread.
    pub(crate) unsafe fn new<M: Any>(region: Region, mapping: M) -> Self {
        Self { region, mapping: Arc::new(mapping), backing: Backing::Memory, file: None }
    }

    /// The same, with its backing.
    #[allow(dead_code, reason = "as above")]
    pub(crate) fn backed_by(self, backing: Backing) -> Self {
        Self { backing, ..self }
    }

    /// The same for a file on disk with [`Backing::Written`], from its first byte on.
    #[allow(dead_code, reason = "as above")]
    pub(crate) fn of_file(self, file: File) -> Self {
        Self { file: Some((Arc::new(file), 0)), ..self }
    }

    /// The mapped bytes.
    #[inline(always)]
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    /// `length` bytes from `offset` on, if they are all inside.
    pub(crate) fn part(&self, offset: u64, length: u64) -> Option<Self> {
        let region = self.region.part(offset, length)?;
        let file = self.file.as_ref().map(|(file, start)| (Arc::clone(file), start + offset));
        Some(Self { region, mapping: Arc::clone(&self.mapping), backing: self.backing, file })
    }

    /// Ensures that stores to `length` bytes from `offset` on do not end the process for lack of room on a disk that
    /// moves blocks. That holds until the page is written to the disk.
    ///
    /// # Errors
    /// [`Error::NoSpace`].
    #[allow(dead_code, reason = "Windows' kernel keeps what others would store")]
    #[inline(always)]
    pub(crate) fn make_writable(&self, offset: u64, length: u64) -> Result<()> {
        match self.backing {
            Backing::Memory | Backing::SparseMemory | Backing::Kept => Ok(()),
            Backing::Moved | Backing::Written => self.provide(offset, length),
        }
    }

    /// Makes the file system provide the room for a store to these bytes: the block of a hole, or a new place for a
    /// block that is shared or never written in place.
    ///
    /// # Errors
    /// [`Error::NoSpace`]: a store would end the process.
    #[cold]
    pub(crate) fn provide(&self, offset: u64, length: u64) -> Result<()> {
        if self.backing == Backing::Memory || length == 0 {
            return Ok(());
        }
        let stored_to = self.region.part(offset, length).ok_or(Error::Closed)?;
        populate(&stored_to, Access::ReadWrite).map_err(no_space)
    }

    /// Has the file system provide what reading these bytes takes: where a file is kept in memory, a page for a hole.
    ///
    /// # Errors
    /// [`Error::NoSpace`]: reading them would end the process.
    #[allow(dead_code, reason = "as above")]
    #[cold]
    pub(crate) fn load(&self, offset: u64, length: u64) -> Result<()> {
        if self.backing != Backing::SparseMemory || length == 0 {
            return Ok(());
        }
        let read = self.region.part(offset, length).ok_or(Error::Closed)?;
        populate(&read, Access::Read).map_err(|os| {
            let needed = "memory for what a copy of the file has left out (the file system is full, and a hole takes \
                          memory when it is read): make room and try again";
            Error::NoSpace { needed: needed.into(), os }
        })
    }

    /// Writes bytes through the descriptor, of which others see the whole only after the next store of this process.
    ///
    /// # Errors
    /// [`Error::NoSpace`]; some of them may have been written.
    #[cold]
    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let (file, start) = self.file.as_ref().ok_or(Error::Closed)?;
        platform::write_at(file, bytes, start + offset).map_err(|os| no_space(Some(os)))
    }

    /// Its backing.
    #[inline(always)]
    pub(crate) fn backing(&self) -> Backing {
        self.backing
    }
}

fn no_space(os: Option<OsError>) -> Error {
    let needed = "room on the disk for what is written to the file (the disk is full, or a quota is used \
                  up): make room and try again";
    Error::NoSpace { needed: needed.into(), os }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("len", &self.region.len()).finish_non_exhaustive()
    }
}
