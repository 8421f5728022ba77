//! Writing: one critical section a call.

use super::{Handle, MmFile};
use crate::error::{Error, Result};
use crate::mapping::Access;
use crate::segments::Payload;

impl MmFile {
    /// Appends one segment and answers its index. Atomic across processes.
    ///
    /// # Errors
    /// [`Error::Capacity`], [`Error::Sealed`], [`Error::ReadOnly`], [`Error::Timeout`],
    /// [`Error::Corrupt`]. Nothing has been written then.
    pub fn append<P: Payload + ?Sized>(&self, value: &P) -> Result<u64> {
        self.handle.put(&[value], None)
    }

    /// Appends all values with consecutive indexes, or none of them, and answers the first index.
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
        self.handle.change(|| self.handle.segments.seal(&self.handle.control))
    }
}

impl Handle {
    fn check_writable(&self) -> Result<()> {
        if self.settings.access == Access::ReadWrite { Ok(()) } else { Err(Error::ReadOnly) }
    }

    fn put<P: Payload>(&self, values: &[P], at: Option<u64>) -> Result<u64> {
        self.check_writable()?;
        self.change(|| self.segments.append(&self.control, values, at))
    }
}
