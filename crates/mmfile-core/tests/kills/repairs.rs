//! Kills of processes that repair what a dead one left, and of those that find what none repaired.

use super::figures::Figures;
use super::group::{Group, survivor};
use super::support::raw::frames;
use super::support::{self, Watchdog};
use super::victim::{Role, payload, victim};
use std::time::Duration;

const ROLES: &[support::Role] = &[("survivor", survivor), ("victim", victim)];

/// The bytes behind the end when the repair begins, besides the dead writer's.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Behind {
    Nothing,
    /// A whole segment of a foreign writer.
    Foreign,
    /// A word that no writer writes, and more.
    Damage,
}
use Behind::{Damage, Foreign, Nothing};

/// Where the first process dies, whether its segment is there, what else is there, and at which points the
/// repairing process dies too.
const REPAIRING: &[(&str, bool, Behind, &[&str])] = &[
    (
        "append.payload",
        false,
        Nothing,
        &[
            "change.locked",
            "repair.zeroed",
            "intent.begun",
            "intent.counted",
            "commit.tail",
            "commit.count",
            "repair.writer",
            "recovered",
        ],
    ),
    ("append.intent", false, Nothing, &["repair.zeroed", "commit.tail", "recovered"]),
    ("intent.begun", false, Nothing, &["repair.writer", "recovered"]),
    ("intent.counted", false, Nothing, &["repair.writer", "recovered"]),
    (
        "append.published",
        true,
        Nothing,
        &[
            "change.locked",
            "repair.writer",
            "intent.begun",
            "intent.counted",
            "adopt.intent",
            "commit.tail",
            "recovered",
        ],
    ),
    ("commit.tail", true, Nothing, &["commit.tail", "commit.count", "repair.writer"]),
    // A foreign program had the lock before us, appended, and died as well.
    ("append.published", true, Foreign, &["repair.writer", "adopt.intent", "commit.tail"]),
    ("commit.tail", true, Foreign, &["commit.tail", "repair.writer", "adopt.intent"]),
    ("append.payload", false, Foreign, &["repair.zeroed", "commit.tail", "repair.writer"]),
    (
        "append.committed",
        true,
        Foreign,
        &["repair.writer", "intent.begun", "intent.counted", "adopt.intent", "commit.tail"],
    ),
    (
        "append.committed",
        true,
        Damage,
        &["repair.writer", "repair.zeroed", "intent.begun", "commit.tail", "recovered"],
    ),
];

/// The points at which a repairer dies here.
pub fn points() -> impl Iterator<Item = &'static str> {
    REPAIRING.iter().flat_map(|(_, _, _, points)| points.iter().copied())
}

fn leave_behind(group: &mut Group, behind: Behind) {
    match behind {
        Nothing => {}
        Foreign => {
            group.data.append_foreign(b"of a foreign writer");
            group.expected.push(b"of a foreign writer".to_vec());
        }
        Damage => {
            let end = frames(&group.data.bytes()).end;
            group.data.set_word(end, 0x8000_0005);
            group.data.put(end + 4, &[0xee; 999]);
        }
    }
}

#[test]
fn killed_while_repairing() {
    support::play(ROLES);
    let test = "repairs::killed_while_repairing";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("repairing");
    for survivors in [1, 3] {
        for (first, whole, behind, repairs) in REPAIRING {
            // As the first append of all, and as one among others; the first victim may have made the file.
            for (role, how, number) in [
                (Role::Opener, "append", 1),
                (Role::Opener, "append", 2),
                (Role::Opener, "append_all", 1),
                (Role::Opener, "append_all", 2),
                (Role::Creator, "append", 1),
                (Role::FirstOfAll, "append_all", 2),
            ] {
                let fault = format!("{first}:{number}");
                let mut group = Group::with(test, survivors, 1 << 14, role, how, &fault);
                // After its creator's death it is used by openers only, as before.
                let deaths = if role == Role::Opener { repairs.len() } else { 1 };
                for repair in &repairs[..deaths] {
                    group.kill(how, &fault, *whole);
                    leave_behind(&mut group, *behind);
                    figures.kills += 1;
                    group.kill("append", repair, false);
                    let what = format!("{role:?}, {how} at {fault}, repair at {repair}");
                    group.check(&what, true, &mut figures);
                }
                group.end();
            }
        }
    }
    figures.report();
}

/// The one that made the file dies while it repairs what another one left.
#[test]
fn the_maker_killed_while_repairing() {
    support::play(ROLES);
    let test = "repairs::the_maker_killed_while_repairing";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("repairing, by the maker");
    for survivors in [1, 3] {
        for (first, whole, behind, repairs) in REPAIRING {
            for (repair, role) in repairs.iter().zip(Role::MAKERS.iter().cycle()) {
                let mut group = Group::with(test, survivors, 1 << 14, *role, "append", repair);
                group.kill_opener("append", &format!("{first}:2"), *whole);
                leave_behind(&mut group, *behind);
                figures.kills += 1;
                group.kill("append", repair, false);
                let what = format!("{first}, repair at {repair} by {role:?}");
                group.check(&what, true, &mut figures);
                group.end();
            }
        }
    }
    figures.report();
}

/// One dies after the other, each while it repairs what all before have left.
#[test]
fn killed_while_repairing_one_after_the_other() {
    support::play(ROLES);
    let test = "repairs::killed_while_repairing_one_after_the_other";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("repairing in a row");
    for ((first, whole, behind, repairs), role) in REPAIRING.iter().zip(Role::ALL.iter().cycle()) {
        let fault = format!("{first}:2");
        let mut group = Group::with(test, 3, 1 << 14, *role, "append_all", &fault);
        group.kill("append_all", &fault, *whole);
        leave_behind(&mut group, *behind);
        for repair in repairs.iter().filter(|point| point.starts_with("repair")) {
            group.kill("append", repair, false);
            figures.kills += 1;
        }
        group.check(&format!("after {first}"), true, &mut figures);
        group.end();
    }
    figures.report();
}

/// A foreign program that got the lock of a dead holder may mark it usable without a repair, and a
/// program without synchronization never reads the lock: the record of the dead one tells.
#[test]
fn the_next_append_repairs_what_no_process_has_repaired() {
    support::play(ROLES);
    let test = "repairs::the_next_append_repairs_what_no_process_has_repaired";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("found unrepaired");
    for how in ["append", "append_all"] {
        for (point, whole, behind) in [
            ("append.intent", false, Nothing),
            ("append.payload", false, Nothing),
            ("append.published", true, Nothing),
            ("append.published", true, Foreign),
            ("commit.tail", true, Nothing),
            ("commit.tail", true, Foreign),
        ] {
            for (role, number) in Role::ALL.into_iter().flat_map(|role| [(role, 1), (role, 3)]) {
                let fault = format!("{point}:{number}");
                let mut group = Group::with(test, 1, 1 << 14, role, how, &fault);
                group.kill(how, &fault, whole);
                leave_behind(&mut group, behind);
                group.forget_death();
                group.check(&format!("{role:?}, {how} at {fault}"), false, &mut figures);
                group.end();
            }
        }
    }
    figures.report();
}

/// A foreign program has the lock next and writes its segment over what the dead one left, without a zero
/// behind it: nothing of the dead one's bytes may pass for segments, for a process that reads the length first
/// and for one that appends.
#[test]
fn a_foreign_segment_over_the_remains_is_one_segment() {
    support::play(ROLES);
    let test = "repairs::a_foreign_segment_over_the_remains_is_one_segment";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("written over by a foreign writer");
    for told in [true, false] {
        for asks in [true, false] {
            let role = if asks { Role::Opener } else { Role::Creator };
            let mut group = Group::with(test, 1, 1 << 16, role, "append", "append.payload:2");
            for length in [1, 2, 4, 5, 17, 30] {
                group.kill("append", "append.payload:2", false);
                figures.kills += 1;
                if !told {
                    group.forget_death();
                }
                let foreign = vec![b'f'; length];
                group.data.append_foreign(&foreign);
                group.expected.push(foreign);
                let what = format!("{length} bytes, told: {told}, asks first: {asks}");
                let file = group.place.open(&group.id).unwrap();
                if asks {
                    assert_eq!(file.len().unwrap(), group.expected.len() as u64, "{what}");
                }
                file.append(b"next".as_slice()).unwrap_or_else(|error| panic!("{what}: {error:?}"));
                group.expected.push(b"next".to_vec());
                drop(file);
                group.check_contents(&what, &mut figures);
            }
            group.end();
        }
    }
    figures.report();
}

/// The next one to come is a reader with a handle that may write: it repairs as well.
#[test]
fn one_that_only_reads_repairs_if_it_may() {
    support::play(ROLES);
    let test = "repairs::one_that_only_reads_repairs_if_it_may";
    let mut figures = Figures::new("repaired by readers");
    for (point, number, role) in [
        ("append.published", 1, Role::Opener),
        ("append.published", 3, Role::Creator),
        ("commit.tail", 2, Role::FirstOfAll),
    ] {
        let fault = format!("{point}:{number}");
        let mut group = Group::with(test, 1, 1 << 14, role, "append", &fault);
        group.kill("append", &fault, true);
        let last = payload(1, number - 1, 0);
        assert_eq!(group.expected.last(), Some(&last));
        group.check_contents(point, &mut figures);
        group.check(point, true, &mut figures);
        group.end();
    }
    figures.report();
}
