//! Which process a thread of the model is, and when it dies.

use std::cell::Cell;
use std::thread::panicking;

loom::thread_local! {
    static ID: Cell<u32> = Cell::new(1);
    static DIES_AT: Cell<Option<&'static str>> = Cell::new(None);
    /// The system calls that are left to a process that dies before one.
    static CALLS_LEFT: Cell<Option<u32>> = Cell::new(None);
}

/// The panic payload that unwinds the stack of a process that died.
pub(super) struct Died;

/// From here on the thread is that process.
pub(super) fn become_process(number: u32, dies_at: Option<&'static str>) {
    ID.with(|id| id.set(number));
    DIES_AT.with(|point| point.set(dies_at));
    set_calls_left(None);
}

/// The number of the process that calls.
pub(crate) fn process_id() -> u32 {
    if panicking() { u32::MAX >> 2 } else { ID.with(Cell::get) }
}

/// Whether it dies at that point.
pub(super) fn dies_at(point: &str) -> bool {
    DIES_AT.with(Cell::get) == Some(point)
}

pub(super) fn set_calls_left(calls: Option<u32>) {
    CALLS_LEFT.with(|left| left.set(calls));
}

/// Counts a system call. Whether the process dies before it.
pub(super) fn dies_before_call() -> bool {
    let left = CALLS_LEFT.with(Cell::get);
    set_calls_left(left.and_then(|calls| calls.checked_sub(1)));
    left == Some(0)
}
