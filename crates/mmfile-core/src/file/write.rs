//! Writing: one critical section a call.

use super::MmFile;
use super::handle::Handle;
use crate::error::{Error, Result};
use crate::frames::Payload;
use crate::memory::Access;

impl MmFile {
    /// Appends one segment and returns its index. Atomic across processes.
    ///
    /// # Errors
    /// [`Error::Capacity`], [`Error::Sealed`], [`Error::ReadOnly`], [`Error::Timeout`],
    /// [`Error::Corrupt`]. Nothing has been written then.
    pub fn append<P: Payload + ?Sized>(&self, value: &P) -> Result<u64> {
        self.handle.put(&[value], None)
    }

    /// Appends all values with consecutive indexes, or none of them, and returns the first index.
    ///
    /// # Errors
    /// As [`MmFile::append`].
    pub fn append_all<P: Payload>(&self, values: &[P]) -> Result<u64> {
        self.handle.put(values, None)
    }

    /// Appends one segment, which must get the index `index`: the check and the write are one.
    ///
    /// # Errors
    /// [`Error::SegmentOrder`] if that is not the next index, and as [`MmFile::append`].
    pub fn write<P: Payload + ?Sized>(&self, index: u64, value: &P) -> Result<()> {
        self.handle.put(&[value], Some(index)).map(|_| ())
    }

    /// Takes no more segments from here on. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Timeout`], [`Error::Corrupt`].
    pub fn seal(&self) -> Result<()> {
        self.handle.check_writable()?;
        let handle = &*self.handle;
        handle
            .change(|| handle.segments.seal(&handle.control, || handle.has_unsynchronized_writer()))
    }
}

impl Handle {
    fn check_writable(&self) -> Result<()> {
        if self.settings.mode.access == Access::ReadWrite { Ok(()) } else { Err(Error::ReadOnly) }
    }

    fn put<P: Payload>(&self, values: &[P], at: Option<u64>) -> Result<u64> {
        self.check_writable()?;
        self.change(|| {
            let is_at_work = || self.has_unsynchronized_writer();
            self.segments.append(&self.control, values, at, is_at_work)
        })
    }
}
