//! Processes, each a thread of the model, and their deaths.

use super::{Fault, futex, has, memory, robust_list};
use loom::thread::JoinHandle;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

loom::thread_local! {
    static ID: Cell<u32> = Cell::new(1);
    static DIES_AT: Cell<Option<&'static str>> = Cell::new(None);
}

/// What unwinds the stack of a process that died.
struct Died;

/// A running process.
#[derive(Debug)]
pub struct Process<R>(JoinHandle<Option<R>>);

impl<R> Process<R> {
    /// Waits for its end. `None` if it died where it was told to.
    ///
    /// # Panics
    /// If it panicked.
    #[must_use]
    pub fn end(self) -> Option<R> {
        self.0.join().expect("the process panicked")
    }
}

/// Starts a process. `number` tells it from the others; it is killed when it first passes the point
/// `dies_at`, if it does.
///
/// # Panics
/// If the model has no place for another one.
pub fn process<R: Send + 'static>(
    number: u32,
    dies_at: Option<&'static str>,
    work: impl FnOnce() -> R + Send + 'static,
) -> Process<R> {
    let run = move || here(number, dies_at, work);
    // In words: the library formats names and errors.
    let builder = loom::thread::Builder::new().stack_size(0x4000);
    Process(builder.spawn(run).expect("a model has five threads at most"))
}

/// Is that process for a while, on the thread that calls: before others are started or after they have
/// ended. `None` if it died.
pub fn here<R>(number: u32, dies_at: Option<&'static str>, work: impl FnOnce() -> R) -> Option<R> {
    ID.with(|id| id.set(number));
    DIES_AT.with(|point| point.set(dies_at));
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Some(result),
        Err(reason) if reason.is::<Died>() => None,
        Err(reason) => resume_unwind(reason),
    }
}

/// The number of the process that calls.
pub(crate) fn process_id() -> u32 {
    if std::thread::panicking() { u32::MAX >> 2 } else { ID.with(Cell::get) }
}

/// One of the points of `fault.rs`.
pub(crate) fn point(name: &str) {
    if std::thread::panicking() {
        return;
    }
    match name {
        "commit.tail" if has(Fault::WakeBeforeChange) => futex::wake_everybody(),
        "commit.count" => memory::catch_up(),
        _ => {}
    }
    if DIES_AT.with(Cell::get) == Some(name) {
        die();
    }
}

/// What the kernel does, step by step, and not a step of the process's own.
fn die() {
    super::DEATHS.set(super::DEATHS.get() + 1);
    let process = process_id();
    robust_list::release_all(process);
    for descriptor in super::kernel::descriptors_of(process) {
        super::kernel::close(descriptor);
    }
    resume_unwind(Box::new(Died));
}
