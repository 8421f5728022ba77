//! The mapped data as `ArrayBuffer`s.
//!
//! A buffer keeps its memory mapped until Node.js reports that nothing refers to its store any more. Two
//! cases need care. A program can move the store into another `ArrayBuffer`, also one of another worker, and
//! when the environment that made it ends, Node.js reports that although the store lives on. The memory then
//! stays mapped for the life of the process. And what libuv's pool is working on (a view that is being
//! compressed or written to a file) is referred to as a buffer, not as a store: emptied by `close()`, the
//! buffer has no store any more, but the pool still reads the bytes. The memory therefore stays mapped until
//! the buffer itself has been collected, too.

use crate::errors::{self, Failure};
use mmfile_core::{Error, ViewMemory};
use napi::sys;
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

/// The buffers that were made for one file.
#[derive(Default)]
pub(crate) struct Buffers {
    memory: Option<Rc<Mapped>>,
    made: Vec<Rc<Buffer>>,
}

/// The memory of a file that has buffers.
///
/// The engine counts what a buffer shows as memory that collecting it frees, and collects the sooner. Once emptied, a
/// buffer counts for nothing: the file itself keeps the memory. After the file has been closed, only buffers that are
/// not collected yet keep it, so it is reported to the engine then.
struct Mapped {
    env: sys::napi_env,
    memory: ViewMemory,
    /// The bytes of all buffers that are not collected, emptied or not.
    shown: Cell<i64>,
    is_closed: Cell<bool>,
}

/// One `ArrayBuffer` and the memory that it shows.
struct Buffer {
    env: sys::napi_env,
    /// Weak: it does not keep the `ArrayBuffer`.
    reference: Cell<sys::napi_ref>,
    memory: RefCell<Option<ViewMemory>>,
}

/// Kept by an `ArrayBuffer` until it is collected, even after it was detached.
struct Kept {
    mapped: Rc<Mapped>,
    length: i64,
}

impl Kept {
    fn new(mapped: Rc<Mapped>, length: usize) -> Self {
        let length = i64::try_from(length).unwrap_or(0);
        mapped.change(|it| it.shown.set(it.shown.get().saturating_add(length)));
        Self { mapped, length }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.mapped.change(|it| it.shown.set(it.shown.get().saturating_sub(self.length)));
    }
}

impl Mapped {
    /// The size reported to the engine: no more than there is, however many buffers showed it.
    fn reported(&self) -> i64 {
        let most = i64::try_from(self.memory.len()).unwrap_or(i64::MAX);
        if self.is_closed.get() { self.shown.get().min(most) } else { 0 }
    }

    /// Tells the engine what a change makes of it.
    fn change(&self, change: impl FnOnce(&Self)) {
        let before = self.reported();
        change(self);
        let more = self.reported() - before;
        if more != 0 {
            // SAFETY: called on the environment's thread while it lives; the target is writable.
            unsafe { sys::napi_adjust_external_memory(self.env, more, &mut 0) };
        }
    }
}

impl Buffers {
    /// An `ArrayBuffer` over `length` bytes of the data from `offset` on, until the file is closed. `memory` is
    /// called for the first.
    pub(crate) fn make(
        &mut self,
        env: sys::napi_env,
        memory: impl FnOnce() -> mmfile_core::Result<ViewMemory>,
        offset: u64,
        length: u64,
    ) -> Result<sys::napi_value, Failure> {
        let (value, Lent(buffer)) = self.lend(env, memory, offset, length)?;
        self.made.retain(|buffer| buffer.memory.borrow().is_some());
        self.made.push(buffer);
        Ok(value)
    }

    /// The same, until it is taken back.
    pub(crate) fn lend(
        &mut self,
        env: sys::napi_env,
        memory: impl FnOnce() -> mmfile_core::Result<ViewMemory>,
        offset: u64,
        length: u64,
    ) -> Result<(sys::napi_value, Lent), Failure> {
        let mapped = match &self.memory {
            Some(mapped) => Rc::clone(mapped),
            None => {
                let (shown, is_closed) = (Cell::new(0), Cell::new(false));
                let mapped = Mapped { env, memory: memory()?, shown, is_closed };
                Rc::clone(self.memory.insert(Rc::new(mapped)))
            }
        };
        let memory = mapped.memory.clone();
        let end = offset.checked_add(length).filter(|end| *end <= memory.len() as u64);
        let (Some(_), Ok(offset), Ok(length)) =
            (end, usize::try_from(offset), usize::try_from(length))
        else {
            return Err(Failure::misuse("a range inside the file"));
        };
        // SAFETY: the range was checked against the mapping, which `buffer` keeps.
        let at = unsafe { memory.as_ptr().add(offset) };
        let kept = Box::new(Kept::new(mapped, length));
        let buffer = Rc::new(Buffer {
            env,
            reference: Cell::new(ptr::null_mut()),
            memory: RefCell::new(Some(memory)),
        });
        let mut value = ptr::null_mut();
        let hint = Rc::into_raw(Rc::clone(&buffer)).cast_mut().cast::<c_void>();
        // SAFETY: the bytes stay mapped until `finalize` has run, which gets the reference count in `hint`;
        // it runs on this thread.
        let status = unsafe {
            sys::napi_create_external_arraybuffer(
                env,
                at.cast(),
                length,
                Some(finalize),
                hint,
                &mut value,
            )
        };
        if status != sys::Status::napi_ok {
            // SAFETY: no buffer was made, so nothing else will give the count back.
            drop(unsafe { Rc::from_raw(hint.cast::<Buffer>()) });
            if status == sys::Status::napi_no_external_buffers_allowed {
                let what = "views without a copy: this runtime allows no external buffers".into();
                return Err(Error::Unsupported { what, os: None }.into());
            }
            return Err(Failure::NodeApi(status));
        }
        let mut reference = ptr::null_mut();
        // SAFETY: `value` is the buffer made just now. The hook goes to the end of the list, which
        // is run backwards: before the one by which Node would run `finalize`. Its argument is kept
        // alive by the count that `finalize` gives back, after it has removed the hook. `collected`
        // drops `kept`, or the failed call leaves it to be dropped here.
        unsafe {
            let status = sys::napi_create_reference(env, value, 0, &mut reference);
            errors::checked(status, ())?;
            buffer.reference.set(reference);
            let kept = Box::into_raw(kept).cast::<c_void>();
            let none = ptr::null_mut();
            let status =
                sys::napi_add_finalizer(env, value, kept, Some(collected), none, none.cast());
            if status != sys::Status::napi_ok {
                drop(Box::from_raw(kept.cast::<Kept>()));
                return Err(Failure::NodeApi(status));
            }
            sys::napi_add_env_cleanup_hook(env, Some(environment_ends), hint);
        }
        Ok((value, Lent(buffer)))
    }

    /// Empties every buffer, and so every view that a program still has. The program may keep it for long,
    /// and the mapping with it.
    pub(crate) fn detach_all(&mut self) {
        for buffer in self.made.drain(..) {
            buffer.detach();
        }
        if let Some(mapped) = self.memory.take() {
            mapped.change(|it| it.is_closed.set(true));
            mapped.memory.release_pages();
        }
    }
}

/// A buffer that is lent to a program.
pub(crate) struct Lent(Rc<Buffer>);

impl Lent {
    /// Empties it. `false` if it was moved elsewhere.
    pub(crate) fn take_back(self) -> bool {
        self.0.detach()
    }
}

impl Buffer {
    /// Empties the `ArrayBuffer`. `false` if it is gone, or empty already because its store was
    /// moved elsewhere.
    fn detach(&self) -> bool {
        let reference = self.reference.get();
        if reference.is_null() || self.memory.borrow().is_none() {
            return false;
        }
        let mut scope = ptr::null_mut();
        let mut value = ptr::null_mut();
        let mut moved = false;
        // SAFETY: called on the environment's thread while it lives; the reference is deleted in
        // `finalize` only, which also takes `memory`; all targets are writable.
        unsafe {
            if sys::napi_open_handle_scope(self.env, &mut scope) != sys::Status::napi_ok {
                return false;
            }
            let found = sys::napi_get_reference_value(self.env, reference, &mut value)
                == sys::Status::napi_ok
                && !value.is_null()
                && sys::napi_is_detached_arraybuffer(self.env, value, &mut moved)
                    == sys::Status::napi_ok
                && !moved
                && sys::napi_detach_arraybuffer(self.env, value) == sys::Status::napi_ok;
            sys::napi_close_handle_scope(self.env, scope);
            found
        }
    }
}

/// Node: nothing refers to the store any more.
unsafe extern "C" fn finalize(env: sys::napi_env, _data: *mut c_void, hint: *mut c_void) {
    // SAFETY: `hint` is the count that `make` gave away, given back once.
    let buffer = unsafe { Rc::from_raw(hint.cast::<Buffer>()) };
    // SAFETY: the hook was added with these arguments; removing one that has run does nothing. The
    // reference was made by `make` and is deleted once.
    unsafe {
        sys::napi_remove_env_cleanup_hook(env, Some(environment_ends), hint);
        let reference = buffer.reference.replace(ptr::null_mut());
        if !reference.is_null() {
            sys::napi_delete_reference(env, reference);
        }
    }
    buffer.memory.take();
}

/// Node: the `ArrayBuffer` has been collected.
unsafe extern "C" fn collected(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `data` is what `lend` gave away, taken back once.
    drop(unsafe { Box::from_raw(data.cast::<Kept>()) });
}

/// Node: the environment ends, and `finalize` will run whether the store is in use or not.
unsafe extern "C" fn environment_ends(hint: *mut c_void) {
    // SAFETY: the count behind `hint` is given back in `finalize`, which removes this hook.
    let buffer = unsafe { &*hint.cast::<Buffer>() };
    if !buffer.detach() {
        // The store may be in use elsewhere for as long as the process lives.
        std::mem::forget(buffer.memory.borrow().clone());
    }
}
