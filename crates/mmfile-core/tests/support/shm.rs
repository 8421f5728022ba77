//! Objects as Linux has them: files in one folder.

use super::map as map_descriptor;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// The names in shared memory that contain `part`.
pub fn left_behind(part: &str) -> Vec<String> {
    std::fs::read_dir("/dev/shm")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains(part))
        .collect()
}

/// Where a shared object is.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from("/dev/shm").join(name)
}

/// Maps a shared object for as long as the program runs: its address and its size.
pub fn map_named(name: &str) -> (*mut u8, usize) {
    map(&std::fs::File::options().read(true).write(true).open(path(name)).unwrap())
}

/// Makes a shared object of that size, which the caller takes away again, and maps it.
pub fn create_named(name: &str, len: u64) -> (*mut u8, usize) {
    let mut options = std::fs::File::options();
    let file = options.read(true).write(true).create_new(true).open(path(name)).unwrap();
    file.set_len(len).unwrap();
    map(&file)
}

fn map(file: &std::fs::File) -> (*mut u8, usize) {
    map_descriptor(file.as_raw_fd(), usize::try_from(file.metadata().unwrap().len()).unwrap())
}
