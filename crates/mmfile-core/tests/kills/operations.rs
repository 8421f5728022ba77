//! Kills of a process that appends, seals, adopts a foreign segment, or gives up the lock.

use super::figures::Figures;
use super::group::{Group, survivor};
use super::place::Staging;
use super::points;
use super::support::{self, PROMPT, Watchdog, rounds};
use super::victim::{Role, victim};
use std::time::Duration;

const ROLES: &[support::Role] = &[("survivor", survivor), ("victim", victim)];

/// A point that every append passes, whether the lock is held there, and whether what is being
/// appended is part of the file from there on.
pub const APPENDING: &[(&str, bool, bool)] = &[
    ("lock.announced", false, false),
    // The kernel knows of it there, and where it does not tell of a death itself nothing else does.
    ("lock.granted", cfg!(windows), false),
    ("lock.taken", true, false),
    ("change.locked", true, false),
    ("append.checked", true, false),
    ("intent.begun", true, false),
    ("intent.counted", true, false),
    ("append.intent", true, false),
    ("append.frame", true, false),
    ("append.payload", true, false),
    ("append.end", true, false),
    ("append.published", true, true),
    ("commit.tail", true, true),
    ("commit.count", true, true),
    ("append.committed", true, true),
    ("release.before", true, true),
    ("release.marked", cfg!(windows), true),
    ("release.freed", false, true),
    ("change.unlocked", false, true),
];

/// The point that only an append passes that keeps fewer bytes than it had room for.
pub const SHORTENED: (&str, bool, bool) = ("append.shortened", true, false);

/// A point that sealing passes, whether the lock is held there, and whether the file is sealed from
/// there on.
pub const SEALING: &[(&str, bool, bool)] = &[
    ("lock.announced", false, false),
    ("lock.granted", cfg!(windows), false),
    ("lock.taken", true, false),
    ("change.locked", true, false),
    ("intent.begun", true, false),
    ("intent.counted", true, false),
    ("seal.intent", true, false),
    ("seal.word", true, true),
    ("seal.done", true, true),
    ("release.before", true, true),
    ("release.marked", cfg!(windows), true),
    ("release.freed", false, true),
    ("change.unlocked", false, true),
];

/// A point that the adoption of a foreign segment passes.
pub const ADOPTING: &[&str] = &[
    "lock.taken",
    "intent.begun",
    "intent.counted",
    "adopt.intent",
    "commit.tail",
    "release.before",
];

/// A point with waiters, whether the lock is held there, and whether the segment is there.
pub const WAITED_FOR: &[(&str, bool, bool)] = &[
    ("append.payload", true, false),
    ("append.published", true, true),
    ("release.before", true, true),
    ("release.unlocked", false, true),
];

/// The passing of a point that is in operation `number` (from 0 on) of a victim's.
fn passing(how: &str, point: &str, number: u64) -> String {
    let passing = match (how, point) {
        // Every value of a batch passes it: die in the middle of one.
        ("append_all", "append.frame") => number * 3 + 2,
        _ => number + 1,
    };
    format!("{point}:{passing}")
}

#[test]
fn killed_while_appending() {
    support::play(ROLES);
    let test = "operations::killed_while_appending";
    // Hundreds of kills, each with new processes.
    let _watchdog = Watchdog::new(test, Duration::from_secs(600));
    let mut figures = Figures::new("appending");
    for how in ["append", "append_all", "append_with"] {
        let shortened = (how == "append_with").then_some(&SHORTENED);
        for survivors in [1, 3] {
            let mut group = Group::new(test, survivors, 1 << 17);
            let points = APPENDING.iter().chain(shortened);
            for (point, held, whole) in points.filter(|(name, ..)| points::is_here(name)) {
                // As the victim's first append, and as one among others.
                for number in [0, 2] {
                    let fault = passing(how, point, number);
                    group.kill(how, &fault, *whole);
                    group.check(&format!("{how} at {fault}"), *held, &mut figures);
                }
                // The same for the file's creator, while the file is still empty.
                let stagings = Staging::ALL.iter().filter(|staging| **staging != Staging::NoLinks);
                for (staging, (role, number)) in stagings.flat_map(|staging| {
                    [(Role::Creator, 0), (Role::FirstOfAll, 2)].map(|founder| (*staging, founder))
                }) {
                    let fault = passing(how, point, number);
                    let capacity = if staging == Staging::Large { 1 << 20 } else { 1 << 14 };
                    let mut group =
                        Group::at(test, survivors, capacity, role, how, &fault, staging);
                    group.kill(how, &fault, *whole);
                    let what = format!("{role:?}, {how} at {fault}, {staging:?}");
                    group.check(&what, *held, &mut figures);
                    group.end();
                }
            }
            group.end();
        }
    }
    figures.report();
}

#[test]
fn killed_while_sealing() {
    support::play(ROLES);
    let test = "operations::killed_while_sealing";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("sealing");
    for survivors in [1, 3] {
        // With room for the word that marks a sealed file, with too little, and with none.
        for room in [1000, 3, 0] {
            for (point, held, sealed) in SEALING.iter().filter(|(name, ..)| points::is_here(name)) {
                for role in Role::ALL {
                    let capacity = if room == 1000 { 1 << 13 } else { 9 + room };
                    let fault = passing_of_seal(point, room);
                    let mut group = Group::with(test, survivors, capacity, role, "seal", &fault);
                    if room != 1000 {
                        group.data.append_foreign(b"12345");
                        group.expected.push(b"12345".to_vec());
                    }
                    group.kill("seal", &fault, *sealed);
                    // Without a word to tell it by, the file is sealed once its flag is set.
                    group.sealed = *sealed && (room == 1000 || *point != "seal.word");
                    group.full = room != 1000;
                    let what = format!("{role:?}, seal at {point} with room {room}");
                    group.check(&what, *held, &mut figures);
                    group.end();
                }
            }
        }
    }
    figures.report();
}

/// With a foreign segment to adopt, the victim passes the points of that before.
fn passing_of_seal(point: &str, room: u64) -> String {
    let adopts = room != 1000 && point.starts_with("intent.");
    format!("{point}:{}", if adopts { 2 } else { 1 })
}

#[test]
fn killed_while_adopting() {
    support::play(ROLES);
    let test = "operations::killed_while_adopting";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("adopting");
    // One that only counts takes the lock and stores nothing.
    let counting = ["lock.taken", "release.before"];
    for (how, passed) in [("len", &counting[..]), ("append", ADOPTING)] {
        for survivors in [1, 3] {
            for (point, role) in passed.iter().flat_map(|point| Role::ALL.map(|r| (point, r))) {
                let mut group = Group::with(test, survivors, 1 << 14, role, how, point);
                // (Only the first of them can be the one that made the file.)
                for segments in if role == Role::Opener { vec![1, 3] } else { vec![3] } {
                    for number in 0..segments {
                        let foreign = format!("foreign {number}").into_bytes();
                        group.data.append_foreign(&foreign);
                        group.expected.push(foreign);
                    }
                    let whole = how == "append" && *point == "release.before";
                    group.kill(how, point, whole);
                    group.check(&format!("{role:?}, {how} at {point}"), true, &mut figures);
                }
                group.end();
            }
        }
    }
    figures.report();
}

#[test]
fn killed_while_others_wait_for_the_lock() {
    support::play(ROLES);
    let test = "operations::killed_while_others_wait_for_the_lock";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("with waiters");
    for (how, survivors) in [("slow", 1), ("slow", 3), ("slow section", 1), ("slow section", 3)] {
        for (point, held, whole) in WAITED_FOR {
            if how == "slow section" && point.starts_with("append.") {
                continue; // inside a section these points come before any process waits
            }
            for role in Role::ALL {
                let mut group = Group::with(test, survivors, 1 << 14, role, how, point);
                for _ in 0..2 {
                    group.kill_with_waiters(how, point, *whole, &mut figures);
                    group.check(&format!("{role:?}, {how} at {point}"), *held, &mut figures);
                }
                group.end();
            }
        }
    }
    figures.report();
}

/// A segment whose writer died on the way to its end comes to the processes that wait for it, though none
/// else does anything.
#[test]
fn killed_while_others_wait_for_the_segment() {
    support::play(ROLES);
    let test = "operations::killed_while_others_wait_for_the_segment";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("with waits for the segment");
    for how in ["append", "append_all"] {
        let whole = APPENDING.iter().filter(|(name, _, whole)| *whole && points::is_here(name));
        for ((point, held, whole), role) in whole.flat_map(|row| Role::ALL.map(|role| (row, role)))
        {
            let mut group = Group::with(test, 3, 1 << 14, role, how, point);
            for survivor in &mut group.survivors {
                survivor.tell("wait 0");
            }
            group.kill(how, point, *whole);
            let died = support::now();
            for survivor in &mut group.survivors {
                let answer = survivor.expect();
                let woken: u64 = answer.parse().unwrap_or_else(|_| panic!("{point}: {answer}"));
                let late = Duration::from_nanos(woken.saturating_sub(died));
                assert!(late < PROMPT, "{point}: seen after {late:?}");
            }
            group.check(&format!("{role:?}, {how} at {point}"), *held, &mut figures);
            group.end();
        }
    }
    figures.report();
}

#[test]
fn two_hundred_holders_killed_in_a_row() {
    support::play(ROLES);
    let test = "operations::two_hundred_holders_killed_in_a_row";
    let _watchdog = Watchdog::new(test, Duration::from_secs(240) * rounds());
    let mut figures = Figures::new("in a row");
    let held: Vec<_> = APPENDING.iter().filter(|(_, held, _)| *held).collect();
    for _ in 0..rounds() {
        let mut group = Group::new(test, 3, 1 << 18);
        for kill in 0..210u64 {
            let how = if kill % 2 == 0 { "append" } else { "append_all" };
            let (point, held, whole) = held[kill as usize / 2 % held.len()];
            let fault = passing(how, point, kill % 3);
            group.kill(how, &fault, *whole);
            group.check(&format!("kill {kill}, {how} at {fault}"), *held, &mut figures);
        }
        group.end();
    }
    figures.report();
}
