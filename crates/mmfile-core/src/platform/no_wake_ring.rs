//! Where the kernel does not wait on a word for an event loop.

use super::sync::AtomicU32;
use std::time::Duration;

/// This platform has no such ring.
#[derive(Debug)]
pub enum WakeRing {}

impl WakeRing {
    /// None.
    #[must_use]
    pub fn new() -> Option<Self> {
        None
    }

    pub(crate) fn arm(&mut self, _: &AtomicU32, _: u32, _: Duration) -> bool {
        match *self {}
    }
}
