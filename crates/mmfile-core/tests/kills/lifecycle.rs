//! Kills of a process that makes a file or opens it, and what those have in common that come to its end.

use super::closing::LEAVING;
use super::figures::Figures;
use super::group::{Group, survivor};
use super::points;
use super::support::{self, Actor, Watchdog, hear, left_behind, now, own_prefixes, say};
use super::victim::{Role, victim};
use mmfile_core::*;
use std::time::{Duration, Instant};

const ROLES: &[support::Role] = &[("survivor", survivor), ("victim", victim), ("creator", creator)];

/// What one that makes a file passes: the registry, its control object, its data, and the end of it.
pub const CREATING: &[&str] = &[
    "registry.opened",
    "registry.held",
    "create.swept",
    TRUNCATING[0],
    "named.sized",
    "fill.part",
    "named.filled",
    "create.control",
    "create.shared",
    "create.prefix",
    TRUNCATING[1],
    "named.sized:2",
    "fill.part:2",
    "named.filled:2",
    "create.data",
    "create.device",
    "create.identity",
    "create.described",
    "create.ready",
    "registry.leaving",
    "registry.unlinked",
];
/// Between the making of an object and its size, where `shared_memory` is at work: see `truncating.rs`.
const TRUNCATING: [&str; 2] = ["ftruncate", "ftruncate:2"];
pub const OPENING: &[&str] = &["open.shared", "open.mapped"];
/// How long it may take on a busy machine; Wine looks through all names for one.
const SOON: Duration = Duration::from_secs(if cfg!(windows) { 5 } else { 1 });

/// How many named objects a file has.
const OBJECTS: usize = if cfg!(windows) { 5 } else { 2 };

pub fn create_options(prefixes: &Prefixes, id: &str, lifetime: Lifetime) -> CreateOptions {
    CreateOptions {
        id: Some(FileId::parse(id).unwrap()),
        lifetime,
        prefixes: prefixes.clone(),
        ..Default::default()
    }
}

pub fn prefixes_of(args: &[String]) -> Prefixes {
    Prefixes::new(&args[0], &args[1]).unwrap()
}

/// Makes a file and dies on the way, or when it is killed.
pub fn creator(args: &[String]) {
    let options = create_options(&prefixes_of(args), &args[2], Lifetime::Creator);
    // Of more than one part, of which the first is filled.
    let file = MmFile::create_new(100_000, &options).unwrap();
    say("made");
    hear();
    std::mem::forget(file);
}

pub fn start(test: &str, role: &str, prefixes: &Prefixes, id: &str, fault: &str) -> Actor {
    let args = [prefixes.data(), prefixes.mutex(), id];
    let mut command = support::command(test, role, &args);
    command.env("MMFILE_FAULT", fault);
    Actor::spawn(command)
}

/// The part that the names of both objects of every file of a test have in common.
pub fn common(prefixes: &Prefixes) -> &str {
    prefixes.data().trim_end_matches("data-")
}

pub fn open(prefixes: &Prefixes, id: &str) -> Result<MmFile> {
    MmFile::open_existing(id, &OpenOptions { prefixes: prefixes.clone(), ..Default::default() })
}

/// Starts those who have the file open while another one dies.
pub fn survivors(
    test: &str,
    number: usize,
    prefixes: &Prefixes,
    id: &str,
    how: &str,
) -> Vec<Actor> {
    let args = [prefixes.data(), prefixes.mutex(), id, "4096", how];
    (0..number).map(|_| Actor::start(test, "survivor", &args)).collect()
}

/// Those who are left append, read and wait; one of them sees to it that something comes. `length` is how
/// many segments there are, and is so again.
pub fn go_on(others: &mut [Actor], length: &mut usize, what: &str, into: &mut Figures) {
    let died = now();
    for (number, other) in others.iter_mut().enumerate() {
        other.tell(format_args!("append {number}"));
        let answer = other.expect();
        let parts: Vec<&str> = answer.split(' ').collect();
        assert_eq!(parts[0], length.to_string(), "{what}");
        if number == 0 {
            let [start, end] = [1, 2].map(|at| parts[at].parse::<u64>().unwrap());
            into.times.push(end - start.max(died));
        }
        *length += 1;
    }
    let states: Vec<String> = others.iter_mut().map(state).collect();
    assert!(states[0].starts_with(&format!("{length} ")), "{what}: {}", states[0]);
    assert!(states.iter().all(|state| *state == states[0]), "{what}: {states:?}");
    let last = others.len() - 1;
    for (number, other) in others.iter_mut().enumerate() {
        let order = if number == last { "rouse" } else { "wait" };
        other.tell(format_args!("{order} {length}"));
    }
    for other in others.iter_mut() {
        let answer = other.expect();
        assert!(answer.parse::<u64>().is_ok(), "{what}: {answer}");
    }
    *length += 1;
}

fn state(actor: &mut Actor) -> String {
    actor.tell("state");
    actor.expect()
}

/// One that comes later opens the file, finds all of it, and appends.
pub fn newcomer_opens(prefixes: &Prefixes, id: &str, length: &mut usize, what: &str) {
    let newcomer = open(prefixes, id).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(newcomer.len().unwrap(), *length as u64, "{what}");
    assert_eq!(newcomer.append("a newcomer's").unwrap(), *length as u64, "{what}");
    *length += 1;
}

/// The next file that anybody makes takes what the dead have left with it.
pub fn next_create_cleans_up(prefixes: &Prefixes, what: &str) {
    let started = Instant::now();
    let options = create_options(prefixes, "the-next", Lifetime::Creator);
    let next = MmFile::create_new(100, &options).unwrap();
    let left = left_behind(common(prefixes));
    assert_eq!(left.len(), OBJECTS, "{what}: not only the next one's");
    drop(next);
    assert_eq!(left_behind(common(prefixes)), [""; 0], "{what}");
    assert!(started.elapsed() < SOON, "{what}");
}

#[test]
fn killed_while_creating() {
    support::play(ROLES);
    let test = "lifecycle::killed_while_creating";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("creating");
    for point in points::of(CREATING) {
        for number in [0, 1, 3] {
            let prefixes = own_prefixes("creating");
            // They wait with their look until it has died.
            let mut others = survivors(test, number, &prefixes, "it", "later");
            for other in &mut others {
                assert_eq!(other.expect(), "ready");
            }
            let mut actor = start(test, "creator", &prefixes, "it", point);
            assert_eq!(actor.line(), None);
            actor.wait_killed(point);
            figures.kills += 1;
            if number == 0 {
                next_create_cleans_up(&prefixes, point);
                continue;
            }
            for other in &mut others {
                other.tell("go");
            }
            let answers: Vec<String> = others.iter_mut().map(Actor::expect).collect();
            let created = answers.iter().filter(|answer| *answer == "created").count();
            assert_eq!(created, 1, "{point}: {answers:?}");
            let mut length = 0;
            go_on(&mut others, &mut length, point, &mut figures);
            newcomer_opens(&prefixes, "it", &mut length, point);
            go_on(&mut others, &mut length, point, &mut figures);
            others.into_iter().for_each(Actor::finish);
            assert_eq!(left_behind(common(&prefixes)), [""; 0], "{point}");
        }
    }
    figures.report();
}

/// Those who look while it dies find it gone, in a time that has a bound.
#[test]
fn what_a_dead_creator_left_is_not_found() {
    support::play(ROLES);
    let test = "lifecycle::what_a_dead_creator_left_is_not_found";
    for point in points::of(CREATING) {
        let prefixes = own_prefixes("dead-creator");
        let mut actor = start(test, "creator", &prefixes, "it", point);
        actor.wait_killed(point);
        let started = Instant::now();
        let error = open(&prefixes, "it").unwrap_err();
        assert_eq!(error.code(), "ERR_MMFILE_NOT_FOUND", "{point}");
        assert!(started.elapsed() < SOON, "{point}");
        assert_eq!(left_behind(common(&prefixes)), [""; 0], "{point}");
    }
}

#[test]
fn killed_while_opening_and_leaving() {
    support::play(ROLES);
    let test = "lifecycle::killed_while_opening_and_leaving";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("opening");
    for survivors in [1, 3] {
        for point in OPENING.iter().chain(&LEAVING[..1]) {
            let mut group = Group::new(test, survivors, 1 << 13);
            for _ in 0..3 {
                group.kill("open", point, false);
                group.check(point, false, &mut figures);
            }
            group.end();
        }
        // The one that made it leaves it to the others.
        let mut group = Group::with(test, survivors, 1 << 13, Role::FirstOfAll, "open", LEAVING[0]);
        group.kill("open", LEAVING[0], false);
        group.check("the maker", false, &mut figures);
        group.end();
    }
    figures.report();
}
