//! Many writers and readers at once: nothing is lost, nothing comes twice, and all see the
//! same order.

mod support;

use mmfile_core::*;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::raw::{Raw, clean_frames};
use support::{Actor, DIGEST, Random, Watchdog, digest, figures, hear, rounds, say};

const PATIENCE: Timeout = Timeout::Val(Duration::from_secs(60));

/// The segment number `number` of writer `writer`: different from every other, of a varying size.
fn payload(writer: u64, number: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend((writer as u32).to_le_bytes());
    bytes.extend((number as u32).to_le_bytes());
    let length = (writer * 7 + number * 13) % 41;
    bytes.extend((0..length).map(|at| (writer + number + at) as u8));
    bytes
}

/// Who appended a segment, and as which one. Panics if it is not exactly what that one appends.
fn origin(bytes: &[u8]) -> (u64, u64) {
    let word = |at: usize| u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()));
    let (writer, number) = (word(0), word(4));
    assert_eq!(bytes, payload(writer, number));
    (writer, number)
}

fn open(id: &str, access: Access) -> MmFile {
    MmFile::open_existing(id, &OpenOptions { access, ..Default::default() }).unwrap()
}

/// Appends `count` segments, some of them several at a time, and returns the index of each.
fn append_many(file: &MmFile, writer: u64, count: u64) -> Vec<u64> {
    let mut random = Random::new(writer + 1);
    let mut indexes = Vec::new();
    while (indexes.len() as u64) < count {
        let number = indexes.len() as u64;
        if random.below(4) == 0 {
            let batch = (1 + random.below(5)).min(count - number);
            let values: Vec<_> = (number..number + batch).map(|n| payload(writer, n)).collect();
            let first = file.append_all(&values).unwrap();
            indexes.extend(first..first + batch);
        } else {
            indexes.push(file.append(&payload(writer, number)).unwrap());
        }
    }
    indexes
}

/// Reads `count` segments as they come, and returns a digest of all of them in their order.
fn follow(file: &MmFile, count: u64, spin: Duration) -> u64 {
    let mut next: HashMap<u64, u64> = HashMap::new();
    let mut all = DIGEST;
    for index in 0..count {
        file.wait_for(index, PATIENCE, spin).unwrap();
        let bytes = file.read(index).unwrap();
        let (writer, number) = origin(&bytes);
        let expected = next.entry(writer).or_default();
        assert_eq!(number, *expected, "writer {writer} at index {index}");
        *expected += 1;
        all = digest(all, &bytes);
    }
    all
}

fn writer(args: &[String]) {
    let file = open(&args[0], Access::ReadWrite);
    let (writer, count) = (args[1].parse().unwrap(), args[2].parse().unwrap());
    say("open");
    hear();
    let indexes = append_many(&file, writer, count);
    for (number, index) in indexes.iter().enumerate() {
        assert_eq!(file.read(*index).unwrap(), payload(writer, number as u64));
    }
    say(file.recovered());
}

fn reader(args: &[String]) {
    let access = if args[2] == "read" { Access::Read } else { Access::ReadWrite };
    let file = open(&args[0], access);
    say("open");
    let spin = if access == Access::Read { Duration::ZERO } else { Duration::from_micros(20) };
    say(follow(&file, args[1].parse().unwrap(), spin));
}

fn run(test: &str, writers: u64, count: u64) {
    let _watchdog = Watchdog::new(test, Duration::from_secs(120) * rounds());
    let total = writers * count;
    let file = MmFile::create_new(total * 40, &CreateOptions::default()).unwrap();
    let id = file.id();
    let start = |role: &str, args: &[&str]| {
        let mut actor = Actor::start(test, role, &[&[id], args].concat());
        assert_eq!(actor.expect(), "open");
        actor
    };
    let mut readers: Vec<_> =
        ["read", "write"].iter().map(|how| start("reader", &[&total.to_string(), how])).collect();
    let mut actors: Vec<_> = (0..writers)
        .map(|number| start("writer", &[&number.to_string(), &count.to_string()]))
        .collect();
    let started = support::now();
    for actor in &mut actors {
        actor.tell("go");
    }
    for mut actor in actors {
        assert_eq!(actor.expect(), "0", "no process died");
        actor.finish();
    }
    let elapsed = Duration::from_nanos(support::now() - started);
    let expected = follow(&file, total, Duration::ZERO);
    for mut actor in readers.drain(..) {
        assert_eq!(actor.expect(), expected.to_string(), "a reader saw something else");
        actor.finish();
    }
    assert_eq!(file.len().unwrap(), total);
    let raw = Raw::data(&Prefixes::default(), id);
    let frames = clean_frames(&raw.bytes());
    let seen = frames.segments.iter().fold(DIGEST, |all, bytes| digest(all, bytes));
    assert_eq!((frames.segments.len() as u64, seen), (total, expected));
    let origins: HashSet<_> = frames.segments.iter().map(|bytes| origin(bytes)).collect();
    let (lost, twice) = (total - origins.len() as u64, frames.segments.len() - origins.len());
    figures(format!(
        "{writers} writers, {total} segments, {lost} lost, {twice} twice, {elapsed:?}"
    ));
    assert_eq!((lost, twice), (0, 0));
}

const ROLES: &[support::Role] = &[("writer", writer), ("reader", reader)];

#[test]
fn two_processes_append_at_once() {
    support::play(ROLES);
    run("two_processes_append_at_once", 2, 10_000 * u64::from(rounds()));
}

#[test]
fn eight_processes_append_at_once() {
    support::play(ROLES);
    run("eight_processes_append_at_once", 8, 10_000 * u64::from(rounds()));
}

#[test]
fn threads_share_one_handle() {
    let count = 3_000 * u64::from(rounds());
    let file = MmFile::create_new(count * 4 * 40, &CreateOptions::default()).unwrap();
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            (0..2).map(|_| scope.spawn(|| follow(&file, count * 4, Duration::ZERO))).collect();
        for writer in 0..4 {
            let file = &file;
            scope.spawn(move || {
                let indexes = append_many(file, writer, count);
                for (number, index) in indexes.iter().enumerate() {
                    assert_eq!(file.read(*index).unwrap(), payload(writer, number as u64));
                }
            });
        }
        let seen: Vec<u64> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        assert_eq!(seen[0], seen[1]);
    });
    assert_eq!(file.len().unwrap(), count * 4);
}

/// A section excludes all others: threads through the same handle, and through another one.
#[test]
fn sections_and_operations_of_threads_exclude_each_other() {
    let count = 500 * u64::from(rounds());
    let file = MmFile::create_new(1 << 22, &CreateOptions::default()).unwrap();
    let other = open(file.id(), Access::ReadWrite);
    let inside = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let (file, inside) = (if thread % 2 == 0 { &file } else { &other }, &inside);
            scope.spawn(move || {
                for round in 0..count {
                    let guard = file.lock(Some(PATIENCE)).unwrap();
                    assert!(!guard.abandoned());
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    let first = file.append(b"first").unwrap();
                    if round % 16 == 0 {
                        std::thread::yield_now();
                    }
                    file.write(first + 1, b"second").unwrap();
                    assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                    drop(guard);
                    file.append(b"alone").unwrap();
                }
            });
        }
    });
    let length = file.len().unwrap();
    assert_eq!(length, 4 * count * 3);
    for index in 0..length {
        if file.read(index).unwrap() == b"first" {
            assert_eq!(file.read(index + 1).unwrap(), b"second");
        }
    }
}
