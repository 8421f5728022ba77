//! The event loop waits for a file: the kernel watches the wake word and makes a descriptor
//! readable, without a thread in between.

use super::uv::{Handle, READABLE, Uv};
use super::{Awaited, NOTHING, count_of};
use mmfile_core::{RequirePeer, WakeRing};
use napi::sys;
use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

/// The waits of one file, on one JavaScript thread.
pub(crate) struct RingWatch(Rc<Shared>);

/// The state that libuv's handle and its owner share. libuv has a reference until it has closed the handle.
struct Shared {
    uv: &'static Uv,
    env: sys::napi_env,
    handle: RefCell<Box<[u128]>>,
    function: sys::napi_ref,
    context: sys::napi_async_context,
    /// Keeps a worker from ending before the handle is closed.
    hook: Cell<sys::napi_async_cleanup_hook_handle>,
    closing: Cell<bool>,
    /// Gone once it is closing: it keeps the file open.
    waiter: RefCell<Option<Box<dyn Awaited>>>,
    ring: RefCell<WakeRing>,
    index: Cell<u64>,
    /// Whether the event loop stays alive for it.
    referenced: Cell<bool>,
}

impl RingWatch {
    /// `None` where the kernel or the runtime cannot do it.
    pub(super) fn start(
        env: sys::napi_env,
        callback: sys::napi_value,
        awaited: &dyn Fn() -> Box<dyn Awaited>,
    ) -> Option<Self> {
        // As libuv itself has it.
        if std::env::var_os("UV_USE_IO_URING").is_some_and(|value| value == "0") {
            return None;
        }
        let uv = Uv::get()?;
        let ring = WakeRing::new()?;
        let (mut event_loop, mut name) = (ptr::null_mut(), ptr::null_mut());
        let (mut function, mut context) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: `env` and `callback` belong to the running call; the targets are writable.
        let ready = unsafe {
            sys::napi_get_uv_event_loop(env, &raw mut event_loop) == sys::Status::napi_ok
                && !event_loop.is_null()
                && sys::napi_create_string_utf8(env, c"mmfile".as_ptr(), 6, &raw mut name)
                    == sys::Status::napi_ok
                && sys::napi_create_reference(env, callback, 1, &raw mut function)
                    == sys::Status::napi_ok
        };
        if !ready {
            return None;
        }
        // SAFETY: as above; the resource may be left out.
        let status = unsafe { sys::napi_async_init(env, ptr::null_mut(), name, &raw mut context) };
        let descriptor = ring.descriptor();
        let shared = Rc::new(Shared {
            uv,
            env,
            handle: RefCell::new(uv.allocate()),
            function,
            context,
            hook: Cell::new(ptr::null_mut()),
            closing: Cell::new(false),
            waiter: RefCell::new(Some(awaited())),
            ring: RefCell::new(ring),
            index: Cell::new(NOTHING),
            referenced: Cell::new(false),
        });
        // SAFETY: the loop is this thread's, and the memory is a handle's and stays where it is.
        let begun = status == sys::Status::napi_ok
            && unsafe { (uv.poll_init)(event_loop.cast(), shared.handle(), descriptor) == 0 };
        if !begun {
            shared.closing.set(true);
            shared.forget();
            return None;
        }
        let theirs = Rc::into_raw(Rc::clone(&shared)).cast_mut().cast::<c_void>();
        let mut hook = ptr::null_mut();
        // SAFETY: the handle is open; `theirs` is a reference that the close gives back.
        let started = unsafe {
            (uv.handle_set_data)(shared.handle(), theirs);
            (uv.unref)(shared.handle());
            sys::napi_add_async_cleanup_hook(env, Some(environment_ends), theirs, &raw mut hook)
                == sys::Status::napi_ok
                && (uv.poll_start)(shared.handle(), READABLE, on_readable) == 0
        };
        shared.hook.set(hook);
        if !started {
            shared.close();
            return None;
        }
        Some(Self(shared))
    }

    pub(super) fn arm(&self, index: u64, require_peer: RequirePeer, keeps_alive: bool) {
        let shared = &self.0;
        let waiter = shared.waiter.borrow();
        let Some(waiter) = &*waiter else { return };
        waiter.require_peer(require_peer);
        if shared.index.replace(index) == NOTHING {
            shared.ring.borrow_mut().restart();
        }
        if keeps_alive && !shared.referenced.replace(true) {
            // SAFETY: the handle is open for as long as its owner is.
            unsafe { (shared.uv.ref_)(shared.handle()) };
        } else if !keeps_alive {
            shared.let_go();
        }
        let mut ring = shared.ring.borrow_mut();
        if waiter.arm(&mut ring, index) {
            ring.nudge(); // the event loop reports it, as always
        }
    }

    pub(super) fn disarm(&self) {
        self.0.index.set(NOTHING);
        self.0.let_go();
    }
}

impl Drop for RingWatch {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Shared {
    fn handle(&self) -> Handle {
        self.handle.borrow_mut().as_mut_ptr().cast()
    }

    /// Closes the handle, if it is not closed yet. On its thread.
    fn close(&self) {
        if self.closing.replace(true) {
            return;
        }
        self.index.set(NOTHING);
        drop(self.waiter.take());
        self.forget();
        // SAFETY: the handle is open, and is closed once.
        unsafe { (self.uv.close)(self.handle(), on_closed) };
    }

    /// Gives back what Node-API keeps for us. Once, on the environment's thread.
    fn forget(&self) {
        // SAFETY: both were made by this environment, which still is; a context may be missing.
        unsafe {
            sys::napi_delete_reference(self.env, self.function);
            if !self.context.is_null() {
                sys::napi_async_destroy(self.env, self.context);
            }
        }
    }

    /// Checks, and calls JavaScript if there is news. JavaScript arms it again then, or closes the file.
    fn check(&self) {
        if self.has_news() {
            self.index.set(NOTHING);
            self.call();
            if self.index.get() == NOTHING {
                self.let_go();
            }
        }
    }

    /// Lets the event loop end. On its thread.
    fn let_go(&self) {
        if self.referenced.replace(false) && !self.closing.get() {
            // SAFETY: the handle is open, since it is not closing.
            unsafe { (self.uv.unref)(self.handle()) };
        }
    }

    fn has_news(&self) -> bool {
        let mut ring = self.ring.borrow_mut();
        ring.notice();
        let index = self.index.get();
        match &*self.waiter.borrow() {
            Some(waiter) if index != NOTHING => waiter.arm(&mut ring, index),
            _ => false,
        }
    }

    fn call(&self) {
        let (mut scope, mut this) = (ptr::null_mut(), ptr::null_mut());
        let (mut function, mut error) = (ptr::null_mut(), ptr::null_mut());
        let mut length = ptr::null_mut();
        let env = self.env;
        let Some(count) = self.waiter.borrow().as_ref().map(|waiter| waiter.length()) else {
            return;
        };
        // SAFETY: on the environment's thread, outside of any call; the targets are writable, and the
        // values live as long as the scope. Without a handle on them nothing is called.
        unsafe {
            if sys::napi_open_handle_scope(env, &raw mut scope) != sys::Status::napi_ok {
                return;
            }
            if sys::napi_get_global(env, &raw mut this) == sys::Status::napi_ok
                && sys::napi_get_reference_value(env, self.function, &raw mut function)
                    == sys::Status::napi_ok
                && !function.is_null()
                && count_of(env, count, &raw mut length) == sys::Status::napi_ok
            {
                let status = sys::napi_make_callback(
                    env,
                    self.context,
                    this,
                    function,
                    1,
                    &raw const length,
                    ptr::null_mut(),
                );
                if status == sys::Status::napi_pending_exception
                    && sys::napi_get_and_clear_last_exception(env, &raw mut error)
                        == sys::Status::napi_ok
                {
                    sys::napi_fatal_exception(env, error);
                }
            }
            sys::napi_close_handle_scope(env, scope);
        }
    }
}

unsafe extern "C" fn on_readable(handle: Handle, _status: c_int, _events: c_int) {
    let Some(uv) = Uv::get() else { return };
    // SAFETY: the data is our reference, which libuv has until the handle is closed. Another one keeps
    // it while JavaScript runs, which may close the file.
    let shared = unsafe {
        let data = (uv.handle_get_data)(handle).cast::<Shared>();
        Rc::increment_strong_count(data);
        Rc::from_raw(data)
    };
    // A panic must not cross into libuv; there is no caller to tell of it.
    let _ = catch_unwind(AssertUnwindSafe(|| shared.check()));
}

unsafe extern "C" fn on_closed(handle: Handle) {
    let Some(uv) = Uv::get() else { return };
    // SAFETY: libuv's reference, given back once: this is the last it does with the handle.
    let shared = unsafe { Rc::from_raw((uv.handle_get_data)(handle).cast::<Shared>()) };
    let hook = shared.hook.take();
    if !hook.is_null() {
        // SAFETY: added by us and removed once; the environment waits for this where it is ending.
        unsafe { sys::napi_remove_async_cleanup_hook(hook) };
    }
}

unsafe extern "C" fn environment_ends(
    _hook: sys::napi_async_cleanup_hook_handle,
    shared: *mut c_void,
) {
    // SAFETY: libuv's reference, which lives until the hook is removed.
    unsafe { &*shared.cast::<Shared>() }.close();
}
