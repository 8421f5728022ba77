//! Kills of a process that creates a file or opens it, and what the processes do that come next.

use super::figures::Figures;
use super::group::{Group, survivor};
use super::place::{Place, Staging};
use super::points;
use super::support::{self, Actor, PROMPT, Watchdog, hear, now, say};
use super::victim::{Role, victim};
use mmfile_core::*;
use std::time::{Duration, Instant};

const ROLES: &[support::Role] = &[("survivor", survivor), ("victim", victim), ("creator", creator)];

/// The points that a process passes while it creates an object. Before the object is made nothing of it is
/// there; from "create.published" on it is complete.
pub const CREATING: &[&str] = &[
    "create.swept",
    // Between the making of an object and its size, where `shared_memory` is at work: see `truncating.rs`.
    "ftruncate",
    "stage.made",
    // Windows: an object consists of several, which have their names before it is complete.
    "create.control",
    "create.lock",
    "create.data",
    // macOS: a file says where the memory is.
    "anchor.recorded",
    "anchor.memory",
    "create.joined",
    "fill.part",
    "create.reserved",
    "participant.claimed",
    "create.described",
    "create.published",
    "create.entered",
];
/// In how many parts the memory of a file is reserved: its data in two, then its control block.
const PARTS: u32 = 3;
pub const OPENING: &[&str] = &["open.joined", "open.mapped", "participant.claimed", "open.entered"];
/// The points that every process passes while it removes a name.
pub const UNLINKING: &[&str] = &[
    "remove.locked",
    // macOS: the memory goes before the file that says where it is.
    "anchor.freed",
    "unlink.begin",
    "unlink.done",
    "remove.unlinked",
];

/// Creates a file and dies on the way, or when it is killed.
pub fn creator(args: &[String]) {
    let (place, args) = Place::of(args);
    let file = place.create(&args[0], Lifetime::Creator).unwrap();
    say("made");
    hear();
    std::mem::forget(file);
}

/// The operation of the next process, after one has died while it created, closed or removed a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Open,
    Create,
    CreateOrOpen,
    /// Creates files of other names.
    CreateOthers,
    List,
    Sweep,
    Remove,
}

impl Next {
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Create,
        Self::CreateOrOpen,
        Self::CreateOthers,
        Self::List,
        Self::Sweep,
        Self::Remove,
    ];

    /// The operations that can follow while other processes have the ended file open. On Windows its name
    /// goes with them.
    pub const WITH_SURVIVORS: &[Self] = if cfg!(windows) { &[Self::Open] } else { &Self::ALL };

    /// Does it: the name leads to nothing, and is free, in a time that has a bound.
    pub fn comes(self, place: &Place, id: &str, survivors: usize, what: &str) {
        let what = format!("{what}, {:?}, then {self:?}", place.staging);
        let started = Instant::now();
        match self {
            Self::Open => not_found(place, id, &what),
            Self::Create => is_new(place, place.create(id, Lifetime::Creator), id, &what),
            Self::CreateOrOpen => is_new(place, place.create_or_open(id), id, &what),
            Self::CreateOthers => {
                let frees = |number| {
                    let other = format!("other-{number}");
                    drop(place.create(&other, Lifetime::Creator).unwrap());
                    no_staging_objects(place, &what);
                    place.names().is_empty()
                };
                // Each examines a few of the names in the folder. An ended object goes with its last process.
                let creations = if survivors == 0 { 64 } else { 1 };
                assert!((0..creations).any(frees) || survivors > 0, "{what}");
            }
            Self::List => {
                let rows = list(&place.list_options()).unwrap();
                assert!(rows.iter().all(|row| row.stale), "{what}: {rows:?}");
                no_staging_objects(place, &what);
            }
            Self::Sweep => place.sweep_leaves_nothing(&what),
            Self::Remove => {
                let removed =
                    remove(&FileId::parse(id).unwrap(), Kind::File, &place.list_options());
                assert!(matches!(removed, Ok(()) | Err(Error::NotFound { .. })), "{what}");
                assert!(!place.names().iter().any(|name| name.ends_with(id)), "{what}");
            }
        }
        assert!(started.elapsed() < PROMPT, "{what}");
    }
}

/// No living file has the name.
pub fn not_found(place: &Place, id: &str, what: &str) {
    assert_eq!(place.open(id).unwrap_err().code(), "ERR_MMFILE_NOT_FOUND", "{what}");
}

fn is_new(place: &Place, file: Result<MmFile>, id: &str, what: &str) {
    let file = file.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(file.is_creator() && file.is_empty().unwrap(), "{what}");
    file.append("anew").unwrap();
    assert_eq!(place.open(id).unwrap().read_text(0).unwrap(), "anew", "{what}");
}

fn no_staging_objects(place: &Place, what: &str) {
    let staged = |name: &String| cfg!(unix) && name.contains('~');
    assert!(!place.names().iter().any(staged), "{what}: {:?}", place.names());
}

/// Starts the processes that have the file open while another one dies.
pub fn survivors(test: &str, number: usize, place: &Place, id: &str, how: &str) -> Vec<Actor> {
    let capacity = place.capacity().to_string();
    (0..number).map(|_| place.start(test, "survivor", &[id, &capacity, how], "none")).collect()
}

/// The survivors append, read and wait; one of them appends a segment for that. `length` is the number of
/// segments, and is restored.
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
pub fn newcomer_opens(place: &Place, id: &str, length: &mut usize, what: &str) {
    let newcomer = place.open(id).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(newcomer.len().unwrap(), *length as u64, "{what}");
    assert_eq!(newcomer.append("a newcomer's").unwrap(), *length as u64, "{what}");
    *length += 1;
}

#[test]
fn killed_while_creating() {
    support::play(ROLES);
    let test = "lifecycle::killed_while_creating";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("creating");
    let points = |staging: &Staging| {
        let staging = *staging;
        let points = points::of(&[CREATING, staging.publishing()]);
        points.into_iter().map(move |point| (staging, point))
    };
    for (staging, point) in Staging::ALL.iter().flat_map(points) {
        let dies = |place: &Place, figures: &mut Figures| {
            let mut actor = place.start(test, "creator", &["it"], &staging.passing(point, PARTS));
            assert_eq!(actor.line(), None, "{staging:?} at {point}");
            actor.wait_killed(point);
            figures.kills += 1;
        };
        for next in Next::ALL {
            let place = Place::new(staging, "creating");
            dies(&place, &mut figures);
            next.comes(&place, "it", 0, point);
            place.sweep_leaves_nothing(point);
        }
        for number in [1, 3] {
            let place = Place::new(staging, "creating");
            // They wait until it has died, and come all at once.
            let mut others = survivors(test, number, &place, "it", "later");
            for other in &mut others {
                assert_eq!(other.expect(), "ready");
            }
            dies(&place, &mut figures);
            for other in &mut others {
                other.tell("go");
            }
            let answers: Vec<String> = others.iter_mut().map(Actor::expect).collect();
            let created = answers.iter().filter(|answer| *answer == "created").count();
            assert_eq!(created, 1, "{point}: {answers:?}");
            let mut length = 0;
            go_on(&mut others, &mut length, point, &mut figures);
            newcomer_opens(&place, "it", &mut length, point);
            go_on(&mut others, &mut length, point, &mut figures);
            others.into_iter().for_each(Actor::finish);
            assert_eq!(place.names(), [""; 0], "{point}");
        }
    }
    figures.report();
}

#[test]
fn killed_while_opening_and_leaving() {
    support::play(ROLES);
    let test = "lifecycle::killed_while_opening_and_leaving";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("opening");
    let leaving = points::of(&[&["close.left", "close.done"]]);
    for (staging, survivors) in
        Staging::ALL.iter().flat_map(|staging| [(*staging, 1), (*staging, 3)])
    {
        let capacity = if staging == Staging::Large { 1 << 20 } else { 1 << 13 };
        let group =
            |role, point: &str| Group::at(test, survivors, capacity, role, "open", point, staging);
        for point in points::of(&[OPENING]).iter().chain(&leaving) {
            let mut group = group(Role::Opener, point);
            for _ in 0..3 {
                group.kill("open", point, false);
                group.check(&format!("{staging:?} at {point}"), false, &mut figures);
            }
            group.end();
        }
        // The one that created it leaves it to the others.
        for point in &leaving {
            let mut group = group(Role::FirstOfAll, point);
            group.kill("open", point, false);
            group.check(&format!("the creator, {staging:?} at {point}"), false, &mut figures);
            group.end();
        }
    }
    figures.report();
}
