//! What the protocols between processes are made of: atomics, fences, pauses, the copy into shared memory,
//! and what a process has once. They are the standard library's; where `tests/models.rs` runs the protocols
//! in every order (`--cfg loom`), they are the model's.

#[cfg(platform = "loom")]
pub(crate) use crate::platform::loom::{
    AtomicBool, AtomicU32, AtomicU64, PerProcess, copy, fence, sleep, spin_loop,
};
#[cfg(not(platform = "loom"))]
pub(crate) use std::{
    hint::spin_loop,
    ptr::copy,
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, fence},
    thread::sleep,
};

/// A value that a process has once.
#[cfg(not(any(platform = "loom", windows)))]
pub(crate) struct PerProcess<T>(std::sync::Mutex<Option<T>>);

#[cfg(not(any(platform = "loom", windows)))]
impl<T: Default> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self(std::sync::Mutex::new(None))
    }

    /// Uses it; `None` while another thread does. In a forked child that may be forever.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        use std::sync::TryLockError;
        let mut value = match self.0.try_lock() {
            Ok(value) => value,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(work(value.get_or_insert_with(T::default)))
    }
}
