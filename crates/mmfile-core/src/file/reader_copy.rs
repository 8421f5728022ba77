//! A reader's views on systems that cannot map memory in such a way that writing to it changes nothing for others.
//! There the views show private memory of this process, into which each segment is copied once before a caller learns
//! its address.

use crate::error::Result;
use crate::memory::Memory;
use crate::platform::map_private;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A reader's private data, from its first view on.
#[derive(Debug, Default)]
pub(super) struct ReaderCopy {
    memory: OnceLock<Memory>,
    /// How much of the data is in it.
    copied: Mutex<u64>,
}

impl ReaderCopy {
    /// The memory, empty if there was none.
    pub(super) fn begin(&self, capacity: u64) -> Result<&Memory> {
        if let Some(memory) = self.memory.get() {
            return Ok(memory);
        }
        let made = map_private(capacity)?;
        Ok(self.memory.get_or_init(|| made))
    }

    /// Copies what was committed since the last time, if there are views at all.
    #[inline]
    pub(super) fn bring(&self, data: &Memory, committed: impl FnOnce() -> u64) {
        let Some(memory) = self.memory.get() else { return };
        let mut copied = self.copied.lock().unwrap_or_else(PoisonError::into_inner);
        let end = committed();
        let Some(length) = end.checked_sub(*copied) else { return };
        let (Some(target), Ok(length)) =
            (memory.region().range(*copied, length), usize::try_from(length))
        else {
            return;
        };
        // SAFETY: the range is inside the private mapping, which `memory` keeps.
        if unsafe { data.region().copy_out(*copied, target.as_ptr(), length) } {
            *copied = end;
        }
    }
}
