//! Memory that stays mapped for as long as it is referred to.

use super::Region;
use std::any::Any;
use std::sync::Arc;

/// A range of mapped memory. It and its clones keep the mapping.
#[derive(Clone)]
pub(crate) struct Memory {
    region: Region,
    /// What unmaps the memory when it is dropped.
    mapping: Arc<dyn Any>,
}

// SAFETY: the memory belongs to no thread: every access through `Region` is atomic, volatile or a raw
// copy. The mapping is only dropped, on the last owner's thread, and `new` takes one that may be.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// # Safety
    /// `region` stays mapped for as long as `mapping` lives, which may be dropped on any thread.
    pub(crate) unsafe fn new<M: Any>(region: Region, mapping: M) -> Self {
        Self { region, mapping: Arc::new(mapping) }
    }

    /// The mapped bytes.
    #[inline(always)]
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    /// `length` bytes from `offset` on, if they are all inside.
    pub(crate) fn part(&self, offset: u64, length: u64) -> Option<Self> {
        let region = self.region.part(offset, length)?;
        Some(Self { region, mapping: Arc::clone(&self.mapping) })
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("len", &self.region.len()).finish_non_exhaustive()
    }
}
