//! No lock is needed where the kernel makes a name and takes it away in one step each.

use crate::error::Result;
use crate::lock::Deadline;

/// The right to make names and to take them away, which here everybody has.
#[derive(Debug)]
pub(crate) struct RegistryLock(());

impl RegistryLock {
    /// Never waits.
    pub(crate) fn acquire(_: &Deadline) -> Result<Self> {
        Ok(Self(()))
    }
}
