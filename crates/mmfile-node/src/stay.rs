//! The addon is never unloaded: its threads may be ending when the last environment that uses it does.
//! On Linux a linker flag says so.

use std::sync::Once;

/// Keeps this library loaded until the process ends.
pub(crate) fn loaded() {
    static ONCE: Once = Once::new();
    ONCE.call_once(keep);
}

#[cfg(windows)]
fn keep() {
    use windows_sys::Win32::System::LibraryLoader::{
        GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    };
    let here: fn() = loaded;
    let mut module = std::ptr::null_mut();
    // SAFETY: with these flags the second argument is any address inside the library, not a name;
    // the target is writable.
    unsafe {
        let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
        GetModuleHandleExW(flags, here as *const u16, &raw mut module);
    }
}

/// Opens the library again, by the path from which it was loaded, and never closes it.
#[cfg(target_os = "macos")]
fn keep() {
    let here: fn() = loaded;
    // SAFETY: an all-null `Dl_info` is a valid value of that plain struct.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: the target is writable; the path that it gets belongs to the loader and stays, since the
    // library is loaded.
    unsafe {
        if libc::dladdr(here as *const libc::c_void, &raw mut info) != 0
            && !info.dli_fname.is_null()
        {
            let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
            libc::dlopen(info.dli_fname, flags);
        }
    }
}
