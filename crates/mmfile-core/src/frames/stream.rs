//! Copying large segments into shared memory past the cache.
//!
//! A file grows: the place of a new segment is in no cache. A plain store reads each line from memory before
//! it writes to it; a streaming one does not, which halves the time of a copy into a large file. A reader
//! that reads the segment at once has to load it from memory, which costs less (docs/performance.md).

use crate::sync::copy;

/// The smallest segment that is worth it.
const LARGE_SEGMENT: u64 = 64 << 10;
/// The capacity from which on a file is assumed to exceed the caches: a guess, since servers' caches differ
/// by a factor of ten.
const LARGE_FILE: u64 = 32 << 20;

/// Whether a segment of `size` bytes is written past the cache to a file of that capacity.
pub(super) fn is_worth_it(size: u64, capacity: u64) -> bool {
    is_large(size) && capacity >= LARGE_FILE
}

/// Whether so many bytes at once are. A value that comes in small pieces is not written past the cache.
pub(super) fn is_large(size: u64) -> bool {
    size >= LARGE_SEGMENT
}

/// Copies `len` bytes, which may overlap, with streaming stores as far as that goes. They are done, as
/// plain stores are, when it returns.
///
/// # Safety
/// `from` is readable and `to` writable for `len` bytes.
#[cfg(target_arch = "x86_64")]
pub(super) unsafe fn copy_streaming(from: *const u8, to: *mut u8, len: usize) {
    use std::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_sfence, _mm_stream_si128};
    const LINE: usize = 64;
    const PART: usize = size_of::<__m128i>();
    let head = to.align_offset(LINE);
    let overlap = (from as usize).abs_diff(to as usize) < len;
    if overlap || head >= len {
        // SAFETY: the caller's promise.
        return unsafe { copy(from, to, len) };
    }
    let lines = (len - head) / LINE;
    let tail = head + lines * LINE;
    // SAFETY: all of it is inside of the two ranges of the caller's promise, and every streaming store
    // is aligned, since it begins at a line. SSE2 is part of x86-64.
    unsafe {
        std::ptr::copy_nonoverlapping(from, to, head);
        let (source, target) = (from.add(head), to.add(head));
        for at in (0..lines).map(|line| line * LINE) {
            let load = |part: usize| _mm_loadu_si128(source.add(at + part * PART).cast());
            let parts = [load(0), load(1), load(2), load(3)];
            for (number, part) in parts.into_iter().enumerate() {
                _mm_stream_si128(target.add(at + number * PART).cast(), part);
            }
        }
        std::ptr::copy_nonoverlapping(from.add(tail), to.add(tail), len - tail);
        // Streaming stores are not ordered with others: the next publication has to wait for them.
        _mm_sfence();
    }
}

/// Copies `len` bytes, which may overlap.
///
/// # Safety
/// `from` is readable and `to` writable for `len` bytes.
#[cfg(not(target_arch = "x86_64"))]
pub(super) unsafe fn copy_streaming(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { copy(from, to, len) };
}

#[cfg(test)]
mod tests {
    use super::copy_streaming;

    #[test]
    fn it_copies_at_every_place_and_length() {
        let source: Vec<u8> = (0..1000_u32).map(|number| (number * 7 % 251) as u8).collect();
        for length in (0..200).chain([511, 512, 513, 900]) {
            for shift in [0, 1, 4, 15, 16, 17, 63, 64, 65] {
                let mut target = vec![0xaa_u8; 1100];
                // SAFETY: both vectors are longer than that.
                unsafe {
                    copy_streaming(source[3..].as_ptr(), target[shift..].as_mut_ptr(), length)
                };
                assert_eq!(target[shift..shift + length], source[3..3 + length]);
                let around = target[..shift].iter().chain(&target[shift + length..]);
                assert!(around.into_iter().all(|byte| *byte == 0xaa), "{length} at {shift}");
            }
        }
    }

    #[test]
    fn ranges_may_overlap() {
        for (from, to) in [(0, 70), (70, 0)] {
            let mut bytes: Vec<u8> = (0..200).collect();
            let expected = bytes[from..from + 130].to_vec();
            let base = bytes.as_mut_ptr();
            // SAFETY: inside of the vector.
            unsafe { copy_streaming(base.add(from), base.add(to), 130) };
            assert_eq!(bytes[to..to + 130], expected);
        }
    }
}
