//! The wait and wake on a 32-bit word in shared memory that macOS has: documented from 14.4 on, before
//! that the undocumented calls below it, and where neither is found, checks at intervals. All are looked
//! up in the running system.

use super::super::unix::sleep_and_check;
use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// `OS_SYNC_WAIT_ON_ADDRESS_SHARED` and `OS_SYNC_WAKE_BY_ADDRESS_SHARED`.
const SHARED: u32 = 1;
/// `OS_CLOCK_MACH_ABSOLUTE_TIME`: monotonic, and stopped while the machine sleeps.
const MACH_ABSOLUTE_TIME: u32 = 32;
/// `UL_COMPARE_AND_WAIT_SHARED`.
const COMPARE_AND_WAIT_SHARED: u32 = 3;
/// `ULF_WAKE_ALL`.
const WAKE_ALL: u32 = 0x100;

type SyncWait = unsafe extern "C" fn(*mut c_void, u64, usize, u32, u32, u64) -> c_int;
type SyncWake = unsafe extern "C" fn(*mut c_void, usize, u32) -> c_int;
type UlockWait = unsafe extern "C" fn(u32, *mut c_void, u64, u32) -> c_int;
type UlockWake = unsafe extern "C" fn(u32, *mut c_void, u64) -> c_int;

/// The functions that this system has.
enum Calls {
    Sync { wait: SyncWait, wake_one: SyncWake, wake_all: SyncWake },
    Ulock { wait: UlockWait, wake: UlockWake },
    None,
}

fn calls() -> &'static Calls {
    static CALLS: OnceLock<Calls> = OnceLock::new();
    CALLS.get_or_init(|| {
        // SAFETY: each name is that of a function of this type in libSystem.
        unsafe {
            if let (Some(wait), Some(wake_one), Some(wake_all)) = (
                symbol(c"os_sync_wait_on_address_with_timeout"),
                symbol(c"os_sync_wake_by_address_any"),
                symbol(c"os_sync_wake_by_address_all"),
            ) {
                return Calls::Sync { wait, wake_one, wake_all };
            }
            match (symbol(c"__ulock_wait"), symbol(c"__ulock_wake")) {
                (Some(wait), Some(wake)) => Calls::Ulock { wait, wake },
                _ => Calls::None,
            }
        }
    })
}

/// # Safety
/// `F` is a pointer to a function, of the type that the symbol has.
unsafe fn symbol<F>(name: &CStr) -> Option<F> {
    // SAFETY: a NUL-terminated name.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: the caller's promise; a function pointer has the size of a data pointer here.
    (!found.is_null()).then(|| unsafe { std::mem::transmute_copy(&found) })
}

/// Sleeps while `word` is `expected`, at most for `limit`, which is measured on the monotonic clock.
pub(crate) fn wait(word: &AtomicU32, expected: u32, limit: Duration) {
    let at = word.as_ptr().cast::<c_void>();
    // Both calls treat 0 as an error or as no limit.
    let (result, syscall) = match calls() {
        Calls::Sync { wait, .. } => {
            let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX).max(1);
            // SAFETY: the word is mapped for as long as it is borrowed; the kernel only reads it.
            let result = unsafe {
                wait(at, expected.into(), size_of::<u32>(), SHARED, MACH_ABSOLUTE_TIME, limit)
            };
            (result, "os_sync_wait_on_address_with_timeout")
        }
        Calls::Ulock { wait, .. } => {
            let limit = u32::try_from(limit.as_micros()).unwrap_or(u32::MAX).max(1);
            // SAFETY: as above.
            (unsafe { wait(COMPARE_AND_WAIT_SHARED, at, expected.into(), limit) }, "__ulock_wait")
        }
        Calls::None => return sleep_and_check::wait(word, expected, limit),
    };
    // Besides the end of the time: a signal, or the page was not there when the kernel looked.
    let is_usual = |errno| matches!(errno, libc::ETIMEDOUT | libc::EINTR | libc::EFAULT);
    if result < 0 && !is_usual(crate::error::OsError::last(syscall).errno) {
        // A refusal must not become a loop that never sleeps.
        sleep_and_check::wait(word, expected, limit);
    }
}

/// Wakes up to `count` sleepers on `word`, in any process: one or all. Whether there was one.
pub(crate) fn wake(word: &AtomicU32, count: i32) -> bool {
    let at = word.as_ptr().cast::<c_void>();
    // SAFETY: the kernel only uses the address; the word is mapped for as long as it is borrowed. It is
    // no error that no thread sleeps there.
    let woken = unsafe {
        match calls() {
            Calls::Sync { wake_one, .. } if count == 1 => wake_one(at, size_of::<u32>(), SHARED),
            Calls::Sync { wake_all, .. } => wake_all(at, size_of::<u32>(), SHARED),
            Calls::Ulock { wake, .. } if count == 1 => wake(COMPARE_AND_WAIT_SHARED, at, 0),
            Calls::Ulock { wake, .. } => wake(COMPARE_AND_WAIT_SHARED | WAKE_ALL, at, 0),
            Calls::None => -1,
        }
    };
    woken >= 0
}
