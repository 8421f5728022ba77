//! What tests need of a Unix system beyond the standard library.

use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

/// Has what is started end with whoever starts it.
pub fn end_with_parent(command: &mut Command) {
    // SAFETY: one system call, which is allowed between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
}

/// Whether a process ended by `SIGKILL`.
pub fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(libc::SIGKILL)
}

/// The names in shared memory that contain `part`.
pub fn left_behind(part: &str) -> Vec<String> {
    std::fs::read_dir("/dev/shm")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains(part))
        .collect()
}

/// Makes the lock free and takes away what it knows of its holder's death, as a foreign program does
/// that takes it and repairs nothing. `name` is the lock's, `word` is where the block has it.
pub fn forget_death(_name: &str, word: *mut u32) {
    // SAFETY: the caller has the block mapped; the lock is an aligned word of it.
    unsafe { word.write_volatile(0) };
}

/// The monotonic clock, which all processes share, in nanoseconds.
pub fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
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
    let len = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let base = unsafe {
        let null = std::ptr::null_mut();
        libc::mmap(null, len, protection, libc::MAP_SHARED, file.as_raw_fd(), 0)
    };
    assert_ne!(base, libc::MAP_FAILED);
    (base.cast(), len)
}

/// Undoes a mapping.
///
/// # Safety
/// It is one of [`map_named`] or [`create_named`], and nobody uses it any more.
pub unsafe fn unmap(base: *mut u8, len: usize) {
    // SAFETY: exactly what was mapped.
    unsafe { libc::munmap(base.cast(), len) };
}
