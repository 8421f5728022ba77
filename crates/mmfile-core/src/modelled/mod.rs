//! A platform that is a model: memory, advisory locks, names, futexes and the deaths of processes as
//! loom sees them, so that `tests/models.rs` can run the library itself in every order of its steps.
//!
//! It stands in for the files that talk to the operating system (`mapping`'s objects and regions,
//! `wake/futex.rs`, `lock/robust_list.rs`); everything above them is what is shipped. A thread of a
//! model is a process: it can die at any of the points of `fault.rs`, and what a kernel does then is
//! done. Sleeps have no bound here, so that a wake-up that is lost is a deadlock, which loom reports.

mod atomics;
pub(crate) mod futex;
mod kernel;
pub(crate) mod memory;
pub(crate) mod objects;
mod processes;
pub(crate) mod robust_list;

pub use atomics::{AtomicBool, AtomicU32, AtomicU64};
pub(crate) use atomics::{copy, fence};
pub use kernel::names;
pub use processes::{Process, here, process};
pub(crate) use processes::{point, process_id};

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
    /// A name is taken away without a look whether it still leads to the same object.
    NoComparison,
    /// Nobody counts as alive.
    NobodyShares,
    /// Who leaves is still announced when it looks who else is there.
    StaysAnnounced,
    /// The registry's holder does not look whether its file is still the one at the name.
    RegistryNotLookedAt,
}

thread_local! {
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
    static KERNEL: RefCell<Option<Rc<kernel::Kernel>>> = const { RefCell::new(None) };
    static EXECUTIONS: Cell<u64> = const { Cell::new(0) };
    static DEATHS: Cell<u64> = const { Cell::new(0) };
}

/// Runs `model` in every order in which its processes can take turns, with at most `preemptions`
/// interruptions of one that could go on. Answers how many orders those were, and in how
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

/// Lets the others go on: whoever sleeps waits for one of them.
pub(crate) fn sleep(_: Duration) {
    spin_loop();
}

pub(crate) fn spin_loop() {
    if !std::thread::panicking() {
        loom::thread::yield_now();
    }
}
