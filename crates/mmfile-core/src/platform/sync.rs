//! The primitives of the protocols between processes, and of statics: the standard library's.

pub(crate) use std::{
    hint::spin_loop,
    ptr::copy,
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, fence},
    thread::sleep,
};

use std::sync::{Mutex, TryLockError};

/// A value that a process has once.
#[allow(dead_code, reason = "Windows has nothing to sweep")]
pub(crate) struct PerProcess<T>(Mutex<Option<T>>);

#[allow(dead_code, reason = "as above")]
impl<T: Default> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Uses it; `None` while another thread does. In a forked child that may be forever.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut value = match self.0.try_lock() {
            Ok(value) => value,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(work(value.get_or_insert_with(T::default)))
    }
}
