//! The locks that a process has told the kernel of. It has the interface of `linux/robust_list.rs`.

use super::atomics::AtomicU32;
use super::{futex, kernel, process_id};
use std::sync::atomic::Ordering;

/// The address of a lock word in a memory that the kernel keeps for as long as the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(*const AtomicU32);

/// The calling thread's id; a process of a model has one thread.
pub(crate) fn thread_id() -> u32 {
    process_id()
}

pub(crate) struct Pending {
    word: Word,
    thread_id: u32,
    keep: bool,
}

impl Pending {
    pub(crate) fn announce(word: &AtomicU32) -> Self {
        let (word, thread_id) = (Word(std::ptr::from_ref(word)), process_id());
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

const WAITERS: u32 = 0x8000_0000;
const OWNER_DIED: u32 = 0x4000_0000;
const THREAD_ID: u32 = 0x3fff_ffff;

/// What the kernel does with the locks of a process that dies.
pub(super) fn release_all(process: u32) {
    let words = kernel().robust.borrow_mut().remove(&process).unwrap_or_default();
    for Word(word) in words {
        // SAFETY: the kernel of the model keeps all memory until the model is over.
        let word = unsafe { &*word };
        let seen = word.load(Ordering::SeqCst);
        if seen & THREAD_ID == process {
            // Until it is marked, only sleepers change the word, and only their bit of it.
            let waiters = word.swap(OWNER_DIED, Ordering::AcqRel) & WAITERS;
            word.fetch_or(waiters, Ordering::AcqRel);
        }
        futex::wake_one(word);
    }
}
