//! Kills of participants: a row of the table goes with its process, and is another one's then.

use super::lifecycle::OPENING;
use super::place::{Place, Staging};
use super::points;
use super::support::{self, Actor, Watchdog, hear, say};
use mmfile_core::*;
use std::time::Duration;

const ROLES: &[support::Role] = &[("opener", opener)];
/// How many rows there are.
const ROWS: usize = 96;

/// Opens the file so many times, every other time for reading only, and holds its lock, until it is killed.
fn opener(args: &[String]) {
    let (place, args) = Place::of(args);
    let open = |number| {
        let access = if number % 2 == 0 { Access::ReadWrite } else { Access::Read };
        let options = OpenOptions { access, ..place.open_options() };
        MmFile::open_existing("it", &options).unwrap()
    };
    let files: Vec<_> = (0..args[0].parse::<u32>().unwrap()).map(open).collect();
    let guard = files[0].lock(None).unwrap();
    say("open");
    hear();
    std::mem::forget((guard, files));
}

fn start(test: &str, place: &Place, handles: usize, fault: &str) -> Actor {
    place.start(test, "opener", &[&handles.to_string()], fault)
}

/// The file's only rows are those of the handles of this process.
fn alone(file: &MmFile, handles: usize, what: &str) {
    let peers = file.peers();
    assert_eq!(peers.len(), handles, "{what}: {peers:?}");
    assert!(peers.iter().all(|peer| peer.pid == std::process::id() && !peer.holds_lock), "{what}");
    assert_eq!(peers.iter().filter(|peer| peer.is_self).count(), 1, "{what}");
}

#[test]
fn the_row_of_a_dead_process_is_not_seen() {
    support::play(ROLES);
    let test = "participants::the_row_of_a_dead_process_is_not_seen";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    for staging in Staging::ALL {
        let place = Place::new(*staging, "rows");
        let file = place.create("it", Lifetime::LastProcess).unwrap();
        for handles in [1, 3] {
            for point in points::of(&[OPENING]) {
                start(test, &place, handles, &format!("{point}:{handles}")).wait_killed(point);
                alone(&file, 1, point);
            }
            let mut actor = start(test, &place, handles, "none");
            assert_eq!(actor.expect(), "open");
            let pid = actor.child.id();
            let seen: Vec<_> = file.peers().into_iter().filter(|peer| peer.pid == pid).collect();
            let readers = seen.iter().filter(|peer| peer.access == Access::Read).count();
            assert_eq!((seen.len(), readers, file.peer_gone()), (handles, handles / 2, false));
            let holds = |peer: &Peer| peer.pid == pid && peer.holds_lock && !peer.is_creator;
            assert_eq!(file.peers().into_iter().filter(holds).count(), 1);
            actor.kill();
            alone(&file, 1, "killed with the lock");
            assert!(file.peer_gone());
            file.append("goes on").unwrap();
            alone(&file, 1, "after the next append");
        }
        drop(file);
        assert_eq!(place.names(), [""; 0]);
    }
}

/// As many die in a row as there are rows, and more: each leaves one that was not free before.
#[test]
fn rows_of_dead_processes_are_reused_when_the_table_is_full() {
    support::play(ROLES);
    let test = "participants::rows_of_dead_processes_are_reused_when_the_table_is_full";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let place = Place::new(Staging::Named, "full");
    let file = place.create("it", Lifetime::LastProcess).unwrap();
    for round in 0..3 {
        let mut actor = start(test, &place, ROWS - 1, "none");
        assert_eq!(actor.expect(), "open");
        assert_eq!(file.peers().len(), ROWS, "{round}: full");
        // A file still opens, but is not seen.
        let outside = place.open("it").unwrap();
        let peers = outside.peers();
        assert_eq!((peers.len(), peers.iter().any(|peer| peer.is_self)), (ROWS, false));
        actor.kill();
        alone(&file, 1, "all but one are dead");
        assert_eq!(outside.peers().len(), 1);
        drop(outside);
        // A process that dies on its way to a dead one's row leaves it to the next.
        for point in points::of(&[OPENING]) {
            start(test, &place, 2, &format!("{point}:2")).wait_killed(point);
            alone(&file, 1, point);
        }
        let others: Vec<_> = (1..ROWS).map(|_| place.open("it").unwrap()).collect();
        alone(&file, ROWS, "every row of a dead one is used again");
        drop(others);
        alone(&file, 1, "all have left");
    }
    drop(file);
    assert_eq!(place.names(), [""; 0]);
}
