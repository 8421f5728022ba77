//! Memory that may be looked at without a copy.

use super::MmFile;
use crate::error::Result;
use crate::mapping::{Access, Mapping, map_copy_on_write};
use crate::segments::Span;
use std::sync::Arc;

/// The mapped data, kept mapped for as long as this value or a clone of it lives, also after the
/// file was closed.
///
/// Other processes can change the bytes at any time, so it gives out an address and no slice.
/// Nothing that was committed is changed by a program that keeps to the format.
#[derive(Debug, Clone)]
pub struct ViewMemory {
    mapping: Arc<Mapping>,
}

impl ViewMemory {
    /// The first byte of the data. It may be read and written for [`Self::len`] bytes; writing
    /// through the memory of a handle that may only read stays private to this process.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.mapping.region().as_ptr()
    }

    /// The number of bytes, which is the file's capacity.
    #[must_use]
    pub fn len(&self) -> usize {
        self.mapping.region().len()
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
        let region = self.handle.segments.mapping().region();
        region.range(span.offset, span.size).map(|at| at.as_ptr().cast_const())
    }

    /// The data's memory, for reading without a copy at the places that [`MmFile::span`] tells.
    ///
    /// # Errors
    /// [`crate::Error::NoSpace`] if a handle that may only read gets no second mapping.
    pub fn view_memory(&self) -> Result<ViewMemory> {
        let mapping = match self.handle.settings.access {
            Access::ReadWrite => Arc::clone(self.handle.segments.mapping()),
            Access::Read => Arc::new(map_copy_on_write(self.handle.place.data(), self.capacity())?),
        };
        Ok(ViewMemory { mapping })
    }
}
