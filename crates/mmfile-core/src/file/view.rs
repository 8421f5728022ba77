//! Memory that may be looked at without a copy.

use super::MmFile;
use crate::error::Result;
use crate::frames::Span;
use crate::memory::{Access, Memory};

#[cfg(platform = "macos")]
pub(super) use by_copy::ReaderCopy;

/// The mapped data, kept mapped for as long as this value or a clone of it lives, also after the
/// file was closed.
///
/// Other processes can change the bytes at any time, so it gives out an address and no slice.
/// Nothing that was committed is changed by a program that keeps to the format.
#[derive(Debug, Clone)]
pub struct ViewMemory {
    memory: Memory,
}

impl ViewMemory {
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

    /// The data's memory, for reading without a copy at the places that [`MmFile::span`] tells.
    ///
    /// # Errors
    /// [`crate::Error::NoSpace`] if a handle that may only read gets no second mapping.
    pub fn view_memory(&self) -> Result<ViewMemory> {
        let memory = match self.handle.settings.mode.access {
            Access::ReadWrite => self.handle.segments.memory().clone(),
            Access::Read => self.handle.reader_memory()?,
        };
        Ok(ViewMemory { memory })
    }
}

#[cfg(not(platform = "macos"))]
impl super::Handle {
    /// The data, which can be written to without changing it.
    fn reader_memory(&self) -> Result<Memory> {
        self.object.map_copy_on_write(self.control.capacity())
    }

    /// What was committed is there already.
    #[allow(clippy::unused_self, reason = "elsewhere it has work to do")]
    pub(super) fn bring_view(&self) {}
}

/// Where memory cannot be mapped so that writing to it changes nothing for others: memory of this process
/// alone, into which segments are copied, each once, before anybody is told where they are.
#[cfg(platform = "macos")]
mod by_copy {
    use super::super::Handle;
    use crate::error::Result;
    use crate::memory::Memory;
    use crate::platform::map_private;
    use std::sync::{Mutex, OnceLock, PoisonError};

    /// A reader's private data, from its first view on.
    #[derive(Debug, Default)]
    pub(crate) struct ReaderCopy {
        memory: OnceLock<Memory>,
        /// How much of the data is in it.
        copied: Mutex<u64>,
    }

    impl Handle {
        pub(super) fn reader_memory(&self) -> Result<Memory> {
            let copy = &self.reader_copy;
            let memory = match copy.memory.get() {
                Some(memory) => memory,
                None => {
                    let made = map_private(self.control.capacity())?;
                    copy.memory.get_or_init(|| made)
                }
            };
            self.bring_view();
            Ok(memory.clone())
        }

        /// Copies what was committed since the last time, if there are views at all.
        pub(in crate::file) fn bring_view(&self) {
            let Some(memory) = self.reader_copy.memory.get() else { return };
            let copied = self.reader_copy.copied.lock();
            let mut copied = copied.unwrap_or_else(PoisonError::into_inner);
            let end = self.committed().size;
            let Some(length) = end.checked_sub(*copied) else { return };
            let (Some(target), Ok(length)) =
                (memory.region().range(*copied, length), usize::try_from(length))
            else {
                return;
            };
            // SAFETY: the range is inside the private mapping, which `memory` keeps.
            let done = unsafe {
                self.segments.memory().region().copy_out(*copied, target.as_ptr(), length)
            };
            if done {
                *copied = end;
            }
        }
    }
}
