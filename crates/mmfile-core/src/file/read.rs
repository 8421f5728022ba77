//! Reading: below the committed tail nothing ever changes, so no lock is taken.

use super::MmFile;
use super::handle::Handle;
use crate::error::{Error, Result};
use crate::frames::Span;
use std::sync::PoisonError;

impl MmFile {
    /// Where a segment's bytes are.
    ///
    /// # Errors
    /// [`Error::SegmentRange`] if there is no such segment, [`Error::Corrupt`], and
    /// [`Error::Timeout`] if a foreign writer's segment is there and the lock cannot be had.
    pub fn span(&self, index: u64) -> Result<Span> {
        let span = self.handle.span(index)?;
        self.handle.bring_view();
        Ok(span)
    }

    /// Calls `each` with the spans of the segments from `index` on, in order, until it returns
    /// `false` or there are no more. Cheaper than a call for each.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Timeout`].
    pub fn spans(&self, index: u64, each: impl FnMut(Span) -> bool) -> Result<()> {
        let tail = self.handle.refresh()?;
        self.handle.bring_view();
        let mut known = self.handle.index.lock().unwrap_or_else(PoisonError::into_inner);
        known.find_many(&self.handle.segments, index, tail.count, tail.size, each)
    }

    /// The number of bytes in a segment.
    ///
    /// # Errors
    /// As [`MmFile::span`].
    pub fn byte_length(&self, index: u64) -> Result<u64> {
        Ok(self.span(index)?.size)
    }

    /// A copy of a segment's bytes.
    ///
    /// # Errors
    /// As [`MmFile::span`].
    pub fn read(&self, index: u64) -> Result<Vec<u8>> {
        let span = self.span(index)?;
        let size = usize::try_from(span.size).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| Error::NoSpace {
            needed: format!("{size} bytes for a copy of the segment"),
            os: None,
        })?;
        // SAFETY: the vector's memory is private and has room for `size` bytes, all of which are
        // written before they count.
        unsafe {
            self.handle.segments.copy(span, bytes.as_mut_ptr())?;
            bytes.set_len(size);
        }
        Ok(bytes)
    }

    /// Copies a segment's bytes to the start of `target` and returns how many there were.
    ///
    /// # Errors
    /// [`Error::TargetTooSmall`], with nothing copied, and as [`MmFile::span`].
    pub fn read_into(&self, index: u64, target: &mut [u8]) -> Result<usize> {
        let span = self.span(index)?;
        let available = target.len() as u64;
        if span.size > available {
            return Err(Error::TargetTooSmall { needed: span.size, available });
        }
        // SAFETY: `target` has room for the segment.
        unsafe { self.handle.segments.copy(span, target.as_mut_ptr())? };
        Ok(usize::try_from(span.size).unwrap_or(0))
    }

    /// Copies the bytes at `span` to `target`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if they are not all inside the file.
    ///
    /// # Safety
    /// `target` is writable for `span.size` bytes.
    pub unsafe fn copy_span(&self, span: Span, target: *mut u8) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.handle.segments.copy(span, target) }
    }

    /// A segment as UTF-16 code units, lone surrogates and all.
    ///
    /// # Errors
    /// [`Error::NotText`] if it has an odd number of bytes, and as [`MmFile::span`].
    pub fn read_utf16(&self, index: u64) -> Result<Vec<u16>> {
        let bytes = self.read(index)?;
        if bytes.len() % 2 != 0 {
            return Err(Error::odd_text(index, bytes.len() as u64));
        }
        Ok(bytes.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
    }

    /// A segment as text; invalid UTF-16 becomes U+FFFD.
    ///
    /// # Errors
    /// As [`MmFile::read_utf16`].
    pub fn read_text(&self, index: u64) -> Result<String> {
        Ok(String::from_utf16_lossy(&self.read_utf16(index)?))
    }
}

impl Handle {
    pub(super) fn span(&self, index: u64) -> Result<Span> {
        self.check_whole()?;
        let mut tail = self.committed();
        if index >= tail.count {
            tail = self.refresh_strictly(self.settings.lock_timeout)?;
            if index >= tail.count {
                return Err(Error::SegmentRange { index, length: tail.count });
            }
        }
        let mut known = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        known.find(&self.segments, index, tail.size)
    }
}
