//! Kills of a process that takes or gives up the lock: over several operations, behind others, and with
//! another lock in its hands.

use super::figures::Figures;
use super::group::{Group, survivor};
use super::place::Staging;
use super::points;
use super::support::{self, Watchdog};
use super::victim::{Role, payload, victim};
use mmfile_core::*;
use std::time::Duration;

const ROLES: &[support::Role] = &[("survivor", survivor), ("victim", victim)];

/// A point that one passes which holds the lock over an append, whether it has the lock there, and whether
/// that append is done. A mutex passes them as well.
pub const HOLDING: &[(&str, bool, bool)] = &[
    ("lock.announced", false, false),
    ("lock.granted", cfg!(windows), false),
    ("lock.taken", true, false),
    ("enlist.linked", true, false),
    ("enlist.listed", true, false),
    ("section.locked", true, false),
    ("section.owned", true, false),
    ("section.disowned", true, true),
    ("section.ended", true, true),
    ("delist.begun", true, true),
    ("delist.unlinked", true, true),
    ("release.before", true, true),
    ("release.marked", cfg!(windows), true),
    ("release.freed", false, true),
];

/// A point that one passes which comes for a lock that another one has; whether it has to wait to come there,
/// and whether it has the lock then.
pub const QUEUEING: &[(&str, bool, bool)] = &[
    ("lock.announced", false, false),
    ("lock.waiting", true, false),
    ("lock.woken", true, false),
    ("lock.granted", false, cfg!(windows)),
    ("lock.taken", false, true),
];

/// Whether one has a file's lock somewhere, and whether its segment is there.
type Which = (bool, bool);

/// The passing of a point in an append to one file in the middle of an append to another, and how it is there
/// with the outer file and with the inner one.
const NESTED: &[(&str, Which, Which)] = &[
    ("enlist.linked", (true, false), (false, false)),
    ("enlist.listed", (true, false), (false, false)),
    ("lock.announced:2", (true, false), (false, false)),
    ("lock.taken:2", (true, false), (true, false)),
    ("append.payload", (true, false), (true, false)),
    ("release.before", (true, false), (true, true)),
    ("release.freed", (true, false), (false, true)),
    ("delist.begun", (true, true), (false, true)),
    ("delist.unlinked", (true, true), (false, true)),
    ("release.before:2", (true, true), (false, true)),
    ("release.freed:2", (false, true), (false, true)),
];

#[test]
fn killed_while_holding_the_lock() {
    support::play(ROLES);
    let test = "locking::killed_while_holding_the_lock";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("holding the lock");
    let stagings = Staging::ALL.iter().filter(|s| matches!(s, Staging::Named | Staging::Folder));
    for (staging, survivors) in stagings.flat_map(|staging| [(*staging, 1), (*staging, 3)]) {
        for (point, held, whole) in HOLDING.iter().filter(|(name, ..)| points::is_here(name)) {
            for role in Role::ALL {
                let how = "section";
                let mut group = Group::at(test, survivors, 1 << 13, role, how, point, staging);
                group.kill(how, point, *whole);
                group.check(&format!("{role:?} at {point}, {staging:?}"), *held, &mut figures);
                group.end();
            }
        }
    }
    figures.report();
}

#[test]
fn killed_in_the_queue() {
    support::play(ROLES);
    let test = "locking::killed_in_the_queue";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("in the queue");
    for survivors in [1, 3] {
        for (point, waits, held) in QUEUEING.iter().filter(|(name, ..)| points::is_here(name)) {
            for role in Role::ALL {
                let mut group = Group::with(test, survivors, 1 << 13, role, "queue", point);
                for _ in 0..3 {
                    group.kill_in_queue(point, *waits, &mut figures);
                    group.check(&format!("{role:?} at {point}"), *held, &mut figures);
                }
                group.end();
            }
        }
    }
    figures.report();
}

/// The kernel learns of the first lock in another way once the second is taken.
#[test]
fn killed_with_two_locks() {
    support::play(ROLES);
    let test = "locking::killed_with_two_locks";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("with two locks");
    for (point, outer, inner) in NESTED.iter().filter(|(name, ..)| points::is_here(name)) {
        for (survivors, role) in [1, 3].into_iter().flat_map(|n| Role::ALL.map(|role| (n, role))) {
            let mut group = Group::with(test, survivors, 1 << 13, role, "nested", point);
            let other = group.place.create("other", Lifetime::Creator).unwrap();
            group.kill("nested", point, outer.1);
            let what = format!("{role:?} at {point}");
            group.check(&what, outer.0, &mut figures);
            let index = other.append("goes on").unwrap();
            assert_eq!(index, u64::from(inner.1), "{what}: the inner segment");
            assert_eq!(other.recovered(), u64::from(inner.0), "{what}: the inner lock");
            figures.recoveries += other.recovered();
            if inner.1 {
                assert_eq!(other.read(0).unwrap(), payload(1, 0, 0), "{what}");
            }
            let again = group.place.open("other").unwrap();
            assert_eq!(again.read_text(index).unwrap(), "goes on");
            drop((other, again));
            group.end();
        }
    }
    figures.report();
}
