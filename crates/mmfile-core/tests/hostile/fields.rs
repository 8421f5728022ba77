//! Every field of the control block at its extremes, one after the other.

use super::calls::Calls;
use super::support::raw::{
    CONTROL_SIZE, OFF_COUNT, OFF_LOCK, OFF_LOCK_WORD, OFF_PARTICIPANTS, OFF_STATE, OFF_TAIL,
    PARTICIPANT_SIZE, STATE_ENDED, STATE_READY,
};
use super::support::{PROMPT, Random, Watchdog, left_behind, now};
use super::{Prey, listing, own_prefixes};
use mmfile_core::*;
use std::time::Duration;

const CAPACITY: u64 = 1000;
const WAITERS: u32 = 0x8000_0000;
const OWNER_DIED: u32 = 0x4000_0000;

/// A file with twenty segments, and its bytes.
fn filled(prefixes: &Prefixes) -> (Prey, Vec<u8>, Vec<u8>) {
    let prey = Prey::new(prefixes, CAPACITY);
    for number in 0..20u8 {
        prey.file().append(&vec![number; usize::from(number)]).unwrap();
    }
    let (data, control) = (prey.data.bytes(), prey.control.bytes());
    (prey, data, control)
}

fn extremes() -> Vec<u64> {
    let ends = [0, 4, 269, CAPACITY / 4, CAPACITY, 1 << 31, 1 << 32, 1 << 62, 1 << 63];
    let around = |end: u64| [end.wrapping_sub(1), end, end.wrapping_add(1)];
    ends.into_iter().flat_map(around).chain([u64::MAX - 3, u64::MAX / 2]).collect()
}

#[test]
fn every_word_of_the_block_at_every_extreme() {
    let _watchdog = Watchdog::new("every word", Duration::from_secs(120));
    let prefixes = own_prefixes("fields");
    let (prey, data, control) = filled(&prefixes);
    let mut random = Random::new(4);
    let mut calls = Calls::default();
    // Aligned numbers of both sizes, everywhere in the part that is used and just behind it, and in the first
    // and the last rows of the table of participants.
    let used = (0..0x150).chain(OFF_PARTICIPANTS..OFF_PARTICIPANTS + 2 * PARTICIPANT_SIZE);
    let used = used.chain(CONTROL_SIZE - PARTICIPANT_SIZE..CONTROL_SIZE);
    for at in used.step_by(4) {
        for value in extremes() {
            let files = [Access::ReadWrite, Access::Read].map(|access| prey.open(access).unwrap());
            let size = if at % 8 == 0 { 8 } else { 4 };
            for file in &files {
                prey.control.put(at, &value.to_le_bytes()[..size]);
                calls.read_everything(file, &mut random);
                calls.write(file, &mut random);
                calls.wait(file, &mut random);
                prey.data.put(0, &data);
                prey.control.put(0, &control);
            }
            prey.control.put(at, &value.to_le_bytes()[..size]);
            let access = [Access::ReadWrite, Access::Read][at / 4 % 2];
            let late = calls.open(|| prey.open(access));
            late.inspect(|late| calls.read_everything(late, &mut random));
            assert_eq!(sweep(&listing(&prefixes)).unwrap(), [], "a process has it open");
            assert!(list(&listing(&prefixes)).unwrap().len() <= 1);
            prey.data.put(0, &data);
            prey.control.put(0, &control);
        }
    }
    // A handle that did not read meanwhile sees no difference.
    let file = prey.file();
    assert_eq!((file.len().unwrap(), file.size().unwrap()), (20, 270));
    assert_eq!(file.append(b"after").unwrap(), 20);
    assert_eq!((file.read(19).unwrap(), file.read(20).unwrap()), (vec![19; 19], b"after".to_vec()));
    calls.report("every word");
}

/// An end past the capacity, or more segments than there can be, is no way out of the file.
#[test]
fn ends_past_the_capacity() {
    let prefixes = own_prefixes("ends");
    let (prey, data, control) = filled(&prefixes);
    for tail in [CAPACITY + 1, CAPACITY * 2, 1 << 32, 1 << 63, u64::MAX] {
        for count in [0, 20, 21, CAPACITY, u64::MAX] {
            prey.control.put(OFF_TAIL, &tail.to_le_bytes());
            prey.control.put(OFF_COUNT, &count.to_le_bytes());
            let file = prey.open(Access::ReadWrite).unwrap();
            assert_eq!(file.size().unwrap(), CAPACITY);
            assert_eq!(file.append(b"x").unwrap_err().code(), "ERR_MMFILE_CAPACITY");
            let there = count.min(CAPACITY / 4).min(20);
            for index in 0..there {
                assert_eq!(file.read(index).unwrap(), vec![index as u8; index as usize]);
            }
            let code = if count > 20 { "ERR_MMFILE_CORRUPT" } else { "ERR_MMFILE_SEGMENT_RANGE" };
            assert_eq!(file.read(there).unwrap_err().code(), code);
            prey.data.put(0, &data);
            prey.control.put(0, &control);
        }
    }
}

/// Only the lock's word counts among the 64 bytes of the mutex: no link and no owner of the C library's is
/// ever followed.
#[test]
fn every_kind_of_lock_word() {
    let prefixes = own_prefixes("lock-words");
    let (prey, _, control) = filled(&prefixes);
    // SAFETY: takes nothing and cannot fail.
    let mine = unsafe { libc::syscall(libc::SYS_gettid) } as u32;
    // SAFETY: as above.
    let parent = unsafe { libc::getppid() } as u32;
    let taken = "ERR_MMFILE_TIMEOUT";
    let words = [
        (0, ""),
        (WAITERS, ""),
        (OWNER_DIED, "died"),
        (OWNER_DIED | WAITERS, "died"),
        (1, taken),
        (parent, taken),
        (parent | WAITERS, taken),
        (parent | OWNER_DIED, taken),
        (0x3fff_ffff, taken),
        (u32::MAX, taken),
        (mine, "ERR_MMFILE_LOCK_HELD"),
        (mine | WAITERS | OWNER_DIED, "ERR_MMFILE_LOCK_HELD"),
    ];
    let mut length = 20;
    for (word, meaning) in words {
        for garbage in [0u8, 0x01, 0x7f, 0xff] {
            let file = prey.open(Access::ReadWrite).unwrap();
            prey.control.put(OFF_LOCK, &[garbage; 64]);
            prey.control.set_word(OFF_LOCK_WORD, word);
            let started = now();
            let appended = file.append(b"x");
            let waited = Duration::from_nanos(now() - started);
            assert!(waited < PROMPT, "{word:#x}: {waited:?}");
            if meaning.starts_with("ERR") {
                assert_eq!(appended.unwrap_err().code(), meaning, "{word:#x}");
                assert_eq!(prey.control.word(OFF_LOCK_WORD) & !WAITERS, word & !WAITERS, "kept");
                // Those who read what is there need no lock.
                assert_eq!(file.read(3).unwrap(), [3; 3]);
                prey.control.set_word(OFF_LOCK_WORD, 0);
                assert_eq!(file.append(b"x"), Ok(length));
            } else {
                assert_eq!(appended, Ok(length), "{word:#x}");
                assert_eq!(file.recovered(), u64::from(meaning == "died"));
            }
            length += 1;
            // A section puts the lock into the thread's list; its links are spoiled meanwhile.
            let guard = file.lock(None).unwrap();
            let word = prey.control.word(OFF_LOCK_WORD);
            prey.control.put(OFF_LOCK, &[garbage; 64]);
            prey.control.set_word(OFF_LOCK_WORD, word);
            let other = NamedMutex::open(prey.file().id(), &MutexOptions::default()).unwrap();
            let inner = other.lock(None).unwrap();
            drop(guard);
            drop(inner);
            assert_eq!(prey.control.word(OFF_LOCK_WORD) & !WAITERS, 0, "free again");
        }
    }
    prey.control.put(OFF_LOCK, &control[OFF_LOCK..OFF_LOCK + 64]);
    assert_eq!(prey.file().len().unwrap(), length);
}

/// Only a file that has ended cannot be opened, and its name is removed.
#[test]
fn every_kind_of_state() {
    let prefixes = own_prefixes("state");
    let (prey, _, _) = filled(&prefixes);
    for state in [0, STATE_READY, STATE_ENDED + 1, 0x100, u32::MAX] {
        prey.control.set_word(OFF_STATE, state);
        assert_eq!(prey.open(Access::Read).unwrap().len().unwrap(), 20, "{state}");
        assert_eq!(sweep(&listing(&prefixes)).unwrap(), [], "a process has it open");
    }
    prey.control.set_word(OFF_STATE, STATE_ENDED);
    assert_eq!(list(&listing(&prefixes)).unwrap(), []);
    let error = prey.open(Access::ReadWrite).unwrap_err();
    assert_eq!(error.code(), "ERR_MMFILE_NOT_FOUND");
    assert_eq!(left_behind(prefixes.data()), [""; 0]);
    assert_eq!(prey.file().len().unwrap(), 20);
    assert_eq!(prey.control.len(), CONTROL_SIZE);
}
