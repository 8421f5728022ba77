//! Framing: what is a segment, where the next one goes, and what a dead writer left half-done.
//!
//! The bytes are the .NET article's: `[int32 size][bytes]`, one behind the other, and a zero word at
//! the end. docs/memory-layout.md has all of it. Everything here works on a committed tail that
//! the control block keeps; changes are made by the holder of the lock alone.
//!
//! ```
//! # fn main() -> mmfile_core::Result<()> {
//! use mmfile_core::{CreateOptions, MmFile, OpenOptions};
//! // process A appends three segments in one step: all of them are there, or none
//! let a = MmFile::create_new(4096, &CreateOptions::default())?;
//! let first = a.append_all(&["one", "two", ""])?;
//! // process B reads them in any order
//! let b = MmFile::open_existing(a.id(), &OpenOptions::default())?;
//! assert_eq!((first, b.read_text(1)?.as_str(), b.byte_length(2)?), (0, "two", 0));
//! # Ok(()) }
//! ```

mod append;
mod frame;
mod index;
mod payload;
mod repair;
mod stream;

pub use frame::MAX_SEGMENT_SIZE;
pub use index::Span;
pub(crate) use index::SparseIndex;
pub use payload::{Payload, Target};

use crate::control::{Control, Tail};
use crate::error::{Error, Result};
use crate::mapping::Mapping;
use frame::{Frame, WORD_SIZE};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The frames of one file.
#[derive(Debug, Clone)]
pub(crate) struct Segments {
    data: Arc<Mapping>,
    capacity: u64,
    writable: bool,
    /// Up to where this handle has mapped the pages that it writes to.
    populated: Arc<AtomicU64>,
}

/// What Linux maps at the fault of a read: the pages around it that are there, so many bytes of them. At the
/// fault of a write it maps one page.
const FAULT_AROUND: u64 = 64 << 10;

/// What follows the committed end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chain {
    /// Behind the last whole segment.
    end: Tail,
    /// What stands there: the end, a seal, or something invalid.
    stop: Frame,
}

impl Segments {
    /// Frames over a mapping of which `capacity` bytes count.
    pub(crate) fn new(data: &Arc<Mapping>, capacity: u64, writable: bool) -> Self {
        let populated = Arc::default();
        Self { data: Arc::clone(data), capacity, writable, populated }
    }

    /// Prepares the memory of a new file for what its creator will write: a tenth of what filling it
    /// with zeros took.
    pub(crate) fn prepare(&self) {
        self.populate(0, self.capacity);
    }

    /// Sees to it that writing from `from` to `end` does not fault page by page, by reading a word of every
    /// so many. Under the lock, or before anybody else has the handle.
    fn populate(&self, from: u64, end: u64) {
        let done = self.populated.load(Ordering::Relaxed);
        if end <= done || cfg!(any(not(target_os = "linux"), loom)) {
            return;
        }
        let mut at = from.max(done) & !(FAULT_AROUND - 1);
        while at < end {
            self.data.region().load_word(at);
            at += FAULT_AROUND;
        }
        self.populated.store(at, Ordering::Relaxed);
    }

    /// The mapping, for what has to keep it.
    pub(crate) fn mapping(&self) -> &Arc<Mapping> {
        &self.data
    }

    /// The segment whose size word is at `offset`, if it ends at or before `limit`.
    fn span_at(&self, offset: u64, limit: u64) -> Result<Span> {
        let damaged = || index::damaged(offset);
        let start = offset.checked_add(WORD_SIZE).filter(|at| *at <= limit).ok_or_else(damaged)?;
        let word = self.data.region().load_word(offset).ok_or_else(damaged)?;
        match Frame::from_word(word) {
            Frame::Segment(size) if size <= limit - start => Ok(Span { offset: start, size }),
            _ => Err(damaged()),
        }
    }

    /// What stands at `offset`: the end, where there is no room for a size word.
    fn frame_at(&self, offset: u64) -> Frame {
        if offset.checked_add(WORD_SIZE).is_none_or(|end| end > self.capacity) {
            return Frame::End;
        }
        self.data.region().load_word(offset).map_or(Frame::End, Frame::from_word)
    }

    /// Whether something stands at the committed end that has not been adopted yet.
    pub(crate) fn has_more(&self, control: &Control) -> bool {
        let frame = self.frame_at(control.tail().size);
        frame != Frame::End && !(frame == Frame::Seal && control.is_sealed())
    }

    /// Walks the segments behind `from`.
    fn chain(&self, from: Tail) -> Chain {
        let mut end = from;
        loop {
            match self.next(end) {
                Ok(next) => end = next,
                Err(stop) => return Chain { end, stop },
            }
        }
    }

    /// Where the segment at `at` ends, or what stands there instead of one.
    fn next(&self, at: Tail) -> std::result::Result<Tail, Frame> {
        let size = match self.frame_at(at.size) {
            Frame::Segment(size) => size,
            stop => return Err(stop),
        };
        // No overflow: a frame stands at `at.size`, so that is at least a word below capacity.
        let start = at.size + WORD_SIZE;
        if size > self.capacity - start {
            return Err(Frame::Invalid);
        }
        // The count that it begins with is the control block's, which may say anything.
        let count = (at.count + 1).min(self.capacity / WORD_SIZE);
        Ok(Tail { size: start + size, count })
    }

    /// Takes up what a foreign writer appended, and answers the committed end. Under the lock.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if something else stands there; the segments before it are taken up.
    pub(crate) fn adopt(&self, control: &Control) -> Result<Tail> {
        let mut from = control.tail();
        if !self.has_more(control) {
            return Ok(from);
        }
        if let Some(intent) = control.intent()
            && intent.end.size == from.size
        {
            // Its writer died between the tail and the count, and the foreign one had the lock first.
            from.count = from.count.max(intent.end.count);
        }
        let chain = self.chain(from);
        if chain.end != from {
            control.adopt(from, chain.end);
        }
        match chain.stop {
            Frame::Seal if !control.is_sealed() => control.set_sealed(),
            Frame::Invalid => {
                let reason = "a size word is negative or reaches past the capacity";
                return Err(Error::Corrupt { offset: chain.end.size, reason });
            }
            _ => {}
        }
        Ok(chain.end)
    }

    /// Copies a segment's bytes.
    ///
    /// # Safety
    /// `target` is writable for `span.size` bytes.
    pub(crate) unsafe fn copy(&self, span: Span, target: *mut u8) -> Result<()> {
        let damaged = || index::damaged(span.offset);
        let size = usize::try_from(span.size).map_err(|_| damaged())?;
        // SAFETY: the caller's promise; the range is checked inside.
        let copied = unsafe { self.data.region().copy_out(span.offset, target, size) };
        if copied { Ok(()) } else { Err(damaged()) }
    }
}
