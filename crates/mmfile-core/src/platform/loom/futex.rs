//! Sleeping on a word. It has the interface of `unix/futex.rs`, and no sleep has a bound.

use super::atomics::AtomicU32;
use super::kernel::{address, kernel};
use super::mistakes::{Fault, has};
use std::sync::atomic::Ordering;
use std::thread::panicking;
use std::time::Duration;

pub(crate) fn wait(word: &AtomicU32, expected: u32, _: Duration) {
    if !panicking() {
        let is_expected = || word.load(Ordering::SeqCst) == expected;
        kernel().sleepers.wait(address(word), is_expected);
    }
}

pub(crate) fn wake(word: &AtomicU32, count: i32) -> bool {
    let wakes = !panicking() && !has(Fault::WakeBeforeChange);
    wakes && kernel().sleepers.wake(address(word), count)
}
