//! Putting a file in order after the holder of its lock died.

use super::Segments;
use super::frame::{Frame, WORD_SIZE};
use crate::control::{Control, Intent, Tail};

impl Segments {
    /// Whether this handle may repair: one that cannot write leaves it to the next that can.
    pub(crate) fn can_repair(&self) -> bool {
        self.writable
    }

    /// Finishes or takes back what the dead holder was doing. Under the lock that it left.
    ///
    /// The record of what it was about to do tells the two cases apart: the frames behind the tail
    /// reach exactly as far as they were meant to, or the first size word was not published. It can
    /// be interrupted and begun again at any point.
    pub(crate) fn repair(&self, control: &Control) {
        let intent = control.intent();
        let tail = control.tail();
        if intent.end.size > tail.size && intent.base.size == tail.size {
            // It died between the record and the tail.
            let from = Tail { size: tail.size, count: intent.base.count };
            let chain = self.chain(from);
            if chain.end == intent.end {
                control.commit(intent.end);
            } else if self.frame_at(tail.size) == Frame::Seal {
                control.set_sealed();
            } else {
                self.take_back(control, from, intent.end.size);
            }
        } else if intent.end.size == tail.size && intent.end.count != tail.count {
            // It died between the tail and the count.
            control.commit(intent.end);
        }
        crate::fault::point("repair.writer");
        // Foreign writers keep no record: whole frames stay, anything else goes.
        let chain = self.chain(control.tail());
        if chain.end != control.tail() {
            control.adopt(control.tail(), chain.end);
        }
        match chain.stop {
            Frame::Seal => control.set_sealed(),
            Frame::Invalid => self.take_back(control, chain.end, self.capacity),
            _ => {}
        }
    }

    /// Zeroes what was left between a committed end and `to`, where the writer was going to end, and
    /// strikes its record: what stands there later is somebody else's.
    pub(super) fn take_back(&self, control: &Control, from: Tail, to: u64) {
        let to = to.saturating_add(WORD_SIZE).min(self.capacity);
        // The size word goes last: until then this can be begun again.
        let behind = from.size.saturating_add(WORD_SIZE).min(to);
        self.data.region().zero(behind, to.saturating_sub(behind));
        crate::fault::point("repair.zeroed");
        self.data.region().zero(from.size, behind.saturating_sub(from.size));
        control.set_intent(Intent { base: from, end: from });
        control.commit(from);
    }
}
