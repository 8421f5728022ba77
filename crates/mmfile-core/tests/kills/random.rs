//! Writers that are killed at random moments while they, and others, append as fast as they can.

use super::place::{Place, Staging, report_panics};
use super::support::raw::clean_frames;
use super::support::{self, Actor, PROMPT, Random, Watchdog, figures, hear, now, rounds, say};
use mmfile_core::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ROLES: &[support::Role] = &[("victim", victim), ("loader", loader), ("follower", follower)];

const CAPACITY: u64 = 8 << 20;
const VICTIMS_AT_ONCE: usize = 2;
const ROUNDS: u32 = 5;
const KILLS_A_ROUND: usize = 44;

/// In the system's folder and in one on disk.
const STAGINGS: &[Staging] = if cfg!(all(target_os = "linux", not(mmfile_portable))) {
    &[Staging::Large, Staging::Folder]
} else {
    Staging::ALL
};

/// Part `part` of the `parts` segments that writer `tag` appends in its operation `number`.
fn payload(tag: u32, number: u32, part: u16, parts: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160);
    bytes.extend(tag.to_le_bytes());
    bytes.extend(number.to_le_bytes());
    bytes.extend(part.to_le_bytes());
    bytes.extend(parts.to_le_bytes());
    let length = tag.wrapping_mul(31).wrapping_add(number * 17 + u32::from(part) * 7) % 131;
    bytes.extend((0..length).map(|at| (tag + number + at) as u8));
    bytes
}

/// The operation of a segment's writer, and the segment's place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Origin {
    tag: u32,
    number: u32,
    part: u16,
    parts: u16,
}

/// Panics if the bytes are not exactly what some writer appends.
fn origin(bytes: &[u8]) -> Origin {
    assert!(bytes.len() >= 12, "{bytes:?}");
    let long = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let short = |at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
    let origin = Origin { tag: long(0), number: long(4), part: short(8), parts: short(10) };
    assert_eq!(bytes, payload(origin.tag, origin.number, origin.part, origin.parts));
    origin
}

/// The file, and the tag of this process.
fn open(args: &[String], access: Access) -> (MmFile, u32) {
    let (place, args) = Place::of(args);
    let options = OpenOptions { access, ..place.open_options() };
    (MmFile::open_existing(&args[0], &options).unwrap(), args[1].parse().unwrap())
}

/// One operation: a segment, or several at once. `None` if there is no room any more.
fn operate(file: &MmFile, tag: u32, number: u32, parts: u16) -> Option<u64> {
    let appended = if parts == 1 {
        file.append(&payload(tag, number, 0, 1))
    } else {
        let values: Vec<_> = (0..parts).map(|part| payload(tag, number, part, parts)).collect();
        file.append_all(&values)
    };
    match appended {
        Ok(index) => Some(index),
        Err(Error::Capacity { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Appends in a loop and says after each what it got, until it is killed.
fn victim(args: &[String]) {
    report_panics();
    let (file, tag) = open(args, Access::ReadWrite);
    let mut random = Random::new(u64::from(tag));
    say("ready");
    let mut number = 0;
    loop {
        let guard = (random.below(8) == 0).then(|| file.lock(None).unwrap());
        for _ in 0..if guard.is_some() { 3 } else { 1 } {
            let parts = [1, 1, 1, 2, 4][random.below(5) as usize];
            let Some(index) = operate(&file, tag, number, parts) else {
                hear(); // it is full: wait for the end
                return;
            };
            say(format_args!("did {number} {index}"));
            number += 1;
        }
    }
}

/// Appends all the time, survives, and says how long it had to wait.
fn loader(args: &[String]) {
    let (file, tag) = open(args, Access::ReadWrite);
    let stop = AtomicBool::new(false);
    let mut indexes = Vec::new();
    let mut times = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            hear();
            stop.store(true, Ordering::Relaxed);
        });
        say("ready");
        while !stop.load(Ordering::Relaxed) {
            let started = now();
            let Some(index) = operate(&file, tag, indexes.len() as u32, 1) else { break };
            times.push(now() - started);
            indexes.push(index);
            std::thread::sleep(Duration::from_micros(30));
        }
    });
    for (number, index) in indexes.iter().enumerate() {
        assert_eq!(file.read(*index).unwrap(), payload(tag, number as u32, 0, 1));
    }
    times.sort_unstable();
    let late = times.iter().filter(|time| **time > 100_000_000).count();
    let worst = times.last().copied().unwrap_or(0);
    say(format_args!("{} {} {late} {worst}", indexes.len(), file.recovered()));
}

/// Reads everything as it comes: nothing that is not whole may ever come.
fn follower(args: &[String]) {
    let (file, _) = open(args, Access::Read);
    say("ready");
    let mut index = 0;
    loop {
        match file.wait_for(index, Timeout::Val(Duration::from_secs(30)), Duration::ZERO) {
            Ok(()) => drop(origin(&file.read(index).unwrap())),
            Err(Error::Sealed) => break,
            Err(error) => panic!("{index}: {error}"),
        }
        index += 1;
    }
    say(index);
}

#[derive(Default)]
struct Count {
    kills: u64,
    recoveries: u64,
    acknowledged: u64,
    lost: u64,
    duplicated: u64,
    late: u64,
    waits: u64,
    worst: u64,
}

/// Kills a victim after a moment, and returns the operations that it reported, with their indices.
fn kill(mut actor: Actor, random: &mut Random) -> Vec<(u32, u64)> {
    std::thread::sleep(Duration::from_micros(random.below(7000)));
    actor.child.kill().unwrap();
    let mut did = Vec::new();
    while let Some(line) = actor.line() {
        assert!(!line.starts_with("panicked"), "{line}");
        // The last line may be cut short.
        let mut parts = line.strip_prefix("did ").into_iter().flat_map(|rest| rest.split(' '));
        if let (Some(Ok(number)), Some(Ok(index))) =
            (parts.next().map(str::parse), parts.next().map(str::parse))
        {
            did.push((number, index));
        }
    }
    actor.wait_killed("a victim");
    did
}

/// Every acknowledged operation is at its place, every other is there whole or not at all, and at
/// most one of each victim was not acknowledged.
fn check(bytes: &[u8], said: &HashMap<u32, Vec<(u32, u64)>>, count: &mut Count) {
    let segments = clean_frames(bytes).segments;
    let origins: Vec<Origin> = segments.iter().map(|segment| origin(segment)).collect();
    let mut found: HashMap<u32, Vec<u64>> = HashMap::new();
    let mut index = 0;
    while let Some(first) = origins.get(index) {
        for part in 0..first.parts {
            let at = index + usize::from(part);
            assert_eq!(origins.get(at), Some(&Origin { part, ..*first }), "not whole at {at}");
        }
        let operations = found.entry(first.tag).or_default();
        match (first.number as usize).cmp(&operations.len()) {
            std::cmp::Ordering::Less => count.duplicated += 1,
            std::cmp::Ordering::Greater => count.lost += 1,
            std::cmp::Ordering::Equal => operations.push(index as u64),
        }
        index += usize::from(first.parts);
    }
    for (tag, did) in said {
        let found = found.get(tag).map_or(&[][..], Vec::as_slice);
        count.acknowledged += did.len() as u64;
        for (number, index) in did {
            count.lost += u64::from(found.get(*number as usize) != Some(index));
        }
        // An acknowledgement can be cut off on its way, and one operation can be in flight.
        assert!(found.len() <= did.len() + 2, "{tag}: {} of {}", did.len(), found.len());
    }
}

fn round(test: &str, place: &Place, kills: usize, random: &mut Random, count: &mut Count) {
    let options = place.create_options("it", Lifetime::Creator);
    let file = MmFile::create_new(CAPACITY, &options).unwrap();
    let start = |role: &str, tag: u32| {
        let mut actor = place.start(test, role, &["it", &tag.to_string()], "none");
        assert_eq!(actor.expect(), "ready");
        actor
    };
    let mut loaders = [start("loader", 1_000_001), start("loader", 1_000_002)];
    let mut follower = start("follower", 0);
    let mut said = HashMap::new();
    let mut alive: Vec<(u32, Actor)> = Vec::new();
    for tag in 1..=kills as u32 {
        alive.push((tag, start("victim", tag)));
        if alive.len() == VICTIMS_AT_ONCE {
            let (tag, actor) = alive.remove(random.below(VICTIMS_AT_ONCE as u64) as usize);
            said.insert(tag, kill(actor, random));
        }
    }
    for (tag, actor) in alive {
        said.insert(tag, kill(actor, random));
    }
    count.kills += said.len() as u64;
    for loader in &mut loaders {
        loader.tell("stop");
        let numbers: Vec<u64> =
            loader.expect().split(' ').map(|number| number.parse().unwrap()).collect();
        count.waits += numbers[0];
        count.recoveries += numbers[1];
        count.late += numbers[2];
        count.worst = count.worst.max(numbers[3]);
    }
    file.seal().unwrap();
    let length = file.len().unwrap();
    count.recoveries += file.recovered();
    assert_eq!(follower.expect(), length.to_string());
    follower.finish();
    loaders.into_iter().for_each(Actor::finish);
    check(&place.raw("it", CAPACITY).0.bytes(), &said, count);
    drop(file);
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn killed_at_random_under_load() {
    support::play(ROLES);
    let test = "random::killed_at_random_under_load";
    let _watchdog = Watchdog::new(test, Duration::from_secs(180) * rounds());
    let mut count = Count::default();
    let seed = std::env::var("MMFILE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut random = Random::new(seed.unwrap_or_else(now));
    for number in 0..ROUNDS * rounds() {
        let place = Place::new(STAGINGS[number as usize % STAGINGS.len()], "random");
        round(test, &place, KILLS_A_ROUND, &mut random, &mut count);
    }
    let Count { kills, recoveries, acknowledged, lost, duplicated, late, waits, worst } = count;
    figures(format!(
        "at random: {kills} kills, {recoveries} recoveries, {acknowledged} acknowledged, {lost} \
         lost, {duplicated} duplicated; of {waits} waits of survivors the worst {:?}, {late} over \
         100 ms",
        Duration::from_nanos(worst)
    ));
    assert!(kills >= 200 && acknowledged > kills && (lost, duplicated) == (0, 0));
    // A process that the machine does not get round to is late through no fault of the lock's.
    assert!(late * 100 <= waits && u128::from(worst) < PROMPT.as_nanos());
}
