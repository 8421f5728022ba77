//! Publishing and reading: what a reader without a lock sees of an append.

use super::*;

const ONE: [u8; 4] = *b"one.";
const TWO: [u8; 4] = *b"two!";

/// Reads without a lock. Everything that it finds is whole.
fn look(file: &MmFile, expected: &[[u8; 4]]) -> u64 {
    let mut seen = 0;
    for (index, value) in (0u64..).zip(expected) {
        match file.read(index) {
            Ok(bytes) => {
                assert_eq!(bytes, value);
                seen = index + 1;
            }
            Err(Error::SegmentRange { length, .. }) => assert!(length <= index),
            Err(error) => panic!("a reader sees {error}"),
        }
    }
    seen
}

fn one_writer_one_reader() {
    let (writer, reader, third) = three_handles();
    let writes = process(2, None, move || {
        assert_eq!(writer.append(&ONE).unwrap(), 0);
        assert_eq!(writer.append(&TWO).unwrap(), 1);
        writer
    });
    let reads = process(3, None, move || {
        look(&reader, &[ONE, TWO]);
        reader
    });
    let files = (writes.end().unwrap(), reads.end().unwrap(), third);
    here(4, None, move || {
        assert_eq!(files.2.len().unwrap(), 2);
        assert_eq!(look(&files.2, &[ONE, TWO]), 2);
    })
    .unwrap();
}

#[test]
fn a_reader_sees_whole_segments() {
    holds("publish, read", 1, one_writer_one_reader);
}

#[test]
fn an_end_before_its_size_word_is_found() {
    finds(Fault::EndBeforeSizeWord, 2, one_writer_one_reader);
}

#[test]
fn a_payload_after_its_end_is_found() {
    finds(Fault::PayloadUnordered, 2, one_writer_one_reader);
}

fn one_append_one_reader() {
    let (writer, reader, third) = three_handles();
    let writes = process(2, None, move || {
        assert_eq!(writer.append_all(&[ONE, TWO]).unwrap(), 0);
        writer
    });
    let reads = process(3, None, move || {
        assert_ne!(look(&reader, &[ONE, TWO]), 1, "one of two");
        reader
    });
    close((writes.end(), reads.end(), third));
}

#[test]
fn several_at_once_are_seen_at_once() {
    holds("appendAll, read", 2, one_append_one_reader);
}

fn two_writers() {
    let (first, second, third) = three_handles();
    let one = process(2, None, move || (first.append(&ONE).unwrap(), first));
    let two = process(3, None, move || (second.append(&TWO).unwrap(), second));
    let ((one, first), (two, second)) = (one.end().unwrap(), two.end().unwrap());
    here(4, None, move || {
        assert_eq!(one + two, 1, "both got the same index");
        assert_eq!(third.read(one).unwrap(), ONE);
        assert_eq!(third.read(two).unwrap(), TWO);
        drop((first, second, third));
    })
    .unwrap();
}

#[test]
fn writers_get_an_index_each() {
    holds("append, append", 3, two_writers);
}

/// The points at which a writer dies while another writes and, without a lock, reads.
const DEATHS: [&str; 13] = [
    "change.locked",
    "intent.counted",
    "append.intent",
    "append.payload",
    "append.end",
    "append.published",
    "commit.tail",
    "commit.count",
    "append.committed",
    "release.before",
    "lock.announced",
    "lock.taken",
    "release.freed",
];

fn a_writer_dies<const AT: usize>() {
    let (victim, writer, third) = three_handles();
    let dies = process(2, Some(DEATHS[AT]), move || {
        let _ = victim.append(&ONE);
    });
    let lives = process(3, None, move || {
        let early = writer.read(0);
        let index = writer.append(&TWO).unwrap();
        assert_eq!(writer.read(index).unwrap(), TWO);
        match early {
            Ok(bytes) if index == 0 => assert_eq!(bytes, TWO),
            Ok(bytes) => assert_eq!(bytes, ONE),
            Err(error) => assert!(matches!(error, Error::SegmentRange { .. }), "{error}"),
        }
        (index, writer)
    });
    assert!(dies.end().is_none(), "it did not die");
    let (index, writer) = lives.end().unwrap();
    here(4, None, move || {
        let length = third.len().unwrap();
        assert!(length == index + 1 || (length, index) == (2, 0), "{length} segments, {index}");
        for at in 0..length {
            assert_eq!(third.read(at).unwrap(), if at == index { TWO } else { ONE });
        }
        drop((writer, third));
    })
    .unwrap();
}

#[test]
fn a_writer_may_die() {
    holds("death with the lock", 1, a_writer_dies::<0>);
    holds("death in the record", 1, a_writer_dies::<1>);
    holds("death before the payload", 1, a_writer_dies::<2>);
    holds("death after the payload", 1, a_writer_dies::<3>);
    holds("death before the size word", 1, a_writer_dies::<4>);
    holds("death after the size word", 1, a_writer_dies::<5>);
    holds("death between the two words of the end", 1, a_writer_dies::<6>);
    holds("death before the wake word", 1, a_writer_dies::<7>);
    holds("death after the end", 1, a_writer_dies::<8>);
    holds("death before the release", 1, a_writer_dies::<9>);
    holds("death before the lock", 1, a_writer_dies::<10>);
    holds("death with nothing but the lock", 1, a_writer_dies::<11>);
    holds("death after the release", 1, a_writer_dies::<12>);
}
