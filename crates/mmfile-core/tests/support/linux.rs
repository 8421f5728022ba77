//! Objects as Linux has them: files in one folder.

use super::unix::map as map_descriptor;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The folder of the objects: the tests can be run in another one.
pub fn folder() -> PathBuf {
    let chosen = std::env::var("MMFILE_DIRECTORY").unwrap_or_default();
    if chosen.is_empty() { "/dev/shm".into() } else { chosen.into() }
}

/// The names in shared memory that contain `part`.
pub fn left_behind(part: &str) -> Vec<String> {
    std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains(part))
        .collect()
}

/// Where a shared object is.
pub fn path(name: &str) -> PathBuf {
    folder().join(name)
}

/// The number at an offset of the object of a file, if there is one.
pub fn peek(file: &Path, offset: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    std::fs::File::open(file).ok()?.read_exact_at(&mut bytes, offset).ok()?;
    Some(u64::from_ne_bytes(bytes))
}

/// The size of the object of a file.
pub fn size_of_object(file: &Path) -> u64 {
    std::fs::metadata(file).unwrap().len()
}

/// Gives it another one.
pub fn set_size_of_object(file: &Path, size: u64) {
    std::fs::File::options().write(true).open(file).unwrap().set_len(size).unwrap();
}

/// Maps a shared object for as long as the program runs: its address and its size.
pub fn map_named(name: &str) -> (*mut u8, usize) {
    map(&std::fs::File::options().read(true).write(true).open(path(name)).unwrap())
}

/// Makes a shared object of that size, which the caller removes again, and maps it.
pub fn create_named(name: &str, len: u64) -> (*mut u8, usize) {
    let mut options = std::fs::File::options();
    let file = options.read(true).write(true).create_new(true).open(path(name)).unwrap();
    file.set_len(len).unwrap();
    map(&file)
}

fn map(file: &std::fs::File) -> (*mut u8, usize) {
    map_descriptor(file.as_raw_fd(), usize::try_from(file.metadata().unwrap().len()).unwrap())
}
