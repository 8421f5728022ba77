//! Records: a header of 16 bytes and a payload, at a position. A record never wraps: padding fills the rest of
//! the ring.

use super::{Ring, units_in};
use crate::control::channel as at;

/// No message has a larger index: JavaScript counts no further. So the next index is always a number, too.
const MAX_INDEX: u64 = (1 << 53) - 1;

/// The kind of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    /// Nothing, up to the end of the ring.
    Padding,
    /// The end.
    Seal,
}

/// A record whose header was read once, and which is inside the ring and before the tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    /// The message's index; for a seal, the index of the message that will never come.
    pub(crate) index: u64,
    pub(crate) position: u32,
    /// The position behind it.
    pub(crate) end: u32,
    /// Where the payload is in the data.
    pub(crate) offset: u64,
    pub(crate) byte_length: u64,
}

impl Ring {
    /// The units of a record with so many bytes of payload.
    #[inline(always)]
    pub(crate) fn units_of(&self, byte_length: u64) -> u32 {
        units_in(at::RECORD_HEADER.saturating_add(byte_length).saturating_add(self.trailer))
    }

    /// The record at a position, if it is whole before the tail.
    #[inline(always)]
    pub(crate) fn record(&self, position: u32, tail: u32) -> Option<Record> {
        let available = tail.wrapping_sub(position);
        if available == 0 || available > self.units {
            return None;
        }
        let at = self.offset(position);
        let region = self.data.region();
        let (head, index) = (region.load_long(at)?, region.load_long(at + 8)?);
        let length = head & u64::from(u32::MAX);
        let rest = self.units - (position & (self.units - 1));
        let (kind, units) = match u32::try_from(head >> 32).ok()? {
            at::RECORD_MESSAGE => (Kind::Message, self.units_of(length)),
            at::RECORD_PADDING => (Kind::Padding, rest),
            at::RECORD_SEAL if length == 0 => (Kind::Seal, self.units_of(0)),
            _ => return None,
        };
        (units <= rest && units <= available && index <= MAX_INDEX).then(|| Record {
            kind,
            index,
            position,
            end: position.wrapping_add(units),
            offset: at + at::RECORD_HEADER,
            byte_length: if kind == Kind::Message { length } else { 0 },
        })
    }

    /// The same, or the record behind the padding there.
    pub(crate) fn record_past_padding(&self, position: u32, tail: u32) -> Option<Record> {
        let record = self.record(position, tail)?;
        if record.kind == Kind::Padding { self.record(record.end, tail) } else { Some(record) }
    }

    /// Writes the header of a record that is not published.
    #[inline(always)]
    pub(super) fn put_header(&self, position: u32, kind: Kind, length: u32, index: u64) {
        let kind = match kind {
            Kind::Message => at::RECORD_MESSAGE,
            Kind::Padding => at::RECORD_PADDING,
            Kind::Seal => at::RECORD_SEAL,
        };
        let (region, at) = (self.data.region(), self.offset(position));
        region.store_long(at, u64::from(kind) << 32 | u64::from(length));
        region.store_long(at + 8, index);
    }
}
