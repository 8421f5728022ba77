//! What is sent: messages that can be distinguished.

use crate::Outcome;

/// What a reply has in its stamps beyond its request's number.
pub const REPLY: u32 = 0x4000_0000;

/// Where a message's number stands: at its beginning, in its middle and at its end.
fn places(size: usize) -> [usize; 3] {
    [0, (size / 2) & !3, size.saturating_sub(4)]
}

/// A message, to be sent again and again with other numbers.
pub struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// # Errors
    /// For a size that has no room for the numbers.
    pub fn new(size: usize) -> Outcome<Self> {
        if size < 12 {
            return Err("a message has at least 12 bytes".into());
        }
        Ok(Self { bytes: (0..size).map(|at| (at % 251) as u8).collect() })
    }

    /// With that number.
    pub fn stamped(&mut self, number: u32) -> &[u8] {
        for place in places(self.bytes.len()) {
            if let Some(target) = self.bytes.get_mut(place..place + 4) {
                target.copy_from_slice(&number.to_le_bytes());
            }
        }
        &self.bytes
    }
}

/// Writes a message's number to its three places, and nothing else.
///
/// # Safety
/// `size` bytes at `at` are writable, and at least 12.
pub unsafe fn stamp(at: *mut u8, size: usize, number: u32) {
    for place in places(size) {
        // SAFETY: the caller's promise.
        unsafe { at.add(place).cast::<u32>().write_unaligned(number.to_le()) }
    }
}

/// Whether the message at that address has that number in its three places.
///
/// # Safety
/// `size` bytes at `at` are readable, at least 12, and nobody changes them.
pub unsafe fn is_stamped(at: *const u8, size: usize, number: u32) -> bool {
    places(size).into_iter().all(|place| {
        // SAFETY: the caller's promise.
        u32::from_le(unsafe { at.add(place).cast::<u32>().read_unaligned() }) == number
    })
}
