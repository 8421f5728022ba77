//! Iterating over existing and future segments.

use super::{MmFile, Waiter};
use crate::error::{Error, Result};
use raw_sync::Timeout;
use std::time::Duration;

impl MmFile {
    /// The segments that are there now, from `index` on, as copies of their bytes.
    ///
    /// # Errors
    /// An item may be one of the errors of [`MmFile::read`]; it is then the last item.
    ///
    /// ```
    /// # fn main() -> mmfile_core::Result<()> {
    /// use mmfile_core::{CreateOptions, MmFile};
    /// let file = MmFile::create_new(4096, &CreateOptions::default())?;
    /// file.append_all(&[b"one", b"two"])?;
    /// let segments: Vec<Vec<u8>> = file.iter(0)?.collect::<mmfile_core::Result<_>>()?;
    /// assert_eq!(segments, [b"one", b"two"]);
    /// # Ok(()) }
    /// ```
    pub fn iter(&self, index: u64) -> Result<impl Iterator<Item = Result<Vec<u8>>> + '_> {
        Ok((index..self.len()?).map(|index| self.read(index)))
    }

    /// The segments from `index` on, those that are there and those that will come, until the file is sealed.
    /// `next` blocks until there is one; [`SegmentIter::waiter`] can cancel it.
    ///
    /// ```
    /// # fn main() -> mmfile_core::Result<()> {
    /// use mmfile_core::{CreateOptions, MmFile, OpenOptions};
    /// let file = MmFile::create_new(4096, &CreateOptions::default())?;
    /// let reader = MmFile::open_existing(file.id(), &OpenOptions::default())?;
    /// let thread = std::thread::spawn(move || reader.segments(0).count());
    /// file.append("one")?;
    /// file.append("two")?;
    /// file.seal()?;
    /// assert_eq!(thread.join().unwrap(), 2);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn segments(&self, index: u64) -> SegmentIter<'_> {
        SegmentIter { file: self, waiter: self.waiter(), next: Some(index) }
    }
}

/// The segments of a file, present and future; see [`MmFile::segments`].
#[derive(Debug)]
pub struct SegmentIter<'a> {
    file: &'a MmFile,
    waiter: Waiter,
    /// Nothing after the end or an error.
    next: Option<u64>,
}

impl SegmentIter<'_> {
    /// The iterator's waiter: its `cancel`, from another thread, ends the iteration with [`Error::Closed`],
    /// and its `require_peer` with [`Error::PeerGone`].
    #[must_use]
    pub fn waiter(&self) -> Waiter {
        self.waiter.clone()
    }
}

impl Iterator for SegmentIter<'_> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.next.take()?;
        match self.waiter.wait_for(index, Timeout::Infinite, Duration::ZERO) {
            Ok(()) => {
                let segment = self.file.read(index);
                self.next = segment.is_ok().then_some(index + 1);
                Some(segment)
            }
            Err(Error::Sealed) => None,
            Err(error) => Some(Err(error)),
        }
    }
}
