//! The few functions of libuv that it takes to watch a descriptor. Node.js exports them; a runtime that
//! does not has no event loop of that kind.

use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// A `uv_loop_t`.
pub(super) type Loop = *mut c_void;
/// A `uv_handle_t`, here always a `uv_poll_t`.
pub(super) type Handle = *mut c_void;
pub(super) type OnReadable = unsafe extern "C" fn(Handle, status: c_int, events: c_int);
pub(super) type OnClosed = unsafe extern "C" fn(Handle);

/// `UV_POLL`, which is part of libuv's stable interface like everything here.
const POLL: c_int = 8;
/// `UV_READABLE`.
pub(super) const READABLE: c_int = 1;

/// The functions, by their names without `uv_`.
pub(super) struct Uv {
    handle_size: unsafe extern "C" fn(c_int) -> usize,
    pub(super) handle_set_data: unsafe extern "C" fn(Handle, *mut c_void),
    pub(super) handle_get_data: unsafe extern "C" fn(Handle) -> *mut c_void,
    pub(super) poll_init: unsafe extern "C" fn(Loop, Handle, c_int) -> c_int,
    pub(super) poll_start: unsafe extern "C" fn(Handle, c_int, OnReadable) -> c_int,
    pub(super) ref_: unsafe extern "C" fn(Handle),
    pub(super) unref: unsafe extern "C" fn(Handle),
    pub(super) close: unsafe extern "C" fn(Handle, OnClosed),
}

static ALLOWED: AtomicBool = AtomicBool::new(false);

/// Whether the runtime's event loop is libuv's.
pub(super) fn allow(allowed: bool) {
    ALLOWED.store(allowed, Ordering::Relaxed);
}

impl Uv {
    /// libuv as this process has it.
    pub(super) fn get() -> Option<&'static Self> {
        static FOUND: OnceLock<Option<Uv>> = OnceLock::new();
        if !ALLOWED.load(Ordering::Relaxed) {
            return None;
        }
        FOUND.get_or_init(Self::find).as_ref()
    }

    fn find() -> Option<Self> {
        // SAFETY: each name is that of a function of this type in libuv 1, which every Node.js that loads
        // this uses.
        unsafe {
            Some(Self {
                handle_size: symbol(c"uv_handle_size")?,
                handle_set_data: symbol(c"uv_handle_set_data")?,
                handle_get_data: symbol(c"uv_handle_get_data")?,
                poll_init: symbol(c"uv_poll_init")?,
                poll_start: symbol(c"uv_poll_start")?,
                ref_: symbol(c"uv_ref")?,
                unref: symbol(c"uv_unref")?,
                close: symbol(c"uv_close")?,
            })
        }
    }

    /// Memory for a handle, which stays where it is.
    pub(super) fn allocate(&self) -> Box<[u128]> {
        // SAFETY: a pure function of a type that libuv knows.
        let size = unsafe { (self.handle_size)(POLL) };
        vec![0; size.div_ceil(size_of::<u128>())].into_boxed_slice()
    }
}

/// # Safety
/// `F` is a pointer to a function, of the type that the symbol has.
unsafe fn symbol<F>(name: &CStr) -> Option<F> {
    // SAFETY: a NUL-terminated name.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: the caller's promise; a function pointer has the size of a data pointer here.
    (!found.is_null()).then(|| unsafe { std::mem::transmute_copy(&found) })
}
