//! Kills of a process that makes, opens, takes, gives up and closes a mutex of its own.

use super::closing::LEAVING;
use super::figures::Figures;
use super::figures::LIMIT;
use super::locking::HOLDING;
use super::points;
use super::support::raw::wait_for_queue;
use super::support::{self, Actor, Watchdog, hear, left_behind, now, say};
use mmfile_core::*;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const ROLES: &[support::Role] = &[("survivor", survivor), ("victim", victim), ("two", two)];

/// What one that makes a mutex passes.
pub const MAKING: &[&str] = &[
    "registry.opened",
    "registry.held",
    "ftruncate",
    "named.sized",
    "fill.part",
    "named.filled",
    "create.control",
    "create.shared",
    "mutex.lock",
    "mutex.described",
    "mutex.ready",
    "registry.leaving",
    "registry.unlinked",
];
/// What one that opens it passes.
pub const OPENING: &[&str] = &["open.shared", "mutex.opened"];
/// Where one dies that holds two and gives up the first, and whether it has that one still.
const TWO: &[(&str, bool)] = &[
    ("+enlist.linked:2", true),
    ("+enlist.listed:2", true),
    ("+delist.begun", true),
    ("+delist.unlinked", true),
    ("+release.before", true),
    ("+release.freed", false),
];

/// How long anybody waits.
const PATIENCE: Timeout = Timeout::Val(Duration::from_secs(5));

/// A name that nobody else has: mutexes have no prefixes.
fn own_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("mmtest-mutex-{}-{}-", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Takes the mutex and gives it up, and dies on the way.
fn victim(args: &[String]) {
    let mutex = NamedMutex::open(&args[0]).unwrap();
    say(if mutex.created() { "created" } else { "opened" });
    hear();
    arm();
    let guard = mutex.lock(Some(PATIENCE)).unwrap();
    say("inside");
    hear();
    drop(guard);
    drop(mutex);
}

/// Takes two, gives up the first of them, and dies on the way.
fn two(args: &[String]) {
    let [first, second] = [0, 1].map(|at| NamedMutex::open(&args[at]).unwrap());
    say("opened");
    hear();
    arm();
    let guard = first.lock(Some(PATIENCE)).unwrap();
    let _second = second.lock(Some(PATIENCE)).unwrap();
    drop(guard);
}

/// Has it open and takes it when it is told to.
fn survivor(args: &[String]) {
    if args[1] == "later" {
        say("ready");
        hear();
    }
    let mutex = NamedMutex::open(&args[0]).unwrap();
    say(if mutex.created() { "created" } else { "opened" });
    while hear().is_some() {
        let started = now();
        let guard = mutex.lock(Some(PATIENCE)).unwrap();
        let ended = now();
        let abandoned = guard.abandoned();
        drop(guard);
        say(format_args!("{} {started} {ended}", u8::from(abandoned)));
    }
}

fn start_victim(test: &str, role: &str, names: &[&str], fault: &str) -> Actor {
    let mut command = support::command(test, role, names);
    command.env("MMFILE_FAULT", fault);
    Actor::spawn(command)
}

fn start_survivors(test: &str, number: usize, name: &str, when: &str) -> Vec<Actor> {
    (0..number).map(|_| Actor::start(test, "survivor", &[name, when])).collect()
}

/// How many of those who were told to take the mutex found it abandoned.
fn answers(survivors: &mut [Actor], died: u64, into: &mut Figures) -> u64 {
    let mut abandoned = 0;
    for survivor in survivors {
        let answer = survivor.expect();
        let parts: Vec<u64> = answer.split(' ').map(|part| part.parse().unwrap()).collect();
        abandoned += parts[0];
        into.times.push(parts[2].saturating_sub(parts[1].max(died)));
    }
    abandoned
}

/// All take it at once.
fn take(survivors: &mut [Actor], into: &mut Figures) -> u64 {
    for survivor in survivors.iter_mut() {
        survivor.tell("lock");
    }
    answers(survivors, 0, into)
}

/// A newcomer opens it and finds it in order; then everybody goes, and nothing is left.
fn end(survivors: Vec<Actor>, name: &str, what: &str) {
    let newcomer = NamedMutex::open_existing(name).unwrap_or_else(|e| panic!("{what}: {e}"));
    let guard = newcomer.lock(Some(Timeout::Val(LIMIT))).unwrap();
    assert!(!guard.abandoned(), "{what}: found abandoned twice");
    drop(guard);
    drop(newcomer);
    survivors.into_iter().for_each(Actor::finish);
    assert_eq!(left_behind(name), [""; 0], "{what}");
    let error = NamedMutex::open_existing(name).unwrap_err();
    assert_eq!(error.code(), "ERR_MMFILE_NOT_FOUND", "{what}");
}

/// Those who come after its maker has died make it anew, and are one another's.
fn come_later(mut survivors: Vec<Actor>, name: &str, what: &str, into: &mut Figures) {
    for survivor in &mut survivors {
        survivor.tell("go");
    }
    let opened: Vec<String> = survivors.iter_mut().map(Actor::expect).collect();
    let created = opened.iter().filter(|answer| *answer == "created").count();
    assert_eq!(created, 1, "{what}: {opened:?}");
    assert_eq!(take(&mut survivors, into), 0, "{what}");
    end(survivors, name, what);
}

fn ready(test: &str, number: usize, name: &str) -> Vec<Actor> {
    let mut survivors = start_survivors(test, number, name, "later");
    for survivor in &mut survivors {
        assert_eq!(survivor.expect(), "ready");
    }
    survivors
}

#[test]
fn killed_while_making_a_mutex() {
    support::play(ROLES);
    let test = "mutexes::killed_while_making_a_mutex";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("making a mutex");
    for (point, number) in points::of(MAKING).flat_map(|point| [(point, 1), (point, 3)]) {
        let name = own_name();
        let survivors = ready(test, number, &name);
        let mut actor = start_victim(test, "victim", &[&name], point);
        assert_eq!(actor.line(), None, "{point}");
        actor.wait_killed(point);
        figures.kills += 1;
        let error = NamedMutex::open_existing(&name).unwrap_err();
        assert_eq!(error.code(), "ERR_MMFILE_NOT_FOUND", "{point}");
        come_later(survivors, &name, point, &mut figures);
    }
    figures.report();
}

#[test]
fn killed_while_opening_a_mutex() {
    support::play(ROLES);
    let test = "mutexes::killed_while_opening_a_mutex";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("opening a mutex");
    for (point, number) in OPENING.iter().flat_map(|point| [(point, 1), (point, 3)]) {
        let name = own_name();
        let mut survivors = start_survivors(test, number, &name, "now");
        survivors.iter_mut().for_each(|survivor| drop(survivor.expect()));
        let mut actor = start_victim(test, "victim", &[&name], point);
        assert_eq!(actor.line(), None, "{point}");
        actor.wait_killed(point);
        figures.kills += 1;
        assert_eq!(take(&mut survivors, &mut figures), 0, "{point}");
        end(survivors, &name, point);
    }
    figures.report();
}

/// With others in the queue, as soon as it has the lock, and without. It made the mutex or opened it.
#[test]
fn killed_while_holding_a_mutex() {
    support::play(ROLES);
    let test = "mutexes::killed_while_holding_a_mutex";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("holding a mutex");
    let mut points: Vec<(&str, bool, bool)> = HOLDING.to_vec();
    points.extend([("release.unlocked", false, true), ("close.withdrawn", false, true)]);
    for (point, held, releases) in points.into_iter().filter(|(name, ..)| points::is_here(name)) {
        for (role, number) in [("created", 1), ("created", 3), ("opened", 1), ("opened", 3)] {
            for queue in [false, true] {
                // (What the lock of a mutex is given up with is passed after all have come to wait.)
                let waited_for = point == "release.unlocked" && !cfg!(windows);
                if queue && !releases || waited_for && !queue {
                    continue;
                }
                let what = format!("{role} at {point}, queue: {queue}");
                let name = own_name();
                let mut early =
                    start_survivors(test, if role == "opened" { 1 } else { 0 }, &name, "now");
                early.iter_mut().for_each(|survivor| assert_eq!(survivor.expect(), "created"));
                let mut actor = start_victim(test, "victim", &[&name], &format!("+{point}"));
                assert_eq!(actor.expect(), role, "{what}");
                let mut survivors = start_survivors(test, number - early.len(), &name, "now");
                survivors.iter_mut().for_each(|survivor| assert_eq!(survivor.expect(), "opened"));
                survivors.extend(early);
                actor.tell("lock");
                if releases {
                    assert_eq!(actor.expect(), "inside", "{what}");
                    if queue {
                        survivors.iter_mut().for_each(|survivor| survivor.tell("lock"));
                        wait_for_queue(&support::control_name("mmfile-mutex-", &name));
                    }
                    actor.tell("unlock");
                }
                assert_eq!(actor.line(), None, "{what}");
                actor.wait_killed(&what);
                figures.kills += 1;
                let abandoned = if queue {
                    answers(&mut survivors, now(), &mut figures)
                } else {
                    take(&mut survivors, &mut figures)
                };
                assert_eq!(abandoned, u64::from(held), "{what}");
                figures.recoveries += abandoned;
                assert_eq!(take(&mut survivors, &mut figures), 0, "{what}: again");
                end(survivors, &name, &what);
            }
        }
    }
    figures.report();
}

/// The last one that has it open, whether it made it or not.
#[test]
fn killed_while_closing_a_mutex() {
    support::play(ROLES);
    let test = "mutexes::killed_while_closing_a_mutex";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("closing a mutex");
    // Its names are fewer than a file's.
    let leaving =
        points::of(LEAVING).filter(|point| !point.ends_with(":2") || point.contains("registry"));
    for (point, role) in leaving.flat_map(|point| [(point, "created"), (point, "opened")]) {
        for number in [1, 3] {
            let what = format!("{role} at {point}");
            let name = own_name();
            let maker = (role == "opened").then(|| NamedMutex::open(&name).unwrap());
            let mut actor = start_victim(test, "victim", &[&name], point);
            assert_eq!(actor.expect(), role, "{what}");
            let survivors = ready(test, number, &name);
            drop(maker);
            actor.tell("lock");
            assert_eq!(actor.expect(), "inside", "{what}");
            actor.tell("unlock");
            assert_eq!(actor.line(), None, "{what}");
            actor.wait_killed(&what);
            figures.kills += 1;
            come_later(survivors, &name, &what, &mut figures);
        }
    }
    figures.report();
}

/// The kernel is told of both, and of the second also while the first leaves the list.
#[test]
fn killed_with_two_mutexes() {
    support::play(ROLES);
    let test = "mutexes::killed_with_two_mutexes";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("with two mutexes");
    for (point, held) in TWO.iter().filter(|(name, _)| points::is_here(name)) {
        let names = [own_name(), own_name()];
        let mut both = names.each_ref().map(|name| start_survivors(test, 1, name, "now"));
        both.iter_mut().flatten().for_each(|survivor| assert_eq!(survivor.expect(), "created"));
        let mut actor = start_victim(test, "two", &[&names[0], &names[1]], point);
        assert_eq!(actor.expect(), "opened");
        actor.tell("lock");
        actor.wait_killed(point);
        figures.kills += 1;
        for ((survivors, name), held) in both.into_iter().zip(&names).zip([*held, true]) {
            let mut survivors = survivors;
            let abandoned = take(&mut survivors, &mut figures);
            assert_eq!(abandoned, u64::from(held), "{point}: {name}");
            figures.recoveries += abandoned;
            end(survivors, name, point);
        }
    }
    figures.report();
}
