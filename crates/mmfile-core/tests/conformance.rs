//! What every platform must do, through the public interface alone.

#[path = "conformance/locks.rs"]
mod locks;
mod support;

use mmfile_core::*;
use std::time::{Duration, Instant};
use support::{Actor, hear, left_behind, say};

fn new(capacity: u64) -> MmFile {
    MmFile::create_new(capacity, &CreateOptions::default()).unwrap()
}

fn open(file: &MmFile) -> MmFile {
    MmFile::open_existing(file.id(), &OpenOptions::default()).unwrap()
}

fn open_to_read(file: &MmFile) -> MmFile {
    let options = OpenOptions { access: Access::Read, ..Default::default() };
    MmFile::open_existing(file.id(), &options).unwrap()
}

fn named(id: &str) -> CreateOptions {
    CreateOptions { id: Some(FileId::parse(id).unwrap()), ..Default::default() }
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.unwrap_err().code()
}

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
        assert_eq!(error, Error::Capacity { needed: capacity + 1, available: capacity });
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
fn what_is_not_there_is_an_error() {
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

#[test]
fn ids_are_taken_once() {
    let id = format!("taken-{}", std::process::id());
    let file = MmFile::create_new(64, &named(&id)).unwrap();
    assert_eq!(code(MmFile::create_new(64, &named(&id))), "ERR_MMFILE_EXISTS");
    drop(file);
    let again = MmFile::create_new(64, &named(&id)).unwrap();
    assert_eq!(again.len().unwrap(), 0);
    drop(again);
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn what_was_never_made_is_not_found() {
    let options = OpenOptions::default();
    assert_eq!(code(MmFile::open_existing("never-made", &options)), "ERR_MMFILE_NOT_FOUND");
    assert_eq!(code(MmFile::open_existing("", &options)), "ERR_INVALID_ARG_VALUE");
    assert_eq!(code(MmFile::create_new(0, &CreateOptions::default())), "ERR_INVALID_ARG_VALUE");
}

#[test]
fn more_memory_than_there_is_is_no_space() {
    for capacity in [1u64 << 44, 1 << 60, u64::MAX] {
        let started = Instant::now();
        let id = format!("huge-{}-{capacity}", std::process::id());
        assert_eq!(code(MmFile::create_new(capacity, &named(&id))), "ERR_MMFILE_NO_SPACE");
        assert_eq!(left_behind(&id), [""; 0]);
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn the_creators_end_is_the_files_end() {
    let file = new(100);
    let id = file.id().to_string();
    let other = open(&file);
    drop(file);
    let options = OpenOptions::default();
    assert_eq!(code(MmFile::open_existing(&id, &options)), "ERR_MMFILE_NOT_FOUND");
    assert_eq!(other.append("still here").unwrap(), 0);
    assert_eq!(other.read_text(0).unwrap(), "still here");
    if cfg!(windows) {
        // A kernel object's name goes with its last handle, and not before.
        assert_eq!(code(MmFile::create_new(1, &named(&id))), "ERR_MMFILE_EXISTS");
        drop(other);
    }
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn a_shared_file_ends_with_its_last_process() {
    let id = format!("last-{}", std::process::id());
    let options = CreateOptions::default();
    let first = MmFile::create_or_open(&id, 100, &options).unwrap();
    let second = MmFile::create_or_open(&id, 5000, &options).unwrap();
    assert_eq!((first.created(), second.created(), second.capacity()), (true, false, 100));
    drop(first);
    let third = MmFile::create_or_open(&id, 1, &options).unwrap();
    assert!(!third.created());
    drop((second, third));
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn waiting_sees_what_another_thread_appends() {
    let file = new(1000);
    let other = open(&file);
    for spin in [Duration::ZERO, Duration::from_millis(50)] {
        let index = file.len().unwrap();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| other.wait_for(index, Timeout::Infinite, spin));
            std::thread::sleep(Duration::from_millis(20));
            file.append("now").unwrap();
            waits.join().unwrap().unwrap();
        });
    }
    let started = Instant::now();
    let limit = Timeout::Val(Duration::from_millis(50));
    assert_eq!(code(other.wait_for(99, limit, Duration::ZERO)), "ERR_MMFILE_TIMEOUT");
    assert!(started.elapsed() >= Duration::from_millis(50));
    let waiter = other.waiter();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| waiter.wait_for(99, Timeout::Infinite, Duration::ZERO));
        std::thread::sleep(Duration::from_millis(20));
        waiter.cancel();
        assert_eq!(code(waits.join().unwrap()), "ERR_MMFILE_CLOSED");
    });
}

#[test]
fn segments_are_iterated_until_the_seal() {
    let file = new(1 << 20);
    let other = open(&file);
    file.append_all(&["0", "1"]).unwrap();
    assert_eq!(file.iter(1).unwrap().count(), 1);
    assert_eq!(file.iter(7).unwrap().count(), 0);
    std::thread::scope(|scope| {
        let all = scope.spawn(|| other.segments(0).map(Result::unwrap).collect::<Vec<_>>());
        let cancelled = other.segments(1000);
        let waiter = cancelled.waiter();
        let none = scope.spawn(move || cancelled.map(code).collect::<Vec<_>>());
        for index in 2..500_u64 {
            file.append(index.to_string().as_str()).unwrap();
        }
        waiter.cancel();
        assert_eq!(none.join().unwrap(), ["ERR_MMFILE_CLOSED"]);
        file.append("last").unwrap();
        file.seal().unwrap();
        let all = all.join().unwrap();
        assert_eq!(all.len(), 501);
        assert!(all.iter().map(Vec::as_slice).eq((0..501).map(|at| file.read(at).unwrap())));
    });
}

/// The last segment and the seal come at the same moment, again and again.
#[test]
fn a_wait_does_not_miss_the_last_segment_before_the_seal() {
    for _ in 0..300 {
        let file = new(100);
        let other = open(&file);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| other.segments(0).count());
            file.append("last").unwrap();
            file.seal().unwrap();
            assert_eq!(waits.join().unwrap(), 1);
        });
    }
}

fn creator(args: &[String]) {
    let file = MmFile::create_new(1000, &named(&args[0])).unwrap();
    file.append("from the creator").unwrap();
    say("made");
    if hear().is_some() {
        drop(file);
        say("closed");
    }
    hear();
}

#[test]
fn a_killed_creator_takes_nothing_away() {
    support::play(&[("creator", creator)]);
    let id = format!("killed-{}", std::process::id());
    let test = "a_killed_creator_takes_nothing_away";
    let mut actor = Actor::start(test, "creator", &[&id]);
    assert_eq!(actor.line().unwrap(), "made");
    let file = MmFile::open_existing(&id, &OpenOptions::default()).unwrap();
    actor.kill();
    assert_eq!(file.append("from the survivor").unwrap(), 1);
    let late = MmFile::open_existing(&id, &OpenOptions::default()).unwrap();
    assert_eq!(late.read_text(0).unwrap(), "from the creator");
    drop((file, late));
    assert_eq!(left_behind(&id), [""; 0]);
    // With nobody left to see it go, it is not there for those who come later.
    let mut actor = Actor::start(test, "creator", &[&id]);
    assert_eq!(actor.line().unwrap(), "made");
    actor.kill();
    let options = OpenOptions::default();
    assert_eq!(code(MmFile::open_existing(&id, &options)), "ERR_MMFILE_NOT_FOUND");
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn what_the_dead_left_goes_with_the_next_file() {
    support::play(&[("creator", creator)]);
    let id = format!("swept-{}", std::process::id());
    let mut actor = Actor::start("what_the_dead_left_goes_with_the_next_file", "creator", &[&id]);
    assert_eq!(actor.line().unwrap(), "made");
    actor.kill();
    // On Windows the kernel takes them away at once.
    assert_eq!(left_behind(&id).len(), if cfg!(windows) { 0 } else { 2 });
    drop(new(10));
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn a_peer_that_came_and_went_is_missed() {
    support::play(&[("creator", creator), ("guest", guest)]);
    let test = "a_peer_that_came_and_went_is_missed";
    let file = new(1000);
    assert!(!file.peer_gone());
    let same_process = open(&file);
    drop(same_process);
    assert!(!file.peer_gone());
    let mut actor = Actor::start(test, "guest", &[file.id()]);
    assert_eq!(actor.line().unwrap(), "here");
    assert!(!file.peer_gone());
    let waiter = file.waiter();
    waiter.require_peer(true);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| waiter.wait_for(0, Timeout::Infinite, Duration::ZERO));
        std::thread::sleep(Duration::from_millis(20));
        actor.kill();
        let started = Instant::now();
        assert_eq!(code(waits.join().unwrap()), "ERR_MMFILE_PEER_GONE");
        assert!(started.elapsed() < Duration::from_millis(400));
    });
}

fn guest(args: &[String]) {
    let file = MmFile::open_existing(&args[0], &OpenOptions::default()).unwrap();
    say("here");
    hear();
    drop(file);
}

#[test]
fn what_there_is_can_be_listed_and_swept() {
    support::play(&[("creator", creator)]);
    let prefixes = Prefixes::new("list-data-", "list-lock-").unwrap();
    let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
    let file = MmFile::create_new(100, &options).unwrap();
    file.append("x").unwrap();
    let infos = list(&prefixes).unwrap();
    assert_eq!(infos.len(), 1);
    let info = &infos[0];
    assert_eq!((info.id.as_str(), info.capacity), (file.id(), 100));
    assert_eq!((info.size, info.length), (6, 1));
    assert_eq!((info.stale, info.sealed, info.creator), (false, false, std::process::id()));
    assert_eq!(sweep(&prefixes).unwrap(), []);
    drop(file);
    assert_eq!(list(&prefixes).unwrap(), []);
}
