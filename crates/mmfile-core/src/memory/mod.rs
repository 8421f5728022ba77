//! Mapped memory that several processes share, and checked access to its bytes.

mod mapping;
#[cfg(not(platform = "loom"))]
mod region;

#[cfg(platform = "loom")]
pub(crate) use crate::platform::{Block, Region};
pub(crate) use mapping::{Backing, Memory};
#[cfg(not(platform = "loom"))]
pub(crate) use region::{Block, Region};

/// The access that a handle has to the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Read and append.
    #[default]
    ReadWrite,
    /// Read only. The data is mapped without write permission.
    Read,
}

/// How a handle works with its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) access: Access,
    /// Whether its operations take the lock.
    pub(crate) synchronized: bool,
}

impl Mode {
    /// A handle that changes nothing without the lock.
    pub(crate) const SYNCHRONIZED: Self = Self { access: Access::ReadWrite, synchronized: true };

    /// A handle that reads.
    #[cfg(not(platform = "loom"))]
    pub(crate) const READING: Self = Self { access: Access::Read, synchronized: true };

    /// Whether it may be writing while another handle holds the lock.
    pub(crate) fn writes_without_lock(self) -> bool {
        self.access == Access::ReadWrite && !self.synchronized
    }
}
