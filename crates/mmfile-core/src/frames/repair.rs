//! Putting a file in order after the holder of its lock died.

use super::Segments;
use super::segment_size::{Frame, WORD_SIZE};
use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Intent, Tail};
use crate::error::Result;
use crate::memory::Backing;

impl Segments {
    /// Whether this handle may repair: one that cannot write leaves it to the next that can.
    pub(crate) fn can_repair(&self) -> bool {
        self.writable
    }

    /// Completes or undoes the dead holder's work. Under the lock that it left.
    ///
    /// A writer publishes its first size word last: if there is a whole segment at the tail, everything that
    /// it wanted to append is there, or a foreign writer has written after it. Bytes behind the whole
    /// segments, up to the intent's end, are not part of the file. The repair can be interrupted and begun
    /// again at any point.
    ///
    /// A foreign writer that had the lock first wrote over the remains, without a zero word behind its
    /// segment. If the bytes after its segment cannot be a segment, they are the remains: no writer can have
    /// gone past them.
    ///
    /// # Errors
    /// [`Error::NoSpace`](crate::Error::NoSpace) if the disk has no room for zeros: the next one repairs.
    pub(crate) fn repair(&self, control: &Control) -> Result<()> {
        let tail = control.tail();
        if let Some(Intent { base, end }) = control.intent() {
            if base.size == tail.size && end.size > tail.size {
                // It died between the record and the tail.
                let from = Tail { size: tail.size, count: base.count };
                let chain = self.chain(from);
                let is_left = chain.end.size < end.size;
                match chain.stop {
                    Frame::End if is_left => self.take_back(control, chain.end, end.size)?,
                    Frame::Invalid | Frame::Seal if is_left && chain.end != from => {
                        self.take_back(
                            control,
                            self.next(from, self.frame_at(from.size)).unwrap_or(from),
                            end.size,
                        )?;
                    }
                    _ => {}
                }
            } else if end.size == tail.size && end.count != tail.count {
                // It died between the tail and the count.
                control.commit(end);
            }
        }
        crate::fault::point("repair.writer");
        // Whole frames stay, anything else goes.
        let tail = control.tail();
        let chain = self.chain(tail);
        if chain.end != tail {
            control.adopt(tail, chain.end);
        }
        match chain.stop {
            Frame::Seal => control.set_sealed(),
            Frame::Invalid => self.take_back(control, chain.end, self.capacity)?,
            _ => {}
        }
        Ok(())
    }

    /// Finds the committed end of a file on disk that no process has open, from its frames and from its last
    /// writer's intent. Damage is left alone: it is reported, and may be rescued.
    ///
    /// # Errors
    /// As [`Self::repair`].
    pub(crate) fn settle(&self, control: &Control, was_sealed: bool) -> Result<()> {
        let chain = self.chain(Tail { size: 0, count: 0 });
        let sealed = was_sealed && chain.end.size == control.tail().size;
        if chain.stop == Frame::End
            && let Some(Intent { base, end }) = control.intent()
            && base.size == chain.end.size
            && end.size > chain.end.size
        {
            // The writer died, or the machine, before its first size word was there. The record goes
            // after what it tells of.
            self.take_back(control, chain.end, end.size)?;
        }
        crate::fault::point("settle.zeroed");
        control.reset(chain.end, sealed || chain.stop == Frame::Seal);
        Ok(())
    }

    /// Zeroes the bytes between a committed end and `to`, the intent's end, and clears the intent: later
    /// bytes there belong to another writer.
    ///
    /// # Errors
    /// As [`Self::repair`].
    pub(super) fn take_back(&self, control: &Control, from: Tail, to: u64) -> Result<()> {
        let to = to.saturating_add(WORD_SIZE).min(self.capacity);
        // The size word goes last: until then this can be begun again.
        let behind = from.size.saturating_add(WORD_SIZE).min(to);
        self.clear(behind, to)?;
        crate::fault::point("repair.zeroed");
        self.clear(from.size, behind)?;
        control.memory().make_writable(0, CONTROL_SIZE)?;
        control.set_intent(Intent { base: from, end: from });
        control.commit(from);
        Ok(())
    }

    /// Has zeros between two places. Where there are some already nothing is stored: on a disk that may be a hole,
    /// for which there need not be room.
    fn clear(&self, from: u64, to: u64) -> Result<()> {
        const PART: u64 = 4096;
        const ZEROS: [u8; 4096] = [0; 4096];
        let region = self.data.region();
        let mut at = from;
        while at < to {
            let end = (at / PART + 1).saturating_mul(PART).min(to);
            if !region.is_zero(at, end - at) {
                if self.data.backing() == Backing::Written {
                    let length = usize::try_from(end - at).unwrap_or(0);
                    self.data.write(at, ZEROS.get(..length).unwrap_or(&ZEROS))?;
                } else {
                    self.data.provide(at, end - at)?;
                    region.zero(at, end - at);
                }
            }
            at = end;
        }
        Ok(())
    }
}
