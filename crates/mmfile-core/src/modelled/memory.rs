//! Shared memory, word by word. It has the interface of `mapping/region.rs`.

use super::atomics::{AtomicU32, AtomicU64, fence};
use super::{Fault, has, kernel};
use crate::control::layout as at;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The words of a control block that the protocols use, by their width.
const LONGS: [u64; 18] = [
    at::OFF_MAGIC,
    at::OFF_CAPACITY,
    at::OFF_DATA_DEVICE,
    at::OFF_DATA_INODE,
    at::OFF_NAMESPACE,
    at::OFF_CREATED_AT,
    at::OFF_FIRST_PROCESS,
    at::OFF_OTHER_PROCESS,
    at::OFF_DATA_PREFIX_LENGTH,
    at::OFF_TAIL,
    at::OFF_COUNT,
    at::OFF_INTENT_BASE,
    at::OFF_INTENT_BASE_COUNT,
    at::OFF_INTENT_END,
    at::OFF_INTENT_END_COUNT,
    // As much of it as the default prefix takes.
    at::OFF_DATA_PREFIX,
    at::OFF_DATA_PREFIX + 8,
    at::CONTROL_SIZE - 8,
];
const WORDS: [u64; 11] = [
    at::OFF_VERSION,
    at::OFF_STATE,
    at::OFF_ARCHITECTURE,
    at::OFF_C_LIBRARY,
    at::OFF_FLAGS,
    at::OFF_CREATOR,
    at::OFF_LOCK,
    at::OFF_LOCK + 8,
    at::OFF_WAKE,
    at::OFF_STATUS,
    at::OFF_WAITING,
];

/// The memory of one object.
#[derive(Debug)]
pub(crate) struct Memory {
    words: BTreeMap<u64, AtomicU32>,
    longs: BTreeMap<u64, AtomicU64>,
    /// Nothing but addresses.
    place: Box<[u8]>,
    /// What a deliberate fault keeps back.
    late: RefCell<Vec<(u64, u32)>>,
}

// SAFETY: all threads of a model are one thread of the operating system.
unsafe impl Sync for Memory {}
// SAFETY: as above.
unsafe impl Send for Memory {}

impl Memory {
    pub(super) fn new(len: u64) -> Self {
        let (words, longs): (Vec<u64>, Vec<u64>) = if len == at::CONTROL_SIZE {
            (WORDS.to_vec(), LONGS.to_vec())
        } else {
            ((0..len / 4).map(|word| word * 4).collect(), Vec::new())
        };
        Self {
            words: words.into_iter().map(|offset| (offset, AtomicU32::shared(0))).collect(),
            longs: longs.into_iter().map(|offset| (offset, AtomicU64::shared(0))).collect(),
            place: vec![0; usize::try_from(len).expect("a model is small")].into(),
            late: RefCell::default(),
        }
    }

    pub(super) fn offset_of(&self, address: usize) -> Option<u64> {
        let offset = address.checked_sub(self.place.as_ptr() as usize)?;
        (offset < self.place.len()).then_some(offset as u64)
    }

    fn word(&self, offset: u64) -> &AtomicU32 {
        self.words.get(&offset).expect("models use whole words, at their places")
    }

    /// A plain copy, as far as other processes can tell: in no order.
    pub(super) fn put(&self, offset: u64, bytes: &[u8]) {
        for (at, four) in (offset..).step_by(4).zip(bytes.chunks_exact(4)) {
            let word = u32::from_le_bytes(four.try_into().expect("four bytes"));
            if has(Fault::PayloadUnordered) {
                self.late.borrow_mut().push((at, word));
            } else {
                self.word(at).store(word, Ordering::Relaxed);
            }
        }
    }

    /// Writes what a deliberate fault kept back until the committed end was published.
    pub(super) fn catch_up(&self) {
        for (offset, word) in self.late.take() {
            self.word(offset).store(word, Ordering::Release);
        }
    }
}

/// A range of mapped memory: all of an object's.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    memory: Arc<Memory>,
}

impl Region {
    pub(super) fn new(memory: Arc<Memory>) -> Self {
        Self { memory }
    }

    pub(crate) fn limited_to(self, _: u64) -> Self {
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.memory.place.len()
    }

    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.memory.place.as_ptr().cast_mut()
    }

    pub(crate) fn range(&self, offset: u64, len: u64) -> Option<NonNull<u8>> {
        let end = offset.checked_add(len).filter(|end| *end <= self.len() as u64);
        let offset = usize::try_from(offset).ok().filter(|_| end.is_some())?;
        NonNull::new(self.as_ptr().wrapping_add(offset))
    }

    pub(crate) fn load_word(&self, offset: u64) -> Option<u32> {
        self.range(offset, 4)?;
        let word = self.memory.word(offset).load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        Some(word)
    }

    pub(crate) fn publish_word(&self, offset: u64, word: u32) -> bool {
        if self.range(offset, 4).is_none() {
            return false;
        }
        if has(Fault::EndBeforeSizeWord) && word != 0 {
            self.memory.late.borrow_mut().push((offset, word));
            return true;
        }
        fence(Ordering::Release);
        self.memory.word(offset).store(word, Ordering::Release);
        fence(Ordering::Release);
        true
    }

    pub(crate) fn zero(&self, offset: u64, len: u64) -> bool {
        if self.range(offset, len).is_none() {
            return false;
        }
        for word in (offset..offset + len).step_by(4) {
            self.memory.word(word).store(0, Ordering::Relaxed);
        }
        true
    }

    /// # Safety
    /// `target` is writable for `len` bytes.
    pub(crate) unsafe fn copy_out(&self, offset: u64, target: *mut u8, len: usize) -> bool {
        if self.range(offset, len as u64).is_none() {
            return false;
        }
        for (at, word) in (0..len).step_by(4).zip((offset..).step_by(4)) {
            let bytes = self.memory.word(word).load(Ordering::Relaxed).to_le_bytes();
            // SAFETY: the caller's promise.
            unsafe { std::ptr::copy(bytes.as_ptr(), target.add(at), bytes.len()) };
        }
        true
    }

    pub(crate) fn atomic_u32(&self, offset: u64) -> Option<&AtomicU32> {
        Some(self.memory.word(offset))
    }

    pub(crate) fn atomic_u64(&self, offset: u64) -> Option<&AtomicU64> {
        Some(self.memory.longs.get(&offset).expect("models use whole words, at their places"))
    }
}

/// The region of a control block.
#[derive(Debug, Clone)]
pub(crate) struct Block(Region);

impl Block {
    pub(crate) fn of(region: &Region) -> Option<Self> {
        (region.len() as u64 >= at::CONTROL_SIZE).then(|| Self(region.clone()))
    }

    pub(crate) fn atomic_u32(&self, offset: u64) -> Option<&AtomicU32> {
        self.0.atomic_u32(offset)
    }

    pub(crate) fn atomic_u64(&self, offset: u64) -> Option<&AtomicU64> {
        self.0.atomic_u64(offset)
    }
}

/// Lets a deliberate fault go on, once the committed end is published.
pub(super) fn catch_up() {
    for memory in kernel().memories() {
        memory.catch_up();
    }
}
