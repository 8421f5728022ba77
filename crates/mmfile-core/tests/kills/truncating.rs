//! A kill after an object is created and before it gets its size, which happens inside `shared_memory`: the
//! test defines `ftruncate`, which this program finds before the C library's.

use std::sync::atomic::{AtomicU32, Ordering};

/// Kills the process in front of a passing, as `fault::point` does: `ftruncate`, or `ftruncate:2`.
///
/// # Safety
/// As the C library's, which touches no memory.
#[unsafe(no_mangle)]
unsafe extern "C" fn ftruncate(descriptor: libc::c_int, length: libc::off_t) -> libc::c_int {
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let number = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
    let fault = std::env::var("MMFILE_FAULT").unwrap_or_default();
    let target = fault.strip_prefix("ftruncate").map(|rest| rest.strip_prefix(':').unwrap_or("1"));
    // SAFETY: kills this very process, or does what it was called for.
    unsafe {
        if target == Some(&number.to_string()) {
            libc::kill(libc::getpid(), libc::SIGKILL);
        }
        libc::syscall(libc::SYS_ftruncate, descriptor, length) as libc::c_int
    }
}
