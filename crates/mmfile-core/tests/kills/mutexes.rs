//! Kills of a process that creates, opens, takes, releases and closes a named mutex.

use super::closing::LEAVING;
use super::figures::Figures;
use super::lifecycle::{CREATING, OPENING};
use super::locking::HOLDING;
use super::place::{Place, Staging};
use super::points;
use super::support::raw::{Raw, wait_for_queue};
use super::support::{self, Actor, PROMPT, Watchdog, hear, now, say};
use mmfile_core::*;
use std::time::Duration;

const ROLES: &[support::Role] = &[("survivor", survivor), ("victim", victim), ("two", two)];

/// In how many parts its memory is reserved.
const PARTS: u32 = 1;
/// Where one dies that holds two and gives up the first, and whether it has that one still.
const TWO: &[(&str, bool)] = &[
    ("enlist.linked:2", true),
    ("enlist.listed:2", true),
    ("delist.begun", true),
    ("delist.unlinked", true),
    ("release.before", true),
    ("release.freed", false),
];

/// The longest wait of a process.
const PATIENCE: Timeout = Timeout::Val(PROMPT);

const NAME: &str = "mutex";

fn open(place: &Place, name: &str) -> Result<NamedMutex> {
    NamedMutex::open(name, &place.mutex_options())
}

fn open_existing(place: &Place, name: &str) -> Result<NamedMutex> {
    NamedMutex::open_existing(name, &place.mutex_options())
}

/// Takes the mutex and gives it up, and dies on the way.
fn victim(args: &[String]) {
    let (place, args) = Place::of(args);
    let mutex = open(&place, &args[0]).unwrap();
    say(if mutex.is_creator() { "created" } else { "opened" });
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
    let (place, args) = Place::of(args);
    let [first, second] = [0, 1].map(|at| open(&place, &args[at]).unwrap());
    say("opened");
    hear();
    arm();
    let guard = first.lock(Some(PATIENCE)).unwrap();
    let _second = second.lock(Some(PATIENCE)).unwrap();
    drop(guard);
}

/// Keeps it open and takes it on request.
fn survivor(args: &[String]) {
    let (place, args) = Place::of(args);
    if args[1] == "later" {
        say("ready");
        hear();
    }
    let mutex = open(&place, &args[0]).unwrap();
    say(if mutex.is_creator() { "created" } else { "opened" });
    while hear().is_some() {
        let started = now();
        let guard = mutex.lock(Some(PATIENCE)).unwrap();
        let ended = now();
        let abandoned = guard.abandoned();
        drop(guard);
        say(format_args!("{} {started} {ended}", u8::from(abandoned)));
    }
}

fn start_survivors(test: &str, number: usize, place: &Place, name: &str, when: &str) -> Vec<Actor> {
    (0..number).map(|_| place.start(test, "survivor", &[name, when], "none")).collect()
}

/// How many of the processes that were told to take the mutex found it abandoned.
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

/// A newcomer opens it and finds it in order; then all close it, and it is gone.
fn end(survivors: Vec<Actor>, place: &Place, name: &str, what: &str) {
    let newcomer = open_existing(place, name).unwrap_or_else(|e| panic!("{what}: {e}"));
    let guard = newcomer.lock(Some(PATIENCE)).unwrap();
    assert!(!guard.abandoned(), "{what}: found abandoned twice");
    drop(guard);
    drop(newcomer);
    survivors.into_iter().for_each(Actor::finish);
    assert!(!place.names().iter().any(|object| object.ends_with(name)), "{what}");
    let error = open_existing(place, name).unwrap_err();
    assert_eq!(error.code(), "ERR_MMFILE_NOT_FOUND", "{what}");
}

/// Processes that come after its creator has died create it anew, and share one.
fn come_later(mut survivors: Vec<Actor>, place: &Place, what: &str, into: &mut Figures) {
    for survivor in &mut survivors {
        survivor.tell("go");
    }
    let opened: Vec<String> = survivors.iter_mut().map(Actor::expect).collect();
    let created = opened.iter().filter(|answer| *answer == "created").count();
    assert_eq!(created, 1, "{what}: {opened:?}");
    assert_eq!(take(&mut survivors, into), 0, "{what}");
    end(survivors, place, NAME, what);
    // Creating it has removed what the dead one left.
    assert_eq!(place.names(), [""; 0], "{what}");
}

/// Each point with each case, at places of each kind. (No mutex is large.)
fn everywhere<T: Copy, const N: usize>(
    points: Vec<&'static str>,
    cases: [T; N],
) -> impl Iterator<Item = (Staging, &'static str, T)> {
    let stagings = Staging::ALL.iter().filter(|staging| **staging != Staging::Large);
    stagings.flat_map(move |staging| {
        let with_cases = |point| cases.map(|case| (*staging, point, case));
        points.iter().copied().flat_map(with_cases).collect::<Vec<_>>()
    })
}

fn ready(test: &str, number: usize, place: &Place) -> Vec<Actor> {
    let mut survivors = start_survivors(test, number, place, NAME, "later");
    for survivor in &mut survivors {
        assert_eq!(survivor.expect(), "ready");
    }
    survivors
}

#[test]
fn killed_while_creating_a_mutex() {
    support::play(ROLES);
    let test = "mutexes::killed_while_creating_a_mutex";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("creating a mutex");
    for (staging, point, number) in everywhere(points::of(&[CREATING]), [1, 3]) {
        let what = format!("{staging:?} at {point}");
        let place = Place::new(staging, "mutex");
        let survivors = ready(test, number, &place);
        let mut actor = place.start(test, "victim", &[NAME], &staging.passing(point, PARTS));
        assert_eq!(actor.line(), None, "{what}");
        actor.wait_killed(&what);
        figures.kills += 1;
        let error = open_existing(&place, NAME).unwrap_err();
        assert_eq!(error.code(), "ERR_MMFILE_NOT_FOUND", "{what}");
        come_later(survivors, &place, &what, &mut figures);
    }
    figures.report();
}

#[test]
fn killed_while_opening_a_mutex() {
    support::play(ROLES);
    let test = "mutexes::killed_while_opening_a_mutex";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("opening a mutex");
    for (staging, point, number) in everywhere(points::of(&[OPENING]), [1, 3]) {
        let place = Place::new(staging, "mutex");
        let mut survivors = start_survivors(test, number, &place, NAME, "now");
        survivors.iter_mut().for_each(|survivor| drop(survivor.expect()));
        let mut actor = place.start(test, "victim", &[NAME], point);
        assert_eq!(actor.line(), None, "{point}");
        actor.wait_killed(point);
        figures.kills += 1;
        assert_eq!(take(&mut survivors, &mut figures), 0, "{point}");
        end(survivors, &place, NAME, point);
        assert_eq!(place.names(), [""; 0], "{point}");
    }
    figures.report();
}

/// With others in the queue, as soon as it has the lock, and without. It created the mutex or opened it.
#[test]
fn killed_while_holding_a_mutex() {
    support::play(ROLES);
    let test = "mutexes::killed_while_holding_a_mutex";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("holding a mutex");
    let mut points: Vec<(&str, bool, bool)> = HOLDING.to_vec();
    points.extend([("release.unlocked", false, true), ("close.left", false, true)]);
    for (point, held, releases) in points.into_iter().filter(|(name, ..)| points::is_here(name)) {
        for (role, number) in [("created", 1), ("created", 3), ("opened", 1), ("opened", 3)] {
            for queue in [false, true] {
                // (What the lock of a mutex is given up with is passed after all have come to wait.)
                let waited_for = point == "release.unlocked" && !cfg!(windows);
                if queue && !releases || waited_for && !queue {
                    continue;
                }
                let what = format!("{role} at {point}, queue: {queue}");
                let place = Place::new(Staging::Named, "mutex");
                let early = usize::from(role == "opened");
                let mut early = start_survivors(test, early, &place, NAME, "now");
                early.iter_mut().for_each(|survivor| assert_eq!(survivor.expect(), "created"));
                let mut actor = place.start(test, "victim", &[NAME], &format!("+{point}"));
                assert_eq!(actor.expect(), role, "{what}");
                let number = number - early.len();
                let mut survivors = start_survivors(test, number, &place, NAME, "now");
                survivors.iter_mut().for_each(|survivor| assert_eq!(survivor.expect(), "opened"));
                survivors.extend(early);
                actor.tell("lock");
                if releases {
                    assert_eq!(actor.expect(), "inside", "{what}");
                    if queue {
                        survivors.iter_mut().for_each(|survivor| survivor.tell("lock"));
                        wait_for_queue(&Raw::mutex(&place.mutex_options().prefix, NAME));
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
                end(survivors, &place, NAME, &what);
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
    let cases = [("created", 1), ("created", 3), ("opened", 1), ("opened", 3)];
    for (staging, point, (role, number)) in everywhere(points::of(LEAVING), cases) {
        let what = format!("{role} at {point}, {staging:?}");
        let place = Place::new(staging, "mutex");
        let creator = (role == "opened").then(|| open(&place, NAME).unwrap());
        let mut actor = place.start(test, "victim", &[NAME], &format!("+{point}"));
        assert_eq!(actor.expect(), role, "{what}");
        let survivors = ready(test, number, &place);
        drop(creator);
        actor.tell("lock");
        assert_eq!(actor.expect(), "inside", "{what}");
        actor.tell("unlock");
        assert_eq!(actor.line(), None, "{what}");
        actor.wait_killed(&what);
        figures.kills += 1;
        come_later(survivors, &place, &what, &mut figures);
    }
    figures.report();
}

/// The kernel knows both, and knows the second one also while the first leaves the list.
#[test]
fn killed_with_two_mutexes() {
    support::play(ROLES);
    let test = "mutexes::killed_with_two_mutexes";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("with two mutexes");
    for (point, held) in TWO.iter().filter(|(name, _)| points::is_here(name)) {
        let place = Place::new(Staging::Named, "mutex");
        let names = ["first", "second"];
        let mut both = names.map(|name| start_survivors(test, 1, &place, name, "now"));
        both.iter_mut().flatten().for_each(|survivor| assert_eq!(survivor.expect(), "created"));
        let mut actor = place.start(test, "two", &names, &format!("+{point}"));
        assert_eq!(actor.expect(), "opened");
        actor.tell("lock");
        actor.wait_killed(point);
        figures.kills += 1;
        for ((survivors, name), held) in both.into_iter().zip(names).zip([*held, true]) {
            let mut survivors = survivors;
            let abandoned = take(&mut survivors, &mut figures);
            assert_eq!(abandoned, u64::from(held), "{point}: {name}");
            figures.recoveries += abandoned;
            end(survivors, &place, name, point);
        }
    }
    figures.report();
}
