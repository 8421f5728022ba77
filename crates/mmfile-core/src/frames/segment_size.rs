//! The four bytes in front of a segment. Only this file knows what they mean.

/// The size word of a segment of no bytes: zero would mean the end.
pub(crate) const EMPTY: u32 = 0x8000_0000;
/// Stands at the end of a sealed file.
pub(crate) const SEAL: u32 = 0xffff_ffff;
/// The bytes of a size word.
pub(crate) const WORD_SIZE: u64 = 4;
/// The longest segment in bytes.
pub const MAX_SEGMENT_SIZE: u64 = 0x7fff_ffff;

/// A size word, understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Nothing was written here yet.
    End,
    /// A segment of that many bytes follows.
    Segment(u64),
    /// No segment will ever follow.
    Seal,
    /// No writer that knows the format writes this.
    Invalid,
}

impl Frame {
    pub(crate) fn from_word(word: u32) -> Self {
        match word {
            0 => Self::End,
            EMPTY => Self::Segment(0),
            SEAL => Self::Seal,
            size if u64::from(size) <= MAX_SEGMENT_SIZE => Self::Segment(size.into()),
            _ => Self::Invalid,
        }
    }

    /// The size word of a segment of `size` bytes, if one can have that size.
    pub(crate) fn word_for(size: u64) -> Option<u32> {
        match u32::try_from(size) {
            Ok(0) => Some(EMPTY),
            Ok(word) if size <= MAX_SEGMENT_SIZE => Some(word),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_sizes_agree() {
        for size in [0, 1, 2, 255, 256, 65_536, MAX_SEGMENT_SIZE - 1, MAX_SEGMENT_SIZE] {
            let word = Frame::word_for(size).unwrap();
            assert_eq!(Frame::from_word(word), Frame::Segment(size));
        }
        assert_eq!(Frame::word_for(MAX_SEGMENT_SIZE + 1), None);
        assert_eq!(Frame::word_for(u64::MAX), None);
    }

    #[test]
    fn negative_words_are_invalid_but_for_two() {
        assert_eq!(Frame::from_word(0), Frame::End);
        assert_eq!(Frame::from_word(SEAL), Frame::Seal);
        for word in [0x8000_0001, 0xffff_fffe, 0xc000_0000] {
            assert_eq!(Frame::from_word(word), Frame::Invalid);
        }
    }
}
