//! The locks that a process has registered with the kernel. It has the interface of `linux/robust_list.rs`.

use super::atomics::AtomicU32;
use super::current::process_id;
use super::kernel::{Word, kernel};

/// The calling thread's id; a process of a model has one thread.
pub(crate) fn thread_id() -> u32 {
    process_id()
}

/// A model's kernel walks as far as it must.
pub(crate) const ROOM: usize = usize::MAX;

pub(crate) struct Pending {
    word: Word,
    thread_id: u32,
    keep: bool,
}

impl Pending {
    pub(crate) fn announce(word: &AtomicU32) -> Self {
        let (word, thread_id) = (Word::of(word), process_id());
        kernel().robust.borrow_mut().entry(thread_id).or_default().push(word);
        Self { word, thread_id, keep: false }
    }

    pub(crate) fn resume(word: &AtomicU32) -> Self {
        Self::announce(word)
    }

    pub(crate) fn thread_id(&self) -> u32 {
        self.thread_id
    }

    #[allow(clippy::unused_self, reason = "a model's kernel walks as far as it must")]
    pub(crate) fn has_room(&self) -> bool {
        true
    }

    pub(crate) fn keep(mut self) {
        self.keep = true;
    }

    pub(crate) fn enlist(self) {
        self.keep();
    }

    pub(crate) fn delist(word: &AtomicU32) -> Self {
        Self::announce(word)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.keep && !std::thread::panicking() {
            let kernel = kernel();
            let mut robust = kernel.robust.borrow_mut();
            robust.entry(self.thread_id).or_default().retain(|word| *word != self.word);
        }
    }
}
