//! The newest message, and messages that are copied because they may be overwritten at any moment.

use super::Channel;
use super::handle::Handle;
use crate::error::Result;
use crate::ring::Record;

impl Channel {
    /// The newest message, copied: its index and its bytes.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::NoSpace`] without memory for the copy.
    pub fn newest(&self) -> Result<Option<(u64, Vec<u8>)>> {
        let handle = &*self.handle;
        handle.check_whole()?;
        let mut bytes = Vec::new();
        loop {
            let Some(record) = handle.ring.newest()?.message else { return Ok(None) };
            if handle.copy_unprotected(&record, &mut bytes)? {
                return Ok(Some((record.index, bytes)));
            }
        }
    }
}

impl Handle {
    /// Copies a message that no cursor protects. `false` if it may have been overwritten meanwhile.
    pub(super) fn copy_unprotected(&self, record: &Record, bytes: &mut Vec<u8>) -> Result<bool> {
        let copied = self.ring.copy(record, bytes);
        if self.ring.is_gone(record.position) {
            return Ok(false);
        }
        // Positions wrap, indices do not.
        let is_same = self.ring.record(record.position, record.end) == Some(*record);
        copied.map(|()| is_same && !self.ring.is_gone(record.position))
    }
}
