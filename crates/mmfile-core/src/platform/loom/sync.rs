//! The primitives of the protocols between processes.

pub(crate) use super::atomics::{AtomicBool, AtomicU32, AtomicU64, fence};
pub(crate) use super::kernel::copy;
pub(crate) use super::processes::PerProcess;

use std::time::Duration;

/// Lets the others run: a process that sleeps waits for one of them.
pub(crate) fn sleep(_: Duration) {
    spin_loop();
}

pub(crate) fn spin_loop() {
    if !std::thread::panicking() {
        loom::thread::yield_now();
    }
}
