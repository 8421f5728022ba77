//! Arbitrary bytes in the data, in the control block, or in both.

use super::calls::Calls;
use super::support::raw::{
    CONTROL_SIZE, EMPTY, OFF_INTENT_BASE, OFF_LOCK, OFF_LOCK_WORD, OFF_PARTICIPANTS, SEAL,
};
use super::support::{Random, Watchdog, figures, rounds};
use super::{Prey, contents, listing, number, own_prefixes};
use mmfile_core::*;
use std::time::Duration;

const OWNER_DIED: u32 = 0x4000_0000;

/// Parses the bytes as a reader that knows only the frames: the segments, their end, and the word there.
fn understood(bytes: &[u8]) -> (Vec<&[u8]>, usize, u32) {
    let (mut segments, mut at) = (Vec::new(), 0);
    while let Some(word) = bytes.get(at..at + 4) {
        let word = u32::from_le_bytes(word.try_into().unwrap());
        let size = if word == EMPTY { 0 } else { word as usize };
        if word == 0 || word == SEAL || size >= 1 << 31 || size > bytes.len() - at - 4 {
            return (segments, at, word);
        }
        segments.push(&bytes[at + 4..at + 4 + size]);
        at += 4 + size;
    }
    (segments, at, 0)
}

/// With any data and an untouched control block, segments before the first bad word are data, and the bad
/// word is an error with its offset.
#[test]
fn any_data_is_read_up_to_its_first_bad_word() {
    let _watchdog = Watchdog::new("any data", Duration::from_secs(60) * rounds());
    let prefixes = own_prefixes("any-data");
    let mut random = Random::new(1);
    let mut stops = [0u32; 3];
    for case in 0..2500 * rounds() {
        let capacity = 1 + random.below(300);
        let prey = Prey::new(&prefixes, capacity);
        let bytes = contents(&mut random, capacity as usize);
        prey.data.put(0, &bytes);
        let (segments, end, word) = understood(&bytes);
        let file = prey.open(Access::ReadWrite).unwrap();
        let reader = prey.open(Access::Read).unwrap();
        for file in [&file, &reader] {
            assert_eq!(file.len().unwrap(), segments.len() as u64, "case {case}: {bytes:?}");
            assert_eq!(file.size().unwrap(), end as u64, "case {case}: {bytes:?}");
            assert_eq!(file.is_sealed().unwrap(), word == SEAL);
            for (index, segment) in segments.iter().enumerate().rev() {
                assert_eq!(file.read(index as u64).unwrap(), *segment, "case {case}: {bytes:?}");
            }
        }
        let next = segments.len() as u64;
        let appended = file.append(b"more");
        let waited = reader.wait_for(next, Timeout::Val(Duration::ZERO), Duration::ZERO);
        match word {
            0 if end as u64 + 8 <= capacity => {
                assert_eq!(appended, Ok(next));
                assert_eq!(waited, Ok(()));
                assert_eq!(reader.read(next).unwrap(), b"more");
                stops[0] += 1;
            }
            0 => {
                assert_eq!(appended.unwrap_err().code(), "ERR_MMFILE_CAPACITY");
                assert_eq!(waited.unwrap_err().code(), "ERR_MMFILE_TIMEOUT");
            }
            SEAL => {
                assert_eq!(appended, Err(Error::Sealed));
                assert_eq!(waited, Err(Error::Sealed));
                stops[1] += 1;
            }
            _ => {
                for error in [appended.unwrap_err(), waited.unwrap_err()] {
                    let Error::Corrupt { offset, .. } = error else { panic!("{error:?}") };
                    assert_eq!(offset, end as u64);
                }
                stops[2] += 1;
            }
        }
        let after = prey.data.bytes();
        assert_eq!(after[..end], bytes[..end], "what was there has changed");
    }
    figures(format!("any data: went on after {}, sealed {}, bad {}", stops[0], stops[1], stops[2]));
    assert!(stops.iter().all(|stop| *stop > 100));
}

/// After a dead holder, with any intent and any remains, the repair makes the bytes frames again.
#[test]
fn any_data_of_a_dead_holder_is_repaired() {
    let _watchdog = Watchdog::new("a dead holder's data", Duration::from_secs(60) * rounds());
    let prefixes = own_prefixes("any-death");
    let mut random = Random::new(2);
    for case in 0..2000 * rounds() {
        let capacity = 1 + random.below(300);
        let prey = Prey::new(&prefixes, capacity);
        let bytes = contents(&mut random, capacity as usize);
        prey.data.put(0, &bytes);
        // Where it began and was going to end, each a size and a count.
        let recorded: [u64; 4] = std::array::from_fn(|_| number(&mut random, capacity));
        for (word, value) in recorded.iter().enumerate() {
            prey.control.put(OFF_INTENT_BASE + word * 8, &value.to_le_bytes());
        }
        prey.control.set_word(OFF_LOCK_WORD, OWNER_DIED);
        let file = prey.open(Access::ReadWrite).unwrap();
        let result = if case % 2 == 0 { file.append(b"more").map(drop) } else { file.seal() };
        assert_eq!(file.recovered(), 1);
        let after = prey.data.bytes();
        let (segments, end, word) = understood(&after);
        assert!(word == 0 || word == SEAL, "case {case}: {result:?}, {word:#x} in {after:?}");
        assert!(
            !matches!(result, Err(Error::Corrupt { .. })),
            "case {case}: {result:?} after a repair of {bytes:?}"
        );
        // Whole segments that stood there were not taken away, but for those that are remains: they begin
        // where it was going to write, and no end follows them.
        let (mut before, kept, stop) = understood(&bytes);
        if recorded[0] == 0 && recorded[2] > kept as u64 && stop != 0 {
            before.truncate(1);
        }
        if end >= kept {
            assert!(segments.starts_with(&before), "case {case}: {bytes:?} became {after:?}");
        }
    }
}

fn control_block(random: &mut Random, prey: &Prey) {
    let capacity = prey.file().capacity();
    if random.below(6) == 0 {
        let start = random.below(0x150) as usize;
        let end = start + 1 + random.below(0x160 - start as u64) as usize;
        let bytes: Vec<u8> = (start..end).map(|_| random.next() as u8).collect();
        prey.control.put(start, &bytes);
    }
    if random.below(3) == 0 {
        let rows: Vec<u8> = (OFF_PARTICIPANTS..CONTROL_SIZE).map(|_| random.next() as u8).collect();
        prey.control.put(OFF_PARTICIPANTS, &rows);
    }
    // The fields that readers and writers use, and the errors that they must report.
    for _ in 0..random.below(6) {
        let at = [0xc0, 0xc8, 0xd0, 0x100, 0x108, 0x110, 0x118, 0x140][random.below(8) as usize];
        prey.control.put(at, &number(random, capacity).to_le_bytes());
    }
    // A lock that seems to be held costs every call its time limit: not too often.
    match random.below(40) {
        0 => prey.control.set_word(OFF_LOCK_WORD, random.next() as u32),
        2..8 => prey.control.set_word(OFF_LOCK_WORD, OWNER_DIED | (random.next() as u32 & 1 << 31)),
        1 => prey.control.put(OFF_LOCK, &[random.next() as u8; 64]),
        _ => prey.control.set_word(OFF_LOCK_WORD, 0),
    }
}

#[test]
fn any_control_block_and_any_data_give_errors_or_data() {
    let _watchdog = Watchdog::new("any bytes", Duration::from_secs(120) * rounds());
    let prefixes = own_prefixes("any-bytes");
    let mut random = Random::new(3);
    let mut calls = Calls::default();
    for _ in 0..1500 * rounds() {
        let capacity = 1 + random.below(400);
        let prey = Prey::new(&prefixes, capacity);
        let accesses = [Access::ReadWrite, Access::Read];
        let mut files = Vec::from(accesses.map(|access| prey.open(access).unwrap()));
        if random.below(4) > 0 {
            prey.data.put(0, &contents(&mut random, capacity as usize));
        } else {
            files[0].append("as it should be").ok();
        }
        control_block(&mut random, &prey);
        let before = prey.control.bytes();
        // Later openers and observers find the same.
        files.extend(calls.open(|| prey.open(accesses[random.below(2) as usize])));
        assert!(list(&listing(&prefixes)).unwrap().len() <= 1);
        assert_eq!(sweep(&listing(&prefixes)).unwrap(), [], "a process has it open");
        for file in &files {
            prey.control.put(0, &before);
            calls.everything(file, &mut random);
        }
    }
    calls.report("any bytes");
    assert!(calls.count > 100_000);
}
