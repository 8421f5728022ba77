//! Finds a segment by its number, without keeping eight bytes for every one.

use super::Segments;
use crate::error::{Error, Result};

/// One offset is kept for this many segments: half a byte a segment, and a short walk at most.
const STRIDE: u64 = 16;

/// Where a segment's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Of the first byte behind the size word, from the start of the data.
    pub offset: u64,
    /// In bytes.
    pub size: u64,
}

/// A place between two segments.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    index: u64,
    offset: u64,
}

/// The offsets that one handle has learned on its way.
#[derive(Debug, Default)]
pub(crate) struct SparseIndex {
    /// The offset of segment `i * STRIDE` at `i`.
    offsets: Vec<u64>,
    /// Behind the segment that was found last: usually the next one follows.
    last: Place,
}

impl SparseIndex {
    /// The span of segment `index`, which the caller knows to be below `limit`, the committed size.
    pub(crate) fn find(&mut self, segments: &Segments, index: u64, limit: u64) -> Result<Span> {
        let mut place = self.nearest(index);
        loop {
            self.remember(place);
            let span = segments.span_at(place.offset, limit)?;
            let next = Place { index: place.index + 1, offset: span.offset + span.size };
            if place.index == index {
                self.last = next;
                return Ok(span);
            }
            place = next;
        }
    }

    /// The spans of the segments from `index` on, as many as there are in `into` or below `count`.
    pub(crate) fn find_many(
        &mut self,
        segments: &Segments,
        index: u64,
        count: u64,
        limit: u64,
        mut each: impl FnMut(Span) -> bool,
    ) -> Result<()> {
        for index in index..count {
            if !each(self.find(segments, index, limit)?) {
                break;
            }
        }
        Ok(())
    }

    /// The place at or before `index` from which the walk is shortest.
    fn nearest(&self, index: u64) -> Place {
        let block = usize::try_from(index / STRIDE).unwrap_or(usize::MAX);
        let known = self.offsets.len().checked_sub(1).map(|newest| newest.min(block));
        let kept = known.and_then(|block| {
            let offset = *self.offsets.get(block)?;
            Some(Place { index: block as u64 * STRIDE, offset })
        });
        let kept = kept.unwrap_or_default();
        if self.last.index <= index && self.last.index >= kept.index { self.last } else { kept }
    }

    fn remember(&mut self, place: Place) {
        let next = self.offsets.len() as u64 * STRIDE;
        if place.index == next {
            self.offsets.push(place.offset);
        }
    }
}

/// The error for a segment below the committed end that is not there.
pub(crate) fn damaged(offset: u64) -> Error {
    Error::Corrupt { offset, reason: "no size word stands where a segment should begin" }
}
