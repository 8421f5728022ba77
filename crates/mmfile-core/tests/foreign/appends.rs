//! Both kinds of program append to one file and read what the other did.

use super::support::raw::{Raw, frames};
use super::support::{self, Actor, PROMPT, Watchdog, figures, hear, now, rounds, say};
use super::{Own, check_order, open, origin, origins, payload};
use mmfile_core::*;
use std::collections::HashSet;
use std::time::Duration;

const ROLES: &[support::Role] = &[("writer", writer), ("reader", reader)];
const PATIENCE: Timeout = Timeout::Val(Duration::from_secs(60));

/// Appends `count` segments, pausing between them so that others get the lock, and returns how often it found
/// a dead holder.
fn writer(args: &[String]) {
    let file = open(args);
    let (writer, count) = (args[3].parse().unwrap(), args[4].parse().unwrap());
    say("ready");
    hear();
    let mut indexes = Vec::new();
    for number in 0..count {
        indexes.push(file.append(&payload(writer, number)).unwrap());
        std::thread::sleep(Duration::from_micros(1));
    }
    for (number, index) in indexes.iter().enumerate() {
        assert_eq!(file.read(*index).unwrap(), payload(writer, number as u32));
    }
    say(file.recovered());
}

/// Reads `count` segments as they come, and returns whose they were.
fn reader(args: &[String]) {
    let file = open(args);
    say("ready");
    let mut seen = Vec::new();
    for index in 0..args[3].parse().unwrap() {
        file.wait_for(index, PATIENCE, Duration::ZERO).unwrap();
        seen.push(origin(&file.read(index).unwrap()));
    }
    say(seen.join(" "));
}

fn start(test: &str, role: &str, own: &Own, rest: &[&str]) -> Actor {
    let mut actor = Actor::start(test, role, &[&own.args()[..], rest].concat());
    assert_eq!(actor.expect(), "ready");
    actor
}

#[test]
fn a_foreign_program_follows_without_the_lock() {
    support::play(ROLES);
    let test = "appends::a_foreign_program_follows_without_the_lock";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60) * rounds());
    let count = 3000 * rounds();
    let own = Own::new("follows", u64::from(count) * 2 * 52 + 4);
    let mut python = own.python();
    python.tell("follow");
    assert_eq!(python.expect(), "following");
    let mut writers = [1, 2]
        .map(|writer: u32| start(test, "writer", &own, &[&writer.to_string(), &count.to_string()]));
    writers.iter_mut().for_each(|writer| writer.tell("go"));
    for mut writer in writers {
        assert_eq!(writer.expect(), "0");
        writer.finish();
    }
    own.file().seal().unwrap();
    let seen = origins(own.file());
    check_order(&seen, &[1, 2], count);
    assert_eq!(python.expect(), seen.join(" "));
    python.finish();
}

#[test]
fn they_append_by_turns() {
    let count = 1000 * rounds();
    let own = Own::new("turns", u64::from(count) * 2 * 52);
    let mut python = own.python();
    for number in 0..count {
        assert_eq!(own.file().append(&payload(1, number)).unwrap(), u64::from(number) * 2);
        python.tell(format_args!("append 2 {number} 1"));
        assert_eq!(python.expect(), "did 0");
        assert_eq!(own.file().read(u64::from(number) * 2 + 1).unwrap(), payload(2, number));
    }
    let seen = origins(own.file());
    check_order(&seen, &[1, 2], count);
    python.tell("read");
    assert_eq!(python.expect(), seen.join(" "));
    python.finish();
}

#[test]
fn several_of_each_append_at_once() {
    support::play(ROLES);
    let test = "appends::several_of_each_append_at_once";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120) * rounds());
    let count = 2000 * rounds();
    let (ours, theirs) = ([1u32, 2, 3], [11u32, 12, 13]);
    let total = u64::from(count) * 6;
    let own = Own::new("at-once", total * 52);
    let mut readers = [0, 1].map(|_| start(test, "reader", &own, &[&total.to_string()]));
    let mut writers =
        ours.map(|writer| start(test, "writer", &own, &[&writer.to_string(), &count.to_string()]));
    let mut pythons = theirs.map(|_| own.python());
    let started = now();
    writers.iter_mut().for_each(|actor| actor.tell("go"));
    for (python, writer) in pythons.iter_mut().zip(theirs) {
        python.tell(format_args!("append {writer} 0 {count}"));
    }
    for mut writer in writers {
        assert_eq!(writer.expect(), "0", "no process died");
        writer.finish();
    }
    for python in &mut pythons {
        assert_eq!(python.expect(), "did 0", "no process died");
    }
    let elapsed = Duration::from_nanos(now() - started);
    let seen = origins(own.file());
    check_order(&seen, &[&ours[..], &theirs].concat(), count);
    for mut reader in readers.iter_mut().map(Actor::expect).zip(pythons) {
        assert_eq!(reader.0, seen.join(" "), "a reader saw something else");
        reader.1.tell("read");
        assert_eq!(reader.1.expect(), seen.join(" "), "a foreign reader saw something else");
        reader.1.finish();
    }
    readers.into_iter().for_each(Actor::finish);
    let foreign = |origin: &String| origin.find(':') == Some(2);
    let turns = seen.windows(2).filter(|pair| foreign(&pair[0]) != foreign(&pair[1])).count();
    assert_eq!(own.file().len().unwrap(), total);
    let lost = total - seen.iter().collect::<HashSet<_>>().len() as u64;
    figures(format!("{total} segments by 3 + 3 programs, {turns} turns, {lost} lost, {elapsed:?}"));
    assert_eq!(lost, 0);
    assert!(turns > 1000, "they did not append at the same time");
}

/// Cases that the tests above never write: an empty segment, a seal, the last byte.
#[test]
fn every_kind_of_frame_is_understood() {
    for spare in [0, 1, 3, 4, 50] {
        let own = Own::new("frames", 4 + 4 + 7 + 12 + spare);
        let file = own.file();
        file.append(b"").unwrap();
        file.append(b"seven..").unwrap();
        let mut python = own.python();
        python.tell("append 0 0 1"); // eight bytes and a size word
        assert_eq!(python.expect(), "did 0");
        assert_eq!(file.read(2).unwrap(), payload(0, 0));
        assert_eq!(file.size().unwrap(), 27);
        python.tell("append 0 1 1");
        assert_eq!(python.expect(), if spare < 50 { "full 0" } else { "did 0" });
        file.seal().unwrap();
        python.tell("shape");
        let state = if spare < 4 { "open" } else { "sealed" };
        let sizes = if spare < 50 { "0 7 8" } else { "0 7 8 21" };
        assert_eq!(python.expect(), format!("{state} {sizes}"));
        python.finish();
    }
}

/// The article's programs wake no process: the wait takes a moment, but ends.
#[test]
fn waits_end_when_a_foreign_program_appends() {
    let own = Own::new("waiting", 1 << 12);
    let mut python = own.python();
    for number in 0..5u32 {
        let index = u64::from(number);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| own.file().wait_for(index, PATIENCE, Duration::ZERO));
            std::thread::sleep(Duration::from_millis(20));
            let started = now();
            python.tell(format_args!("append 5 {number} 1"));
            waits.join().unwrap().unwrap();
            let waited = Duration::from_nanos(now() - started);
            assert!(waited < PROMPT, "{waited:?}");
        });
        assert_eq!(python.expect(), "did 0");
    }
    python.finish();
    let raw = Raw::data(&own.prefixes, own.file().id());
    assert_eq!(frames(&raw.bytes()).segments.len(), 5);
}
