//! Framing: segments, the place of the next one, and repair after a dead writer.
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
mod index;
mod payload;
mod repair;
mod segment_size;
mod stream;

pub use index::Span;
pub(crate) use index::SparseIndex;
pub use payload::{Payload, Target};
pub use segment_size::MAX_SEGMENT_SIZE;

use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Tail};
use crate::error::{Error, Result};
use crate::memory::{Backing, Memory};
use crate::platform::FAULT_AROUND;
use crate::sync::spin_loop;
use segment_size::{Frame, WORD_SIZE};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The frames of one file.
#[derive(Debug, Clone)]
pub(crate) struct Segments {
    data: Memory,
    capacity: u64,
    writable: bool,
    /// Up to where this handle has mapped the pages that it writes to.
    populated: Arc<AtomicU64>,
}

/// On a disk: how many bytes are requested at once.
const AHEAD: u64 = 64 << 10;

/// The segments behind the committed end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Behind the last whole segment.
    pub(crate) end: Tail,
    /// What is there: the end, a seal, or something invalid.
    stop: Frame,
}

impl Chain {
    /// Whether no segment will ever follow.
    pub(crate) fn is_sealed(&self) -> bool {
        self.stop == Frame::Seal
    }

    /// The end.
    ///
    /// # Errors [`Error::Corrupt`] if something invalid is there.
    pub(crate) fn valid_end(&self) -> Result<Tail> {
        if self.stop == Frame::Invalid {
            let reason = "a size word is negative or reaches past the capacity";
            return Err(Error::Corrupt { offset: self.end.size, reason });
        }
        Ok(self.end)
    }
}

impl Segments {
    /// Frames over a mapping of which `capacity` bytes count.
    pub(crate) fn new(data: &Memory, capacity: u64, writable: bool) -> Self {
        let populated = Arc::default();
        Self { data: data.clone(), capacity, writable, populated }
    }

    /// Maps the pages of a new file for its creator, which takes a tenth of the time that filling it with
    /// zeros took. For a small file, appends take a few page faults instead.
    pub(crate) fn prepare(&self) {
        const LARGE: u64 = 1 << 20;
        if self.capacity >= LARGE {
            self.populate(0, self.capacity);
        }
    }

    /// Maps the pages from `from` to `end` by reading one word of each fault-around block, so that writing
    /// does not fault page by page. Under the lock, or before another thread has the handle.
    #[inline(always)]
    fn populate(&self, from: u64, end: u64) {
        let done = self.populated.load(Ordering::Relaxed);
        if FAULT_AROUND.is_some() && end > done {
            self.map_pages(from.max(done), end);
        }
    }

    fn map_pages(&self, from: u64, end: u64) {
        let Some(around) = FAULT_AROUND else { return };
        let mut at = from & !(around - 1);
        while at < end {
            self.data.region().load_word(at);
            at += around;
        }
        self.populated.store(at, Ordering::Relaxed);
    }

    /// Ensures that storing frames from `from` to `end`, and the word behind them, seldom faults, and does not
    /// end the process for lack of room on the disk. Under the lock.
    ///
    /// # Errors
    /// [`Error::NoSpace`].
    #[inline]
    fn make_writable(&self, control: &Control, from: u64, end: u64) -> Result<()> {
        if self.data.backing() == Backing::Memory {
            self.populate(from, end);
            return Ok(());
        }
        self.make_storable(control, from, end)
    }

    /// The same on a disk.
    #[cold]
    fn make_storable(&self, control: &Control, from: u64, end: u64) -> Result<()> {
        let end = end.saturating_add(WORD_SIZE).min(self.capacity);
        match self.data.backing() {
            // The data is written by calls that report errors.
            Backing::Written => return control.memory().provide(0, CONTROL_SIZE),
            Backing::Moved => {
                self.data.provide(from, end.saturating_sub(from))?;
                // To get room, the file system may have written the control block to the disk.
                return control.memory().provide(0, CONTROL_SIZE);
            }
            Backing::Memory | Backing::SparseMemory | Backing::Kept => {}
        }
        let done = self.populated.load(Ordering::Relaxed);
        if end > done {
            // Some more, so that it is not asked every time. That part already has room, or reports that it
            // has none.
            let next = (end | (AHEAD - 1)).saturating_add(1).min(self.capacity);
            let from = from.max(done);
            let done = match self.data.provide(from, next - from) {
                Ok(()) => next,
                Err(_) => self.data.provide(from, end - from).map(|()| end)?,
            };
            self.populated.store(done, Ordering::Relaxed);
        }
        Ok(())
    }

    /// The memory of the data.
    pub(crate) fn memory(&self) -> &Memory {
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

    /// The frame at `offset`; the end, if there is no room for a size word.
    #[inline(always)]
    fn frame_at(&self, offset: u64) -> Frame {
        if offset.checked_add(WORD_SIZE).is_none_or(|end| end > self.capacity) {
            return Frame::End;
        }
        self.data.region().load_word(offset).map_or(Frame::End, Frame::from_word)
    }

    /// Whether something follows a committed end that has not been counted yet.
    #[inline(always)]
    pub(crate) fn has_more(&self, tail: Tail, sealed: bool) -> bool {
        let frame = self.frame_at(tail.size);
        frame != Frame::End && !(frame == Frame::Seal && sealed)
    }

    /// The segments behind a committed end, for a handle that stores nothing. If writers are not `excluded`,
    /// a size word may be half-written: then it counts as the end, and so does an invalid one.
    pub(crate) fn follow(&self, from: Tail, excluded: bool) -> Chain {
        let mut end = from;
        loop {
            let frame = self.frame_at(end.size);
            if !excluded && !self.is_settled(end.size, frame) {
                return Chain { end, stop: Frame::End };
            }
            match self.next(end, frame) {
                Ok(next) => end = next,
                Err(Frame::Invalid) if !excluded => return Chain { end, stop: Frame::End },
                Err(stop) => return Chain { end, stop },
            }
        }
    }

    /// Whether the frame that was read at `offset` is complete. A size word that spans two cache lines is
    /// stored in two steps, a few nanoseconds apart: a second read tells.
    fn is_settled(&self, offset: u64, read: Frame) -> bool {
        const LINE: u64 = 64;
        const SPINS: u32 = 256;
        if offset % LINE <= LINE - WORD_SIZE {
            return true;
        }
        for _ in 0..SPINS {
            spin_loop();
        }
        self.frame_at(offset) == read
    }

    /// Walks the segments behind `from`.
    fn chain(&self, from: Tail) -> Chain {
        self.follow(from, true)
    }

    /// The end of the segment at `at`, whose size word was read as `frame`; `Err` with the frame if it is no
    /// segment.
    fn next(&self, at: Tail, frame: Frame) -> std::result::Result<Tail, Frame> {
        let size = match frame {
            Frame::Segment(size) => size,
            stop => return Err(stop),
        };
        // No overflow: there is a frame at `at.size`, so it is at least a word below the capacity.
        let start = at.size + WORD_SIZE;
        if size > self.capacity - start {
            return Err(Frame::Invalid);
        }
        // The count that it begins with is the control block's, which may say anything.
        let count = (at.count + 1).min(self.capacity / WORD_SIZE);
        Ok(Tail { size: start + size, count })
    }

    /// Counts what a foreign writer appended behind the end that the control block has, and returns the committed
    /// end. Under the lock.
    ///
    /// # Errors [`Error::Corrupt`] if something else is there; the segments before it are counted.
    #[inline(always)]
    pub(crate) fn adopt(&self, control: &Control, from: Tail) -> Result<Tail> {
        if self.has_more(from, control.is_sealed()) {
            self.count_more(control, from)
        } else {
            Ok(from)
        }
    }

    fn count_more(&self, control: &Control, mut from: Tail) -> Result<Tail> {
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
        if chain.is_sealed() && !control.is_sealed() {
            control.set_sealed();
        }
        chain.valid_end()
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
