//! The identity of this process and its threads.

use std::ptr;
use std::sync::OnceLock;
use windows_sys::Wdk::System::SystemInformation::{
    NtQuerySystemInformation, SystemTimeOfDayInformation,
};
use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThreadId, GetProcessTimes, TerminateProcess,
};

/// The bits of a process's number.
pub(crate) const PROCESS_BITS: u32 = 40;

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

/// A number for this run of the machine: when it began, in tenths of a microsecond, by the clock as that was set
/// then. 0 if it is not known.
pub(crate) fn boot_number() -> u64 {
    static NUMBER: OnceLock<u64> = OnceLock::new();
    *NUMBER.get_or_init(|| {
        let mut times = TimesOfDay::default();
        let size = u32::try_from(size_of_val(&times)).unwrap_or(0);
        let target = (&raw mut times).cast();
        // SAFETY: the target is writable for the size that is given.
        let status = unsafe {
            NtQuerySystemInformation(SystemTimeOfDayInformation, target, size, ptr::null_mut())
        };
        // Setting the clock moves both.
        if status < 0 { 0 } else { times.boot_time.wrapping_sub(times.boot_time_bias) }
    })
}

/// The structure of `SystemTimeOfDayInformation`, which Microsoft documents as 48 reserved bytes.
#[repr(C)]
#[derive(Default)]
struct TimesOfDay {
    boot_time: u64,
    _current_time: u64,
    _time_zone_bias: u64,
    _time_zone_id: u32,
    _reserved: u32,
    boot_time_bias: u64,
    _sleep_time_bias: u64,
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
