//! Bounds-checked raw access to bytes that other processes may change at any moment.
//!
//! No Rust reference is ever made over the shared bytes, atomics aside: every access is a volatile load, an
//! atomic, or a raw copy. So the worst that another process can cause is a wrong value.

use crate::control::layout::CONTROL_SIZE;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// A range of mapped memory. It does not keep the mapping alive: its owner does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Region {
    base: NonNull<u8>,
    len: usize,
}

impl Region {
    /// # Safety
    /// `len` bytes from `base` stay readable (and, where they are written through this value,
    /// writable) for as long as it or a copy is used.
    pub(crate) unsafe fn new(base: NonNull<u8>, len: usize) -> Self {
        Self { base, len }
    }

    /// The size in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// `length` bytes from `offset` on, if they are all inside.
    pub(crate) fn part(&self, offset: u64, length: u64) -> Option<Self> {
        let base = self.range(offset, length)?;
        Some(Self { base, len: usize::try_from(length).ok()? })
    }

    /// The first byte.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// The address of `len` bytes at `offset`, or `None` if they are not all inside.
    #[inline(always)]
    pub(crate) fn range(&self, offset: u64, len: u64) -> Option<NonNull<u8>> {
        let end = offset.checked_add(len)?;
        if end > self.len as u64 {
            return None;
        }
        let offset = usize::try_from(offset).ok()?;
        // SAFETY: offset <= end <= self.len, so the result is inside the mapping or one past it.
        Some(unsafe { self.base.add(offset) })
    }

    /// Prefetches that range, as far as it exists, for stores that come soon: they then do not wait, line by line,
    /// for another processor's copy.
    #[inline]
    pub(crate) fn prefetch_for_stores(&self, offset: u64, len: u64) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let len = len.min((self.len as u64).saturating_sub(offset));
            let Some(at) = self.range(offset, len) else { return };
            for line in (0..usize::try_from(len).unwrap_or(0)).step_by(64) {
                // SAFETY: it reads and writes nothing that a program can see, whatever the address; and this
                // one is inside the region.
                unsafe {
                    std::arch::asm!(
                        "prefetchw [{}]",
                        in(reg) at.as_ptr().add(line),
                        options(nostack, preserves_flags, readonly)
                    );
                }
            }
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        let _ = (offset, len);
    }

    /// The four bytes at `offset`, read once, in this machine's little-endian meaning.
    #[inline(always)]
    pub(crate) fn load_word(&self, offset: u64) -> Option<u32> {
        let at = self.range(offset, 4)?;
        // SAFETY: the range is mapped; a byte array has no alignment to keep, and a volatile read
        // is made exactly once whatever other processes do meanwhile.
        let bytes = unsafe { ptr::read_volatile(at.as_ptr().cast::<[u8; 4]>()) };
        fence(Ordering::Acquire);
        Some(u32::from_le_bytes(bytes))
    }

    /// Writes the four bytes at `offset` after everything that was written before.
    #[inline(always)]
    pub(crate) fn publish_word(&self, offset: u64, word: u32) -> bool {
        let Some(at) = self.range(offset, 4) else { return false };
        let word = word.to_le();
        fence(Ordering::Release);
        if at.as_ptr().cast::<u32>().is_aligned() {
            // SAFETY: mapped, writable and aligned, and only accessed as raw bytes or atomics.
            unsafe { AtomicU32::from_ptr(at.as_ptr().cast()) }.store(word, Ordering::Release);
        } else {
            // SAFETY: mapped and writable; one unaligned store, which the supported machines make
            // in one instruction. A reader takes it as valid only after the tail is published.
            unsafe { ptr::write_unaligned(at.as_ptr().cast::<u32>(), word) };
        }
        fence(Ordering::Release);
        true
    }

    /// The eight bytes at `offset`, a multiple of eight, read once.
    #[inline(always)]
    pub(crate) fn load_long(&self, offset: u64) -> Option<u64> {
        let at = self.aligned(offset, 8)?;
        // SAFETY: mapped and aligned; a volatile read is made exactly once whatever others do meanwhile.
        Some(unsafe { ptr::read_volatile(at.as_ptr().cast::<u64>()) }.to_le())
    }

    /// Writes the eight bytes at `offset`, a multiple of eight, in no order.
    #[inline(always)]
    pub(crate) fn store_long(&self, offset: u64, value: u64) -> bool {
        let Some(at) = self.aligned(offset, 8) else { return false };
        // SAFETY: mapped, writable and aligned, and only accessed as raw bytes.
        unsafe { ptr::write_volatile(at.as_ptr().cast::<u64>(), value.to_le()) };
        true
    }

    /// The 32-bit atomic at `offset`, a multiple of four.
    #[inline(always)]
    pub(crate) fn atomic_u32(&self, offset: u64) -> Option<&AtomicU32> {
        let at = self.aligned(offset, 4)?;
        // SAFETY: mapped for as long as the region is used, aligned, and accessed as an atomic by everyone.
        Some(unsafe { AtomicU32::from_ptr(at.as_ptr().cast()) })
    }

    /// The 64-bit atomic at `offset`, a multiple of eight.
    #[inline(always)]
    pub(crate) fn atomic_u64(&self, offset: u64) -> Option<&AtomicU64> {
        let at = self.aligned(offset, 8)?;
        // SAFETY: as for `atomic_u32`.
        Some(unsafe { AtomicU64::from_ptr(at.as_ptr().cast()) })
    }

    /// The address of `size` bytes at a multiple of that. A mapping begins with a page.
    #[inline(always)]
    fn aligned(&self, offset: u64, size: u64) -> Option<NonNull<u8>> {
        let at = self.range(offset, size)?;
        (at.as_ptr().addr() as u64).is_multiple_of(size).then_some(at)
    }

    /// Sets `len` bytes at `offset` to zero.
    pub(crate) fn zero(&self, offset: u64, len: u64) -> bool {
        let (Some(at), Ok(len)) = (self.range(offset, len), usize::try_from(len)) else {
            return false;
        };
        // SAFETY: the range is mapped and writable.
        unsafe { ptr::write_bytes(at.as_ptr(), 0, len) };
        true
    }

    /// Whether `len` bytes at `offset` are all zero.
    pub(crate) fn is_zero(&self, offset: u64, len: u64) -> bool {
        const WORD: u64 = size_of::<u64>() as u64;
        let Some(at) = self.range(offset, len) else { return false };
        let (words, rest) = (len / WORD, len % WORD);
        let read = |from: u64, size: u64| -> bool {
            let place = at.as_ptr().wrapping_add(usize::try_from(from).unwrap_or(0));
            // SAFETY: a word or a byte inside of the range, which is mapped; byte arrays have no alignment to keep.
            unsafe {
                match size {
                    WORD => ptr::read_volatile(place.cast::<[u8; 8]>()) == [0; 8],
                    _ => ptr::read_volatile(place) == 0,
                }
            }
        };
        (0..words).all(|word| read(word * WORD, WORD))
            && (0..rest).all(|byte| read(words * WORD + byte, 1))
    }

    /// Copies `len` bytes at `offset` to `target`.
    ///
    /// # Safety
    /// `target` is writable for `len` bytes.
    pub(crate) unsafe fn copy_out(&self, offset: u64, target: *mut u8, len: usize) -> bool {
        let Some(at) = self.range(offset, len as u64) else { return false };
        // SAFETY: the source is mapped, the target is the caller's promise; they overlap if a
        // program copies into a view of the file itself.
        unsafe { ptr::copy(at.as_ptr(), target, len) };
        true
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a few kilobytes")]
const BLOCK_SIZE: usize = CONTROL_SIZE as usize;

/// A region that is known to be at least as long as a control block: its words are accessed without another
/// check of the length, several times in every operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block(NonNull<u8>);

// SAFETY: as for a mapping: memory that belongs to no thread, of which only atomics are handed out.
// Like a region, it is used only as long as its mapping is kept.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    /// `None` if the region is too short.
    pub(crate) fn of(region: &Region) -> Option<Self> {
        let fits = region.len >= BLOCK_SIZE && region.base.cast::<u64>().is_aligned();
        fits.then_some(Self(region.base))
    }

    /// The aligned 32-bit atomic at an offset that is a constant of the layout.
    #[inline(always)]
    pub(crate) fn atomic_u32(&self, offset: u64) -> Option<&AtomicU32> {
        let at = self.at(offset, size_of::<u32>())?;
        // SAFETY: inside the block, aligned, and accessed as an atomic by everyone; it lives as long
        // as its mapping, which the owner of `self` keeps.
        Some(unsafe { AtomicU32::from_ptr(at.cast()) })
    }

    /// The aligned 64-bit atomic at an offset that is a constant of the layout.
    #[inline(always)]
    pub(crate) fn atomic_u64(&self, offset: u64) -> Option<&AtomicU64> {
        let at = self.at(offset, size_of::<u64>())?;
        // SAFETY: as for `atomic_u32`.
        Some(unsafe { AtomicU64::from_ptr(at.cast()) })
    }

    /// Where `size` aligned bytes are; all of it is known when it is compiled.
    #[inline(always)]
    fn at(&self, offset: u64, size: usize) -> Option<*mut u8> {
        let offset = usize::try_from(offset).ok()?;
        let fits = offset.is_multiple_of(size) && offset <= BLOCK_SIZE - size;
        // SAFETY: inside the block, which `of` found in the region.
        fits.then(|| unsafe { self.0.as_ptr().add(offset) })
    }
}
