//! Processes, each a thread of the model, and their deaths.

use super::current::{self, Died, process_id};
use super::kernel::{self, kernel};
use loom::thread::JoinHandle;
use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A running process.
#[derive(Debug)]
pub struct Process<R>(JoinHandle<Option<R>>);

impl<R> Process<R> {
    /// Waits for its end. `None` if it died where the model had it die.
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
    current::become_process(number, dies_at);
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Some(result),
        Err(reason) if reason.is::<Died>() => None,
        Err(reason) => resume_unwind(reason),
    }
}

/// The calling process is killed after so many more system calls.
pub fn die_after(calls: u32) {
    current::set_calls_left(Some(calls));
}

/// A value that each process has once.
pub(crate) struct PerProcess<T> {
    /// Gives each a distinct address.
    _byte: u8,
    _value: PhantomData<fn() -> T>,
}

impl<T: Default + Any> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self { _byte: 0, _value: PhantomData }
    }

    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let (kernel, key) = (kernel(), (process_id(), std::ptr::from_ref(self) as usize));
        let known = kernel.statics.borrow_mut().remove(&key).and_then(|it| it.downcast().ok());
        let mut value: Box<T> = known.unwrap_or_default();
        let result = work(&mut value);
        kernel.statics.borrow_mut().insert(key, value);
        Some(result)
    }
}

/// A handle that a model has open: from its creation to its end the handle's name leads to the handle's
/// object, unless the object has ended.
#[derive(Debug)]
pub struct Watched {
    process: u32,
    address: usize,
}

impl Watched {
    /// The name and an address in the object's memory.
    ///
    /// # Panics
    /// If the name leads elsewhere.
    #[must_use]
    pub fn new(name: &str, address: *const u8) -> Self {
        let watched = Self { process: process_id(), address: address as usize };
        kernel::watch(name, watched.process, watched.address);
        watched
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            kernel::unwatch(self.process, self.address);
        }
    }
}
