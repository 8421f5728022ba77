//! A platform that is a model: memory, locks on bytes, names, futexes and the deaths of processes as loom
//! sees them, so that `tests/models.rs` can run the library itself in every order of its steps.
//!
//! Everything above the platform is the shipped code. A thread of a model is a process: it can die at any of
//! the points of `fault.rs`, and the model's kernel then releases what it had. Sleeps have no bound here, so
//! that a wake-up that is lost is a deadlock, which loom reports.

mod atomics;
mod byte_locks;
mod constants;
mod current;
pub(crate) mod fault;
pub(crate) mod futex;
mod kernel;
mod memory;
mod mistakes;
mod objects;
mod processes;
pub(crate) mod robust_list;
mod sleepers;
pub(crate) mod sync;

pub use atomics::{AtomicBool, AtomicU32, AtomicU64};
pub(crate) use constants::*;
pub use kernel::names;
pub(crate) use memory::{Block, Region};
pub use mistakes::Fault;
pub(crate) use objects::{
    Descriptor, Folder, Location, Mapped, PROCESS_BITS, Staged, SyncObjects, ViewSource,
    boot_number, is_no_thread, listed_prefix, map_copy_on_write, map_private, process_namespace,
    process_number, release_pages, sync, sync_objects,
};
pub use processes::{Process, Watched, die_after, here, process};
pub(crate) use robust_list::thread_id;

use std::cell::Cell;

thread_local! {
    static EXECUTIONS: Cell<u64> = const { Cell::new(0) };
}

/// Runs `model` in every order in which its processes can take turns, with at most `preemptions`
/// interruptions of a process that could continue. Returns how many orders those were, and in how many of
/// them a process died.
///
/// # Panics
/// If the model panics or deadlocks in any of them.
pub fn check(preemptions: usize, fault: Option<Fault>, model: fn()) -> (u64, u64) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 100_000;
    builder.preemption_bound = Some(preemptions);
    mistakes::make(fault);
    EXECUTIONS.set(0);
    let deaths = kernel::deaths();
    builder.check(move || {
        EXECUTIONS.set(EXECUTIONS.get() + 1);
        kernel::run(model);
    });
    (EXECUTIONS.get(), kernel::deaths() - deaths)
}

/// A model's memory has no disk.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn populate(
    _: &Region,
    _: crate::memory::Access,
) -> Result<(), Option<crate::error::OsError>> {
    Ok(())
}

/// Never called, as above.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(crate) fn write_at(_: &std::fs::File, _: &[u8], _: u64) -> Result<(), crate::error::OsError> {
    Ok(())
}
