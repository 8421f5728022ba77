//! Sleeping on a word. It has the interface of `unix/futex.rs`, and no sleep has a bound.

use super::atomics::AtomicU32;
use super::{Fault, has, kernel};
use std::sync::atomic::Ordering;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    Look,
}

pub(crate) fn wait(word: &AtomicU32, expected: u32, _: Duration) -> Woken {
    if std::thread::panicking() {
        return Woken::Look;
    }
    let kernel = kernel();
    let mut sleepers = kernel.sleepers.lock().expect("no process dies with it");
    if word.load(Ordering::SeqCst) == expected {
        let ticket = sleepers.tickets;
        sleepers.tickets += 1;
        sleepers.waiting.push((address(word), ticket));
        while sleepers.waiting.iter().any(|(_, waiting)| *waiting == ticket) {
            sleepers = kernel.woken.wait(sleepers).expect("no process dies with it");
        }
    }
    Woken::Look
}

pub(crate) fn wake(word: &AtomicU32, count: i32) {
    if !has(Fault::WakeBeforeChange) {
        wake_at(address(word), count);
    }
}

fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word) as usize
}

fn wake_at(address: usize, count: i32) {
    if std::thread::panicking() {
        return;
    }
    let kernel = kernel();
    let mut sleepers = kernel.sleepers.lock().expect("no process dies with it");
    let mut left = count;
    sleepers.waiting.retain(|(at, _)| {
        let stays = *at != address || left == 0;
        left -= i32::from(!stays);
        stays
    });
    kernel.woken.notify_all();
}

/// Wakes every sleeper, as a deliberate fault does too early.
pub(super) fn wake_everybody() {
    let kernel = kernel();
    kernel.sleepers.lock().expect("no process dies with it").waiting.clear();
    kernel.woken.notify_all();
}

/// What the kernel does for a process that dies with a lock.
pub(super) fn wake_one(word: &AtomicU32) {
    wake_at(address(word), 1);
}
