//! Numbers that the processes of a test count together, in a file that all of them map.

use super::{raw::Raw, unix};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::AtomicU64;

const SIZE: u64 = 4096;

pub struct Board(Raw);

impl Board {
    pub fn create(path: &Path) -> Self {
        std::fs::File::create_new(path).unwrap().set_len(SIZE).unwrap();
        Self::open(path)
    }

    pub fn open(path: &Path) -> Self {
        let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
        Self(Raw::mapped(unix::map(file.as_raw_fd(), SIZE as usize)))
    }

    pub fn at(&self, index: usize) -> &AtomicU64 {
        // SAFETY: an aligned number inside the mapping, which lives as long as the board; every process
        // accesses it atomically.
        unsafe { &*self.0.at(index * 8).cast::<AtomicU64>() }
    }
}
