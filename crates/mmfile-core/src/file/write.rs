//! Writing: one critical section a call.

use super::MmFile;
use super::handle::Handle;
use crate::error::{Error, Result};
use crate::frames::{Payload, Target};
use crate::memory::Access;
use crate::platform::thread_id;
use std::sync::atomic::Ordering;

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

    /// Appends one segment that `value` writes in place, and that may learn only then how long it is
    /// ([`Payload::kept`]). Writing to the same file meanwhile, from within, is [`Error::LockHeld`].
    ///
    /// # Errors
    /// As [`MmFile::append`], and what `value` fails with.
    pub fn append_with<P: Payload + ?Sized>(&self, value: &P) -> Result<u64> {
        self.handle.check_writable()?;
        self.handle.check_not_filling()?;
        let handle = &*self.handle;
        handle.change(|| {
            let _filling = Filling::begin(handle);
            let is_at_work = || handle.has_unsynchronized_writer();
            let value = Slow { value, handle };
            let may_store = || handle.object.check_writable(&handle.control);
            handle.segments.append(&handle.control, &[value], None, is_at_work, may_store)
        })
    }

    /// Checks, after a slow value of [`MmFile::append_with`], that its target can still be written: that the file on
    /// disk was not cut short meanwhile, and still has room. Elsewhere it does nothing.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::NoSpace`].
    pub fn provide(&self, target: &mut Target<'_>) -> Result<()> {
        self.handle.object.check_writable(&self.handle.control)?;
        let Some(offset) = self.offset_of(target.as_mut_ptr()) else { return Ok(()) };
        self.handle.segments.memory().make_writable(offset, target.len() as u64)
    }

    /// Whether the calling thread is in the middle of [`MmFile::append_with`].
    #[must_use]
    pub fn is_filling(&self) -> bool {
        self.handle.check_not_filling().is_err()
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

/// A value that runs a program's code while it is written: another program may cut the file meanwhile.
struct Slow<'a, P: ?Sized> {
    value: &'a P,
    handle: &'a Handle,
}

impl<P: Payload + ?Sized> Payload for Slow<'_, P> {
    fn byte_length(&self) -> u64 {
        self.value.byte_length()
    }

    fn write_to(&self, target: Target<'_>) -> Result<()> {
        let written = self.value.write_to(target);
        self.handle.object.check_writable(&self.handle.control)?;
        written
    }

    fn kept(&self) -> u64 {
        self.value.kept()
    }
}

/// A thread that is writing a segment in place, until this is dropped.
struct Filling<'a>(&'a Handle);

impl<'a> Filling<'a> {
    fn begin(handle: &'a Handle) -> Self {
        handle.filling.store(thread_id(), Ordering::Relaxed);
        Self(handle)
    }
}

impl Drop for Filling<'_> {
    fn drop(&mut self) {
        self.0.filling.store(0, Ordering::Relaxed);
    }
}

impl Handle {
    /// # Errors
    /// [`Error::LockHeld`] if the calling thread is writing a segment in place.
    pub(super) fn check_not_filling(&self) -> Result<()> {
        // Only a thread itself stores its own number.
        let filling = self.filling.load(Ordering::Relaxed);
        if filling == 0 || filling != thread_id() { Ok(()) } else { Err(Error::LockHeld) }
    }

    fn check_writable(&self) -> Result<()> {
        if self.settings.mode.access == Access::ReadWrite { Ok(()) } else { Err(Error::ReadOnly) }
    }

    fn put<P: Payload>(&self, values: &[P], at: Option<u64>) -> Result<u64> {
        self.check_writable()?;
        self.change(|| {
            let is_at_work = || self.has_unsynchronized_writer();
            let may_store = || self.object.check_writable(&self.control);
            self.segments.append(&self.control, values, at, is_at_work, may_store)
        })
    }
}
