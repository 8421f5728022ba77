//! Functions of a Unix system that tests need beyond the standard library.

#[cfg(target_os = "linux")]
use std::os::unix::process::CommandExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

/// Ends the started process with its parent.
#[cfg(target_os = "linux")]
pub fn end_with_parent(command: &mut Command) {
    // SAFETY: one system call, which is allowed between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
}

/// This system has no such call; a role ends when the other end of its pipes is closed.
#[cfg(not(target_os = "linux"))]
pub fn end_with_parent(_: &mut Command) {}

/// Whether a process ended by `SIGKILL`.
pub fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(libc::SIGKILL)
}

/// Makes the lock free and clears its record of its holder's death, as a foreign program does that takes it
/// and repairs nothing. `name` is the lock's name, `word` its place in the block.
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

/// Maps a descriptor's whole object.
pub fn map(descriptor: i32, len: usize) -> (*mut u8, usize) {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let base = unsafe {
        let null = std::ptr::null_mut();
        libc::mmap(null, len, protection, libc::MAP_SHARED, descriptor, 0)
    };
    assert_ne!(base, libc::MAP_FAILED);
    (base.cast(), len)
}

/// Undoes a mapping.
///
/// # Safety It is one of [`map_named`] or [`create_named`], and it is not used any more.
pub unsafe fn unmap(base: *mut u8, len: usize) {
    // SAFETY: exactly what was mapped.
    unsafe { libc::munmap(base.cast(), len) };
}
