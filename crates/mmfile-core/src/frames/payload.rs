//! A value that can become a segment.

use super::stream;
use crate::error::Result;
use crate::sync::copy;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// A value that can be written as one segment.
pub trait Payload {
    /// How many bytes it takes. Asked before the lock is taken.
    fn byte_length(&self) -> u64;
    /// Writes exactly that many bytes. Bytes that it skips stay zero.
    ///
    /// It runs while the lock is held. It may use other files of this crate, but must not take a robust mutex of the C
    /// library: if the process then died in here, the kernel would not know of the lock.
    ///
    /// # Errors Any reason why the value cannot be written; then nothing becomes part of the file.
    fn write_to(&self, target: Target<'_>) -> Result<()>;
    /// How many of the written bytes count; called once they are written. By default, all of them do. A value that
    /// learns its length only while it is written may return fewer.
    fn kept(&self) -> u64 {
        self.byte_length()
    }
}

/// The place in shared memory that a [`Payload`] is written to.
#[derive(Debug)]
pub struct Target<'a> {
    at: NonNull<u8>,
    len: usize,
    spare: usize,
    /// Whether it is written past the cache.
    streams: bool,
    _lifetime: PhantomData<&'a mut [u8]>,
}

impl Target<'_> {
    /// # Safety
    /// `len + spare` bytes at `at` are writable and used by no other code for as long as this lives.
    pub(crate) unsafe fn new(at: NonNull<u8>, len: usize, spare: usize) -> Self {
        Self { at, len, spare, streams: false, _lifetime: PhantomData }
    }

    /// The same place, written past the cache if `streams` says so.
    pub(crate) fn streaming(self, streams: bool) -> Self {
        Self { streams, ..self }
    }

    /// Copies the bytes in, as many as there is room for, and moves on behind them.
    pub fn put(&mut self, bytes: &[u8]) {
        // SAFETY: a slice can be read for its length.
        unsafe { self.put_raw(bytes.as_ptr(), bytes.len()) }
    }

    /// As [`Self::put`], for bytes that another thread or process may be changing.
    ///
    /// # Safety
    /// `len` bytes at `bytes` can be read.
    #[inline]
    pub unsafe fn put_raw(&mut self, bytes: *const u8, len: usize) {
        let count = len.min(self.len);
        // SAFETY: `count` bytes at `at` are writable by the constructor's promise, and readable at
        // `bytes` by the caller's; they may overlap if a view of the file itself is appended. The
        // cursor stays inside the target.
        unsafe {
            if self.streams && stream::is_large(count as u64) {
                stream::copy_streaming(bytes, self.at.as_ptr(), count);
            } else {
                copy(bytes, self.at.as_ptr(), count);
            }
            self.at = self.at.add(count);
        }
        self.len -= count;
    }

    /// The raw place: [`Self::len`] bytes to fill and [`Self::spare`] more that may be overwritten,
    /// for an API that ends what it writes with a zero.
    #[must_use]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.at.as_ptr()
    }

    /// Bytes left to fill.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is left to fill.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes behind the target that may be overwritten.
    #[must_use]
    pub fn spare(&self) -> usize {
        self.spare
    }
}

impl Payload for [u8] {
    fn byte_length(&self) -> u64 {
        self.len() as u64
    }

    fn write_to(&self, mut target: Target<'_>) -> Result<()> {
        target.put(self);
        Ok(())
    }
}

impl<const N: usize> Payload for [u8; N] {
    fn byte_length(&self) -> u64 {
        N as u64
    }

    fn write_to(&self, target: Target<'_>) -> Result<()> {
        self.as_slice().write_to(target)
    }
}

impl Payload for Vec<u8> {
    fn byte_length(&self) -> u64 {
        self.len() as u64
    }

    fn write_to(&self, target: Target<'_>) -> Result<()> {
        self.as_slice().write_to(target)
    }
}

/// Text is stored as UTF-16, little-endian.
impl Payload for str {
    fn byte_length(&self) -> u64 {
        self.encode_utf16().count() as u64 * 2
    }

    fn write_to(&self, mut target: Target<'_>) -> Result<()> {
        for unit in self.encode_utf16() {
            target.put(&unit.to_le_bytes());
        }
        Ok(())
    }
}

impl<P: Payload + ?Sized> Payload for &P {
    fn byte_length(&self) -> u64 {
        (**self).byte_length()
    }

    fn write_to(&self, target: Target<'_>) -> Result<()> {
        (**self).write_to(target)
    }

    fn kept(&self) -> u64 {
        (**self).kept()
    }
}

impl<P: Payload + ?Sized> Payload for Box<P> {
    fn byte_length(&self) -> u64 {
        (**self).byte_length()
    }

    fn write_to(&self, target: Target<'_>) -> Result<()> {
        (**self).write_to(target)
    }

    fn kept(&self) -> u64 {
        (**self).kept()
    }
}
