//! The addon is never unloaded: its threads may be ending when the last environment that uses it does.
//! On Unix the linker is told so.

use std::sync::Once;
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

/// Keeps this library loaded until the process ends.
pub(crate) fn loaded() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let here: fn() = loaded;
        let mut module = std::ptr::null_mut();
        // SAFETY: with these flags the second argument is any address inside the library, not a name;
        // the target is writable.
        unsafe {
            let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
            GetModuleHandleExW(flags, here as *const u16, &raw mut module);
        }
    });
}
