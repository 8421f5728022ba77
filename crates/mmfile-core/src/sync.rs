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
pub(crate) struct PerProcess<T>(std::sync::LazyLock<std::sync::Mutex<T>>);

#[cfg(not(any(platform = "loom", windows)))]
impl<T: Default> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self(std::sync::LazyLock::new(std::sync::Mutex::default))
    }

    /// Uses it. `work` makes no system call: other threads wait meanwhile.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}
