//! Segments: what goes in comes back, as far as there is room, in its order.

use super::*;

#[test]
fn segments_come_back_as_they_went_in() {
    let file = new(1 << 16);
    let other = open(&file);
    let values: [&[u8]; 6] = [b"", b"\0", b"x", b"odd", &[0xff; 255], &[0x80; 4096]];
    for (index, value) in values.iter().enumerate() {
        assert_eq!(file.append(*value).unwrap(), index as u64);
    }
    for (index, value) in values.iter().enumerate().rev() {
        assert_eq!(other.read(index as u64).unwrap(), *value);
        assert_eq!(other.byte_length(index as u64).unwrap(), value.len() as u64);
    }
    let used: usize = values.iter().map(|value| value.len() + 4).sum();
    assert_eq!((other.len().unwrap(), other.size().unwrap()), (6, used as u64));
}

#[test]
fn text_is_utf16() {
    let file = new(1 << 12);
    for text in ["", "a", "Grüße", "日本語", "👩‍👩‍👧‍👦", "\0"] {
        let index = file.append(text).unwrap();
        assert_eq!(file.read_text(index).unwrap(), text);
    }
    let lone = file.append(&0xd800u16.to_le_bytes()).unwrap();
    assert_eq!(file.read_utf16(lone).unwrap(), [0xd800]);
    let odd = file.append(b"abc").unwrap();
    assert_eq!(code(file.read_text(odd)), "ERR_MMFILE_NOT_TEXT");
}

#[test]
fn the_last_byte_can_be_used_and_no_more() {
    for capacity in [1u64, 3, 4, 5, 7, 8, 9, 4095, 4096, 4097] {
        let file = new(capacity);
        assert_eq!(file.capacity(), capacity);
        if capacity < 4 {
            assert_eq!(code(file.append(b"")), "ERR_MMFILE_CAPACITY");
            assert_eq!(file.len().unwrap(), 0);
            continue;
        }
        let room = usize::try_from(capacity - 4).unwrap();
        let error = file.append(&vec![1u8; room + 1]).unwrap_err();
        assert_eq!(error, Error::Capacity { needed: capacity + 1, available: capacity, capacity });
        assert_eq!((file.len().unwrap(), file.size().unwrap()), (0, 0));
        file.append(&vec![7u8; room]).unwrap();
        assert_eq!(open(&file).read(0).unwrap(), vec![7u8; room]);
        assert_eq!(file.size().unwrap(), capacity);
        assert_eq!(code(file.append(b"")), "ERR_MMFILE_CAPACITY");
    }
}

#[test]
fn append_all_is_all_or_nothing() {
    let file = new(40);
    file.append(b"a").unwrap(); // 5 of 40
    assert_eq!(file.append_all(&[[1u8; 4], [2; 4]]).unwrap(), 1); // 21 of 40
    assert_eq!(code(file.append_all(&[[3u8; 4], [4; 4], [5; 4]])), "ERR_MMFILE_CAPACITY");
    assert_eq!((file.len().unwrap(), file.size().unwrap()), (3, 21));
    assert_eq!(file.append_all::<[u8; 4]>(&[]).unwrap(), 3);
    assert_eq!(open(&file).read(2).unwrap(), [2; 4]);
}

#[test]
fn write_takes_the_next_index_only() {
    let file = new(100);
    file.write(0, "x").unwrap();
    for index in [0, 2, u64::MAX] {
        let error = file.write(index, "y").unwrap_err();
        assert_eq!(error, Error::SegmentOrder { index, length: 1 });
    }
    assert_eq!(file.len().unwrap(), 1);
    file.write(1, "y").unwrap();
}

#[test]
fn reading_a_missing_segment_is_an_error() {
    let file = new(100);
    file.append(b"four").unwrap();
    let error = file.read(1).unwrap_err();
    assert_eq!(error, Error::SegmentRange { index: 1, length: 1 });
    let mut small = [9u8; 3];
    assert_eq!(code(file.read_into(0, &mut small)), "ERR_OUT_OF_RANGE");
    assert_eq!(small, [9; 3]);
    let mut large = [9u8; 6];
    assert_eq!(file.read_into(0, &mut large).unwrap(), 4);
    assert_eq!(&large, b"four\x09\x09");
}

#[test]
fn a_sealed_file_takes_no_more() {
    for capacity in [9u64, 10, 13, 100] {
        let file = new(capacity);
        let other = open(&file);
        file.append(b"12345").unwrap();
        other.seal().unwrap();
        other.seal().unwrap();
        assert!(file.is_sealed().unwrap());
        assert_eq!(code(file.append(b"")), "ERR_MMFILE_SEALED");
        assert_eq!((file.len().unwrap(), file.size().unwrap()), (1, 9));
        assert_eq!(open(&file).read(0).unwrap(), b"12345");
        let waited = file.wait_for(1, Timeout::Infinite, Duration::ZERO);
        assert_eq!(code(waited), "ERR_MMFILE_SEALED");
    }
}

#[test]
fn a_reader_cannot_write() {
    let file = new(100);
    file.append("x").unwrap();
    let reader = open_to_read(&file);
    assert_eq!(reader.access(), Access::Read);
    assert_eq!(code(reader.append("y")), "ERR_MMFILE_READ_ONLY");
    assert_eq!(code(reader.seal()), "ERR_MMFILE_READ_ONLY");
    assert_eq!(reader.read_text(0).unwrap(), "x");
    let memory = reader.view_memory().unwrap();
    let span = reader.span(0).unwrap();
    // SAFETY: inside the mapping; a reader's view memory may be written to.
    unsafe { memory.as_ptr().add(span.offset as usize).write(b'!') };
    assert_eq!(file.read_text(0).unwrap(), "x");
}
