//! How far the writers may overwrite.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The position before which everything may be overwritten, as a handle last found it, and the index of the next
/// message at that time. Other writers only move the position forward. Used under the writers' lock, or by the
/// exclusive writer.
#[derive(Debug, Default)]
pub(super) struct Limit {
    position: AtomicU32,
    /// The index that was next, and 1; 0 if the position is not known.
    next: AtomicU64,
}

impl Limit {
    pub(super) fn position(&self) -> u32 {
        self.position.load(Ordering::Relaxed)
    }

    /// The position, if at most so many messages were sent since.
    #[inline(always)]
    pub(super) fn get(&self, index: u64, most: u64) -> Option<u32> {
        let next = self.next.load(Ordering::Relaxed);
        let sent = index.wrapping_add(1).wrapping_sub(next);
        (next != 0 && sent <= most).then(|| self.position())
    }

    #[inline(always)]
    pub(super) fn set(&self, position: u32, index: u64) {
        self.position.store(position, Ordering::Relaxed);
        self.next.store(index.wrapping_add(1), Ordering::Relaxed);
    }
}
