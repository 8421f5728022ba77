//! Appending: the one sequence of steps that must be right if the process is killed between any two.

use super::payload::{Payload, Target};
use super::segment_size::{Frame, SEAL, WORD_SIZE};
use super::{Segments, index, stream};
use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Intent, Tail};
use crate::error::{Error, Result};
use crate::fault;
use crate::memory::{Backing, Region};
use crate::platform::map_private;

impl Segments {
    /// Appends all values or none, and returns the index of the first. Under the lock.
    ///
    /// `at` is the index that the first value must get, if the caller cares. After a failure, `may_store` is checked
    /// before the append is undone, since writing a value may have taken a long time.
    pub(crate) fn append<P: Payload>(
        &self,
        control: &Control,
        values: &[P],
        at: Option<u64>,
        is_at_work: impl FnOnce() -> bool,
        may_store: impl FnOnce() -> Result<()>,
    ) -> Result<u64> {
        let base = self.begin(control, is_at_work)?;
        if control.is_sealed() {
            return Err(Error::Sealed);
        }
        if let Some(index) = at
            && index != base.count
        {
            return Err(Error::SegmentOrder { index, length: base.count });
        }
        let end = self.end_after(base, values)?;
        if values.is_empty() {
            return Ok(base.count);
        }
        self.make_writable(control, base.size, end.size)?;
        fault::point("append.checked");
        control.set_intent(Intent { base, end });
        fault::point("append.intent");
        let end = match self.write_and_publish(control, base, end, values) {
            Ok(end) => end,
            Err(error) => {
                may_store()?;
                self.take_back(control, base, end.size)?;
                return Err(error);
            }
        };
        fault::point("append.published");
        control.commit(end);
        fault::point("append.committed");
        Ok(base.count)
    }

    /// Everything between the intent and the new end, which it returns: values may keep less than they took.
    #[inline(always)]
    fn write_and_publish<P: Payload>(
        &self,
        control: &Control,
        base: Tail,
        end: Tail,
        values: &[P],
    ) -> Result<Tail> {
        if self.data.backing() == Backing::Written {
            return self.write_through(control, base, end, values);
        }
        let (first_word, written) = write_frames(self.data.region(), 0, base, end, values)?;
        fault::point("append.payload");
        if written < end.size {
            // Behind the end there are only zeros, for foreign writers that write no zero word.
            let surplus = (end.size + WORD_SIZE).min(self.capacity) - written;
            self.data.region().zero(written, surplus);
            control.shorten_intent(written);
            fault::point("append.shortened");
        }
        self.end_word(written, 0)?;
        fault::point("append.end");
        // The first size word makes all of them part of the file, for foreign readers too.
        self.data.region().publish_word(base.size, first_word);
        Ok(Tail { size: written, count: end.count })
    }

    /// The same through the descriptor, which reports that there is no room.
    #[cold]
    fn write_through<P: Payload>(
        &self,
        control: &Control,
        base: Tail,
        end: Tail,
        values: &[P],
    ) -> Result<Tail> {
        // From the first size word to the word at the end.
        let frames = map_private(end.size - base.size + WORD_SIZE)?;
        let (first_word, written) = write_frames(frames.region(), base.size, base, end, values)?;
        fault::point("append.payload");
        if written < end.size {
            frames.region().zero(written - base.size, WORD_SIZE);
            // The values may have taken their time.
            control.memory().provide(0, CONTROL_SIZE)?;
            control.shorten_intent(written);
            fault::point("append.shortened");
        }
        let end_word = (self.capacity - written).min(WORD_SIZE);
        let length = written - base.size - WORD_SIZE + end_word;
        let at = frames.region().range(WORD_SIZE, length).ok_or(Error::Closed)?;
        let length = usize::try_from(length).map_err(|_| Error::Closed)?;
        // SAFETY: so many bytes of memory that is this function's alone.
        let bytes = unsafe { std::slice::from_raw_parts(at.as_ptr(), length) };
        self.data.write(base.size + WORD_SIZE, bytes)?;
        fault::point("append.end");
        self.data.write(base.size, &first_word.to_le_bytes())?;
        // To get room, the file system may have written the control block to the disk.
        control.memory().provide(0, CONTROL_SIZE)?;
        Ok(Tail { size: written, count: end.count })
    }

    /// The committed end, after adopting what foreign writers appended behind it. Under the lock, for a
    /// handle that writes.
    ///
    /// The intent may be unfinished although the lock was not abandoned. Then its writer failed (its value panicked),
    /// died without the lock, or died before a foreign program took the lock and repaired nothing. `is_at_work` tells
    /// whether a writer without the lock is alive. If so, the intent may be that writer's.
    #[inline(always)]
    pub(crate) fn begin(
        &self,
        control: &Control,
        is_at_work: impl FnOnce() -> bool,
    ) -> Result<Tail> {
        let mut tail = control.tail();
        if control.is_unfinished_at(tail) && !control.is_sealed() && !is_at_work() {
            self.repair(control)?;
            tail = control.tail();
        }
        self.adopt(control, tail)
    }

    /// Where the file would end with these values in it.
    fn end_after<P: Payload>(&self, base: Tail, values: &[P]) -> Result<Tail> {
        let sizes = values.iter().map(Payload::byte_length);
        let needed = sizes
            .clone()
            .fold(0u64, |sum, size| sum.saturating_add(size).saturating_add(WORD_SIZE));
        let available = self.capacity - base.size;
        if needed > available || sizes.clone().any(|size| Frame::word_for(size).is_none()) {
            return Err(Error::Capacity { needed, available, capacity: self.capacity });
        }
        Ok(Tail { size: base.size + needed, count: base.count + values.len() as u64 })
    }

    /// Writes the word at the end, or as much of a zero one as there is room for.
    #[inline(always)]
    fn end_word(&self, at: u64, word: u32) -> Result<()> {
        let room = (self.capacity - at).min(WORD_SIZE);
        let is_whole = room == WORD_SIZE;
        if self.data.backing() == Backing::Written {
            return if is_whole { self.data.write(at, &word.to_le_bytes()) } else { Ok(()) };
        }
        if is_whole {
            self.data.region().publish_word(at, word);
        } else if word == 0 {
            self.data.region().zero(at, room);
        }
        Ok(())
    }

    /// Marks the end for good. Under the lock.
    pub(crate) fn seal(&self, control: &Control, is_at_work: impl FnOnce() -> bool) -> Result<()> {
        let tail = self.begin(control, is_at_work)?;
        if control.is_sealed() {
            return Ok(());
        }
        let end = Tail { size: (tail.size + WORD_SIZE).min(self.capacity), count: tail.count };
        self.make_writable(control, tail.size, tail.size)?;
        control.set_intent(Intent { base: tail, end });
        fault::point("seal.intent");
        self.end_word(tail.size, SEAL)?;
        control.memory().make_writable(0, CONTROL_SIZE)?;
        fault::point("seal.word");
        control.set_sealed();
        fault::point("seal.done");
        Ok(())
    }
}

/// Writes everything but the first size word, which it returns with the place where they end, to memory that begins at
/// `origin` of the data.
#[inline]
fn write_frames<P: Payload>(
    region: &Region,
    origin: u64,
    base: Tail,
    end: Tail,
    values: &[P],
) -> Result<(u32, u64)> {
    let mut first = None;
    let mut offset = base.size;
    for value in values {
        let size = value.byte_length();
        let start = offset + WORD_SIZE;
        let (Some(at), Ok(len)) = (region.range(start - origin, size), usize::try_from(size))
        else {
            return Err(index::damaged(offset)); // the size changed since it was checked
        };
        let next = start + size;
        if next > end.size {
            return Err(index::damaged(offset));
        }
        // May be overwritten: the next size word, which is written after this.
        let spare = (region.len() as u64 - (next - origin)).min(WORD_SIZE);
        let spare = usize::try_from(spare).unwrap_or(0);
        // SAFETY: `at` has `len` mapped bytes (`range`) and `spare` more in the region; the lock's
        // holder is the only writer, and the region is writable for a handle that appends.
        let target = unsafe { Target::new(at, len, spare) };
        value.write_to(target.streaming(stream::is_worth_it(size, region.len() as u64)))?;
        let kept = value.kept().min(size);
        let word = Frame::word_for(kept).ok_or_else(|| index::damaged(offset))?;
        if first.is_none() {
            first = Some(word);
        } else {
            region.publish_word(offset - origin, word);
        }
        fault::point("append.frame");
        offset = start + kept;
    }
    Ok((first.ok_or_else(|| index::damaged(base.size))?, offset))
}
