//! Memory that may be looked at without a copy.

use super::MmFile;
use crate::error::Result;
use crate::mapping::{Access, Mapping};
use crate::segments::Span;
use std::sync::Arc;

#[cfg(any(target_os = "macos", mmfile_portable))]
pub(super) use by_copy::ReaderCopy;

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
            Access::Read => self.handle.reader_memory()?,
        };
        Ok(ViewMemory { mapping })
    }
}

#[cfg(not(any(target_os = "macos", mmfile_portable)))]
impl super::Handle {
    /// The data, which can be written to without changing it.
    fn reader_memory(&self) -> Result<Arc<Mapping>> {
        let (data, length) = (self.place.data(), self.control.capacity());
        Ok(Arc::new(crate::mapping::map_copy_on_write(data, length)?))
    }

    /// What was committed is there already.
    #[allow(clippy::unused_self, reason = "elsewhere it has work to do")]
    pub(super) fn bring_view(&self) {}
}

/// Where memory cannot be mapped so that writing to it changes nothing for others: memory of this process
/// alone, into which segments are copied, each once, before anybody is told where they are.
#[cfg(any(target_os = "macos", mmfile_portable))]
mod by_copy {
    use super::super::Handle;
    use crate::error::Result;
    use crate::mapping::{Mapping, map_private};
    use std::sync::{Arc, Mutex, OnceLock, PoisonError};

    /// A reader's private data, from its first view on.
    #[derive(Debug, Default)]
    pub(crate) struct ReaderCopy {
        memory: OnceLock<Arc<Mapping>>,
        /// How much of the data is in it.
        copied: Mutex<u64>,
    }

    impl Handle {
        pub(super) fn reader_memory(&self) -> Result<Arc<Mapping>> {
            let copy = &self.reader_copy;
            let memory = match copy.memory.get() {
                Some(memory) => memory,
                None => {
                    let made = Arc::new(map_private(self.control.capacity())?);
                    copy.memory.get_or_init(|| made)
                }
            };
            self.bring_view();
            Ok(Arc::clone(memory))
        }

        /// Copies what was committed since the last time, if there are views at all.
        pub(in crate::file) fn bring_view(&self) {
            let Some(memory) = self.reader_copy.memory.get() else { return };
            let copied = self.reader_copy.copied.lock();
            let mut copied = copied.unwrap_or_else(PoisonError::into_inner);
            let end = self.control.tail().size;
            let Some(length) = end.checked_sub(*copied) else { return };
            let (Some(target), Ok(length)) =
                (memory.region().range(*copied, length), usize::try_from(length))
            else {
                return;
            };
            // SAFETY: the range is inside the private mapping, which `memory` keeps.
            let done = unsafe {
                self.segments.mapping().region().copy_out(*copied, target.as_ptr(), length)
            };
            if done {
                *copied = end;
            }
        }
    }
}
