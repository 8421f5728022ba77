//! What tells this process, its threads and its handles from others.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThreadId, GetProcessTimes, TerminateProcess,
};

/// The bits of a process's number, and of a handle's number in its process.
const PROCESS_BITS: u32 = 40;
const HANDLE_BITS: u32 = 20;

/// A number that no other process has and that every copy of this library in the process finds: made of the
/// process id and of the time at which the process began.
pub(crate) fn process_number() -> u64 {
    static NUMBER: OnceLock<u64> = OnceLock::new();
    *NUMBER.get_or_init(|| {
        let time = creation_time() ^ u64::from(std::process::id()).rotate_left(32);
        // The high bits of a product depend on all bits of its factors.
        time.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - PROCESS_BITS)
    })
}

/// When this process began, in tenths of a microsecond.
fn creation_time() -> u64 {
    let [mut began, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the pseudo handle is always valid, and the targets are writable. It does not fail for one's
    // own process; 0 would do.
    unsafe {
        let process = GetCurrentProcess();
        GetProcessTimes(process, &raw mut began, &raw mut ended, &raw mut kernel, &raw mut user);
    }
    u64::from(began.dwHighDateTime) << 32 | u64::from(began.dwLowDateTime)
}

/// A number for a new handle. No other handle of this copy of the library has it, nor one of another process.
pub(super) fn new_nonce() -> u64 {
    static NEXT: OnceLock<AtomicU64> = OnceLock::new();
    // Several copies in one process begin at different numbers.
    let next = NEXT.get_or_init(|| AtomicU64::new(uuid::Uuid::new_v4().as_u64_pair().0));
    let handle = next.fetch_add(1, Ordering::Relaxed) % (1 << HANDLE_BITS);
    (process_number() << HANDLE_BITS | handle) + 1
}

/// Process ids mean the same in all of a machine.
pub(crate) fn process_namespace() -> u64 {
    0
}

/// The calling thread's id. The system gives none to two threads at a time.
pub(crate) fn thread_id() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { GetCurrentThreadId() }
}

/// Nothing continues a process here.
pub(crate) fn stop_self() {
    kill_self();
}

/// Ends this process as a kill from outside would.
pub(crate) fn kill_self() {
    // SAFETY: the pseudo handle is always valid.
    unsafe { TerminateProcess(GetCurrentProcess(), 1) };
    loop {
        std::thread::park();
    }
}
