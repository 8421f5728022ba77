//! Memory that may be looked at without a copy.

use super::MmFile;
use super::handle::Handle;
use crate::error::Result;
use crate::frames::Span;
use crate::memory::{Access, Memory};
use crate::platform;

/// The mapped data, kept mapped for as long as this value or a clone of it lives, also after the
/// file was closed.
///
/// Other processes can change the bytes at any time, so it gives out an address and no slice. A program that keeps to
/// the format changes nothing that was committed.
#[derive(Debug, Clone)]
pub struct ViewMemory {
    memory: Memory,
    access: Access,
}

impl ViewMemory {
    /// Memory that may be written to.
    pub(crate) fn of(memory: &Memory) -> Self {
        Self { memory: memory.clone(), access: Access::ReadWrite }
    }

    /// The first byte of the data. It may be read and written for [`Self::len`] bytes; writing
    /// through the memory of a handle that may only read stays private to this process.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.memory.region().as_ptr()
    }

    /// The number of bytes, which is the file's capacity.
    #[must_use]
    pub fn len(&self) -> usize {
        self.memory.region().len()
    }

    /// Takes the pages out of this process's resident memory, as far as the system can. It changes no byte:
    /// later reads bring the pages back.
    pub fn release_pages(&self) {
        platform::release_pages(&self.memory, self.access == Access::ReadWrite);
    }

    /// Never: a file has at least one byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl MmFile {
    /// The address of a segment's bytes, valid while this handle is open; to be read only.
    #[must_use]
    pub fn address(&self, span: Span) -> Option<*const u8> {
        let region = self.handle.segments.memory().region();
        region.range(span.offset, span.size).map(|at| at.as_ptr().cast_const())
    }

    /// Where an address is in the data, if it is there.
    #[must_use]
    pub fn offset_of(&self, at: *const u8) -> Option<u64> {
        let region = self.handle.segments.memory().region();
        let offset = (at as usize).checked_sub(region.as_ptr() as usize)?;
        (offset <= region.len()).then_some(offset as u64)
    }

    /// The data's memory, for reading without a copy at the places that [`MmFile::span`] tells.
    ///
    /// # Errors
    /// [`crate::Error::NoSpace`] if a handle that may only read gets no second mapping.
    pub fn view_memory(&self) -> Result<ViewMemory> {
        let access = self.handle.settings.mode.access;
        let memory = match access {
            Access::ReadWrite => self.handle.segments.memory().clone(),
            Access::Read => self.handle.reader_memory()?,
        };
        Ok(ViewMemory { memory, access })
    }
}

impl Handle {
    /// The data, which can be written to without changing it.
    fn reader_memory(&self) -> Result<Memory> {
        let capacity = self.control.capacity();
        if let Some(memory) = self.object.map_copy_on_write(capacity)? {
            return Ok(memory);
        }
        let memory = self.reader_copy.begin(capacity)?.clone();
        self.bring_view();
        Ok(memory)
    }

    /// Brings views up to date, before it says to a caller where segments are.
    pub(super) fn bring_view(&self) {
        self.reader_copy.bring(self.segments.memory(), || self.committed().size);
    }
}
