//! What the protocols between processes are made of: atomics, fences, pauses, and the copy into shared
//! memory. They are the standard library's; where `tests/models.rs` runs the protocols in every order
//! (`--cfg loom`), they are the model's.

#[cfg(loom)]
pub(crate) use crate::modelled::{AtomicBool, AtomicU32, AtomicU64, copy, fence, sleep, spin_loop};
#[cfg(not(loom))]
pub(crate) use std::{
    hint::spin_loop,
    ptr::copy,
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, fence},
    thread::sleep,
};
