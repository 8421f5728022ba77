//! Kills of a process that removes what dead ones left, or a living file, while others have a file open that
//! is to stay.

use super::figures::Figures;
use super::group::survivor;
use super::lifecycle::{Next, UNLINKING, creator, go_on, newcomer_opens, not_found, survivors};
use super::place::{Place, Staging};
use super::points;
use super::support::{self, Actor, Watchdog, hear, say};
use mmfile_core::*;
use std::time::Duration;

const ROLES: &[support::Role] = &[
    ("survivor", survivor),
    ("creator", creator),
    ("litter", litter),
    ("sweeping creator", sweeping_creator),
    ("sweeping opener", sweeping_opener),
    ("list", |args| acts(args, |place| drop(list(&place.list_options()).unwrap()))),
    ("create", |args| acts(args, creates)),
    ("create again", |args| acts(args, |place| forget(place.create("stale-1", Lifetime::Creator)))),
    ("open", |args| acts(args, |place| drop(place.open("stale-1")))),
    ("create or open", |args| acts(args, |place| forget(place.create_or_open("stale-1")))),
    ("remove", |args| acts(args, |place| removes(place, "stale-1"))),
    ("remove alive", |args| acts(args, |place| removes(place, "alive"))),
];

/// The points that a process passes while it removes a file that others have open.
pub const REMOVING: &[&[&str]] = &[&["remove.ended"], UNLINKING];

/// Created the living file, which ends with it.
fn sweeping_creator(args: &[String]) {
    let file = Place::of(args).0.create("alive", Lifetime::Creator).unwrap();
    acts(args, sweeps);
    drop(file);
}

/// Opened the living file.
fn sweeping_opener(args: &[String]) {
    let file = Place::of(args).0.open("alive").unwrap();
    acts(args, sweeps);
    drop(file);
}

/// Creates two files and a mutex that stay when it is killed.
fn litter(args: &[String]) {
    let (place, _) = Place::of(args);
    let files = ["stale-1", "stale-2"].map(|id| place.create(id, Lifetime::Creator).unwrap());
    let mutex = NamedMutex::open("stale", &place.mutex_options()).unwrap();
    say("made");
    hear();
    std::mem::forget((files, mutex));
}

/// Does it on request.
fn acts(args: &[String], act: impl FnOnce(&Place)) {
    say("ready");
    hear();
    arm();
    act(&Place::of(args).0);
}

fn sweeps(place: &Place) {
    sweep(&place.list_options()).unwrap();
}

/// Each creation examines a few of the names in the folder, which need not be those of this test alone.
fn creates(place: &Place) {
    for number in 0..64 {
        forget(place.create(&format!("sweeper-{number}"), Lifetime::Creator));
    }
}

fn removes(place: &Place, id: &str) {
    remove(&FileId::parse(id).unwrap(), Kind::File, &place.list_options()).unwrap();
}

fn forget(file: Result<MmFile>) {
    std::mem::forget(file.unwrap());
}

/// The processes that remove something which the dead left, and how many objects each removes on its way,
/// a staging object among them where there is one.
fn sweepers(staging: Staging) -> Vec<(&'static str, u32)> {
    let staged = u32::from(staging.has_name());
    vec![
        ("sweeping creator", 3 + staged),
        ("sweeping opener", 3 + staged),
        ("list", staged),
        ("create", 2 + staged),
        ("create again", 1 + staged),
        ("open", 1),
        ("create or open", 1 + staged),
        ("remove", 1),
    ]
}

#[test]
#[cfg_attr(windows, ignore = "the kernel leaves nothing to sweep")]
fn killed_while_sweeping() {
    support::play(ROLES);
    let test = "sweeping::killed_while_sweeping";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("sweeping");
    for staging in Staging::ALL {
        for (role, objects) in sweepers(*staging) {
            let passings = (1..=objects).flat_map(|number| {
                points::of(&[UNLINKING]).into_iter().map(move |point| format!("+{point}:{number}"))
            });
            let swept = (role == "create").then(|| "+create.swept".to_owned());
            for point in passings.chain(swept) {
                for number in [1, 3] {
                    sweeper_dies(test, *staging, role, &point, number, &mut figures);
                }
            }
        }
    }
    figures.report();
}

fn sweeper_dies(
    test: &str,
    staging: Staging,
    role: &str,
    point: &str,
    survivors_left: usize,
    figures: &mut Figures,
) {
    let what = format!("{role} at {point}, {staging:?}");
    let place = Place::new(staging, "sweeping");
    let start = || {
        let mut actor = place.start(test, role, &[], point);
        assert_eq!(actor.expect(), "ready", "{what}");
        actor
    };
    // In this order: the first one creates the living file itself, the others find a survivor's.
    let early = (role == "sweeping creator").then(start);
    let mut others = survivors(test, survivors_left, &place, "alive", "now");
    let answers: Vec<String> = others.iter_mut().map(Actor::expect).collect();
    let created = answers.iter().filter(|answer| *answer == "created").count();
    assert_eq!(created, usize::from(early.is_none()), "{what}: {answers:?}");
    let mut actor = early.unwrap_or_else(start);
    let mut litter = place.start(test, "litter", &[], "none");
    assert_eq!(litter.expect(), "made");
    let fault = staging.passing("create.described", 0);
    place.start(test, "creator", &["half"], &fault).wait_killed(&what);
    litter.kill();
    assert_eq!(place.names().len(), 4 + usize::from(staging.has_name()), "{what}");
    actor.tell("go");
    actor.wait_killed(&what);
    figures.kills += 3;
    let mut length = 0;
    go_on(&mut others, &mut length, &what, figures);
    // Its object is gone for every process, and a living file is left alone.
    for id in ["stale-1", "stale-2", "half", "sweeper-0"] {
        not_found(&place, id, &what);
    }
    newcomer_opens(&place, "alive", &mut length, &what);
    go_on(&mut others, &mut length, &what, figures);
    others.into_iter().for_each(Actor::finish);
    assert!(place.open("alive").is_err(), "{what}");
    place.sweep_leaves_nothing(&what);
}

#[test]
#[cfg_attr(windows, ignore = "a name stays as long as a process has the file open")]
fn killed_while_removing_a_living_file() {
    support::play(ROLES);
    let test = "sweeping::killed_while_removing_a_living_file";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("removing");
    for (staging, next) in Staging::ALL.iter().flat_map(|s| Next::ALL.map(|next| (*s, next))) {
        for (number, point) in [1, 3].into_iter().cycle().zip(points::of(REMOVING)) {
            let place = Place::new(staging, "removing");
            let mut others = survivors(test, number, &place, "alive", "now");
            others.iter_mut().for_each(|other| drop(other.expect()));
            let mut actor = place.start(test, "remove alive", &[], &format!("+{point}"));
            assert_eq!(actor.expect(), "ready");
            actor.tell("go");
            actor.wait_killed(point);
            figures.kills += 1;
            next.comes(&place, "alive", number, point);
            let mut length = 0;
            go_on(&mut others, &mut length, point, &mut figures);
            not_found(&place, "alive", point);
            others.into_iter().for_each(Actor::finish);
            assert_eq!(place.names(), [""; 0], "{point}");
        }
    }
    figures.report();
}
