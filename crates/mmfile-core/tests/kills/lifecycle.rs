//! Kills of a process that makes a file, opens it, closes it, or sweeps what others left.

use super::group::{Figures, Group, survivor};
use super::support::{self, Actor, Watchdog, hear, left_behind, own_prefixes, say};
use super::victim::victim;
use mmfile_core::*;
use std::time::{Duration, Instant};

const ROLES: &[support::Role] = &[
    ("survivor", survivor),
    ("victim", victim),
    ("creator", creator),
    ("closer", closer),
    ("last", last),
];

/// What one that makes a file passes.
pub const CREATING: &[&str] = &[
    "create.swept",
    "create.control",
    "create.shared",
    "create.prefix",
    "create.data",
    "create.identity",
    "create.described",
    "create.ready",
];
pub const OPENING: &[&str] = &["open.shared", "open.mapped"];
/// What a creator that closes its file passes. Nothing can open it from there on. Where names cannot be
/// taken away, the control block alone says that a file has ended.
pub const CLOSING: &[&str] = if cfg!(windows) {
    &["close.ended"]
} else {
    &["close.ended", "close.registry", "remove.begin", "remove.data", "remove.control"]
};
/// What the last one who has a file open passes while he closes it. On Windows nothing is left to him.
pub const LEAVING: &[&str] = if cfg!(windows) {
    &["close.withdrawn", "close.registry"]
} else {
    &["close.withdrawn", "close.registry", "remove.begin", "remove.data", "remove.control"]
};
/// What one that makes a file passes while it sweeps another away.
pub const SWEEPING: &[&str] = &["remove.begin", "remove.data", "remove.control", "create.swept"];

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

fn prefixes_of(args: &[String]) -> Prefixes {
    Prefixes::new(&args[0], &args[1]).unwrap()
}

/// Makes a file and dies on the way, or when it is killed.
pub fn creator(args: &[String]) {
    let options = create_options(&prefixes_of(args), &args[2], Lifetime::Creator);
    let file = MmFile::create_new(4096, &options).unwrap();
    say("made");
    hear();
    std::mem::forget(file);
}

/// Makes a file, and dies while it closes it.
pub fn closer(args: &[String]) {
    let options = create_options(&prefixes_of(args), &args[2], Lifetime::Creator);
    let file = MmFile::create_new(4096, &options).unwrap();
    file.append("from the creator").unwrap();
    say("made");
    hear();
    drop(file);
}

/// Has a file open as the last one, and dies while it closes it.
fn last(args: &[String]) {
    let options = create_options(&prefixes_of(args), &args[2], Lifetime::LastProcess);
    let file = MmFile::create_or_open(&args[2], 4096, &options).unwrap();
    say("made");
    drop(file);
}

pub fn start(test: &str, role: &str, prefixes: &Prefixes, id: &str, fault: &str) -> Actor {
    let args = [prefixes.data(), prefixes.mutex(), id];
    let mut command = support::command(test, role, &args);
    command.env("MMFILE_FAULT", fault);
    Actor::spawn(command)
}

/// The part that the names of both objects of every file of a test have in common.
fn common(prefixes: &Prefixes) -> &str {
    prefixes.data().trim_end_matches("data-")
}

pub fn open(prefixes: &Prefixes, id: &str) -> Result<MmFile> {
    MmFile::open_existing(id, &OpenOptions { prefixes: prefixes.clone(), ..Default::default() })
}

/// The next file that anybody makes takes what the dead have left with it.
fn next_create_cleans_up(prefixes: &Prefixes, what: &str) {
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
    for point in CREATING {
        for survivors in [0, 1, 3] {
            let prefixes = own_prefixes("creating");
            // They wait with their look until it has died.
            let args = [prefixes.data(), prefixes.mutex(), "it", "4096", "later"];
            let mut others: Vec<Actor> =
                (0..survivors).map(|_| Actor::start(test, "survivor", &args)).collect();
            for other in &mut others {
                assert_eq!(other.expect(), "ready");
            }
            let mut actor = start(test, "creator", &prefixes, "it", point);
            assert_eq!(actor.line(), None);
            actor.wait_killed(point);
            figures.kills += 1;
            if survivors == 0 {
                next_create_cleans_up(&prefixes, point);
                continue;
            }
            for other in &mut others {
                other.tell("go");
            }
            let answers: Vec<String> = others.iter_mut().map(Actor::expect).collect();
            let created = answers.iter().filter(|answer| *answer == "created").count();
            assert_eq!(created, 1, "{point}: {answers:?}");
            for (number, other) in others.iter_mut().enumerate() {
                other.tell(format_args!("append {number}"));
                assert!(other.expect().starts_with(&number.to_string()), "{point}");
            }
            let newcomer = open(&prefixes, "it").unwrap();
            assert_eq!(newcomer.len().unwrap(), survivors as u64);
            drop(newcomer);
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
    for point in CREATING {
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
    }
    figures.report();
}

#[test]
fn killed_while_closing() {
    support::play(ROLES);
    let test = "lifecycle::killed_while_closing";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("closing");
    for survivors in [0, 1, 3] {
        for point in CLOSING {
            let prefixes = own_prefixes("closing");
            let mut actor = start(test, "closer", &prefixes, "it", point);
            assert_eq!(actor.expect(), "made");
            let args = [prefixes.data(), prefixes.mutex(), "it", "1"];
            let mut others: Vec<Actor> =
                (0..survivors).map(|_| Actor::start(test, "survivor", &args)).collect();
            for other in &mut others {
                assert_eq!(other.expect(), "opened");
            }
            actor.tell("close");
            actor.wait_killed(point);
            figures.kills += 1;
            if survivors == 0 {
                next_create_cleans_up(&prefixes, point);
                continue;
            }
            for (number, other) in others.iter_mut().enumerate() {
                other.tell(format_args!("append {number}"));
                assert!(other.expect().starts_with(&(number + 1).to_string()), "{point}");
            }
            let error = open(&prefixes, "it").unwrap_err();
            assert_eq!(error.code(), "ERR_MMFILE_NOT_FOUND", "{point}");
            // (On Windows not before the last of them has closed it.)
            if !cfg!(windows) {
                // Where nothing can open the file any more, its id is free.
                let options = create_options(&prefixes, "it", Lifetime::Creator);
                assert_eq!(MmFile::create_new(100, &options).unwrap().len().unwrap(), 0, "{point}");
            }
            // A sweep leaves alone what somebody has open.
            let options = create_options(&prefixes, "another", Lifetime::Creator);
            drop(MmFile::create_new(100, &options).unwrap());
            for (number, other) in others.iter_mut().enumerate() {
                other.tell(format_args!("append {number}"));
                let index = (survivors + number + 1).to_string();
                assert!(other.expect().starts_with(&index), "{point}");
            }
            others.into_iter().for_each(Actor::finish);
            assert_eq!(left_behind(common(&prefixes)), [""; 0], "{point}");
        }
    }
    figures.report();
}

#[test]
fn killed_while_closing_as_the_last_one() {
    support::play(ROLES);
    let test = "lifecycle::killed_while_closing_as_the_last_one";
    let mut figures = Figures::new("closing as the last");
    for point in LEAVING {
        for again in [false, true] {
            let prefixes = own_prefixes("last");
            let mut actor = start(test, "last", &prefixes, "it", point);
            assert_eq!(actor.expect(), "made");
            actor.wait_killed(point);
            figures.kills += 1;
            if again {
                // The same name can be had again at once.
                let options = create_options(&prefixes, "it", Lifetime::Creator);
                let file = MmFile::create_new(100, &options).unwrap();
                assert_eq!(file.len().unwrap(), 0, "{point}");
            } else {
                assert_eq!(open(&prefixes, "it").unwrap_err().code(), "ERR_MMFILE_NOT_FOUND");
            }
            next_create_cleans_up(&prefixes, point);
        }
    }
    figures.report();
}

#[test]
#[cfg_attr(windows, ignore = "the kernel leaves nothing to sweep")]
fn killed_while_sweeping() {
    support::play(ROLES);
    let test = "lifecycle::killed_while_sweeping";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("sweeping");
    for point in SWEEPING {
        let prefixes = own_prefixes("sweeping");
        let alive = MmFile::create_new(100, &create_options(&prefixes, "alive", Lifetime::Creator))
            .unwrap();
        let mut stale = Vec::new();
        for id in ["stale-1", "stale-2"] {
            let mut actor = start(test, "creator", &prefixes, id, "none");
            assert_eq!(actor.expect(), "made");
            stale.push(actor);
        }
        stale.iter_mut().for_each(Actor::kill);
        assert_eq!(left_behind(common(&prefixes)).len(), 6);
        let mut actor = start(test, "creator", &prefixes, "sweeper", point);
        actor.wait_killed(point);
        figures.kills += 3;
        // What it was at is not there for anybody, and a living file is left alone.
        for id in ["stale-1", "stale-2", "sweeper"] {
            assert_eq!(open(&prefixes, id).unwrap_err().code(), "ERR_MMFILE_NOT_FOUND");
        }
        assert!(open(&prefixes, "alive").is_ok());
        drop(alive);
        next_create_cleans_up(&prefixes, point);
    }
    figures.report();
}
