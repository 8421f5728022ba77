//! A platform that is a model: memory, locks on bytes, names, futexes and the deaths of processes as loom
//! sees them, so that `tests/models.rs` can run the library itself in every order of its steps.
//!
//! Everything above the platform is what is shipped. A thread of a model is a process: it can die at any of
//! the points of `fault.rs`, and what a kernel does then is done. Sleeps have no bound here, so that a
//! wake-up that is lost is a deadlock, which loom reports.

mod atomics;
mod byte_locks;
pub(crate) mod futex;
mod kernel;
mod memory;
mod objects;
mod processes;
pub(crate) mod robust_list;

pub use atomics::{AtomicBool, AtomicU32, AtomicU64};
pub(crate) use atomics::{copy, fence};
pub use kernel::names;
pub(crate) use memory::{Block, Region};
pub(crate) use objects::{
    Descriptor, Folder, Location, Mapped, PROCESS_BITS, Staged, SyncObjects, ViewSource,
    is_no_thread, listed_prefix, map_copy_on_write, map_private, process_namespace, process_number,
    staged_name, sync, sync_objects,
};
pub(crate) use processes::{PerProcess, point, process_id};
pub use processes::{Process, Watched, die_after, here, process};
pub(crate) use robust_list::thread_id;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// A mistake in a protocol, made on purpose: its model has to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The committed end is published before the first size word.
    EndBeforeSizeWord,
    /// The end word and the payload are written after the committed end is published.
    PayloadUnordered,
    /// Sleepers are woken before the committed end moves.
    WakeBeforeChange,
    /// Nothing orders the request to be woken before the look at the condition.
    NoFence,
    /// A name is removed without a comparison of what it leads to.
    NoComparison,
    /// No handle's byte is locked.
    NoBytesLocked,
    /// A handle that leaves still holds its byte when it tries the exclusive lock.
    StaysLocked,
    /// An opener takes any lock for that of a living handle, a sweeper's too.
    AnyLockIsAlive,
    /// A creator closes under an exclusive lock on all handles, not on the name alone.
    AllForTheName,
    /// An object is removed after asking for other handles, under a lock on the name alone.
    NameForAll,
    /// A participant's row counts before it is filled.
    LiveBeforeContents,
}

thread_local! {
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
    static KERNEL: RefCell<Option<Rc<kernel::Kernel>>> = const { RefCell::new(None) };
    static EXECUTIONS: Cell<u64> = const { Cell::new(0) };
    static DEATHS: Cell<u64> = const { Cell::new(0) };
}

/// Runs `model` in every order in which its processes can take turns, with at most `preemptions`
/// interruptions of one that could go on. Returns how many orders those were, and in how
/// many of them a process died.
///
/// # Panics
/// If the model panics or deadlocks in any of them.
pub fn check(preemptions: usize, fault: Option<Fault>, model: fn()) -> (u64, u64) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 100_000;
    builder.preemption_bound = Some(preemptions);
    FAULT.set(fault);
    EXECUTIONS.set(0);
    DEATHS.set(0);
    builder.check(move || {
        EXECUTIONS.set(EXECUTIONS.get() + 1);
        KERNEL.set(Some(Rc::new(kernel::Kernel::new())));
        model();
        KERNEL.take();
    });
    (EXECUTIONS.get(), DEATHS.get())
}

fn kernel() -> Rc<kernel::Kernel> {
    KERNEL.with_borrow(|kernel| kernel.clone()).expect("only in a model")
}

fn has(fault: Fault) -> bool {
    FAULT.get() == Some(fault)
}

/// Lets the others go on: a process that sleeps waits for one of them.
pub(crate) fn sleep(_: Duration) {
    spin_loop();
}

pub(crate) fn spin_loop() {
    if !std::thread::panicking() {
        loom::thread::yield_now();
    }
}
