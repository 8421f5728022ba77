//! Kills of a process that closes a file: as the one that it ends with, and as the last one that has it.

use super::figures::Figures;
use super::group::survivor;
use super::lifecycle::{Next, UNLINKING, go_on, not_found, survivors};
use super::place::{Place, Staging};
use super::points;
use super::support::{self, Actor, Watchdog, hear, say};
use mmfile_core::*;
use std::time::Duration;

const ROLES: &[support::Role] = &[("survivor", survivor), ("closer", closer), ("last", last)];

/// The points that a creator passes while it closes its file. From the first one on, nothing can open it.
pub const CLOSING: &[&[&str]] = &[&["close.ended"], UNLINKING, &["close.done"]];
/// The points that the last process passes while it closes a file.
pub const LEAVING: &[&[&str]] = &[&["close.left"], UNLINKING, &["close.done"]];

/// Creates a file, and dies while it closes it.
pub fn closer(args: &[String]) {
    let (place, args) = Place::of(args);
    let file = place.create(&args[0], Lifetime::Creator).unwrap();
    file.append("from the creator").unwrap();
    say("made");
    hear();
    arm();
    drop(file);
}

/// Has a file open as the last one, whichever process created it, and dies while it closes it.
fn last(args: &[String]) {
    let (place, args) = Place::of(args);
    let file = place.create_or_open(&args[0]).unwrap();
    say(if file.is_creator() { "created" } else { "opened" });
    hear();
    arm();
    drop(file);
}

#[test]
fn killed_while_closing() {
    support::play(ROLES);
    let test = "closing::killed_while_closing";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("closing");
    let points = points::of(CLOSING);
    for (staging, point) in Staging::ALL.iter().flat_map(|s| points.iter().map(move |p| (*s, *p))) {
        let nexts = |number| if number == 0 { &Next::ALL } else { Next::WITH_SURVIVORS };
        for (number, next) in
            [0, 1, 3].into_iter().flat_map(|n| nexts(n).iter().map(move |next| (n, next)))
        {
            let place = Place::new(staging, "closing");
            let mut actor = place.start(test, "closer", &["it"], &format!("+{point}"));
            assert_eq!(actor.expect(), "made");
            let mut others = survivors(test, number, &place, "it", "now");
            for other in &mut others {
                assert_eq!(other.expect(), "opened");
            }
            actor.tell("close");
            actor.wait_killed(point);
            figures.kills += 1;
            next.comes(&place, "it", number, point);
            if number > 0 {
                let mut length = 1;
                go_on(&mut others, &mut length, point, &mut figures);
                not_found(&place, "it", point);
                // A sweep leaves alone what a process has open.
                sweep(&place.list_options()).unwrap();
                go_on(&mut others, &mut length, point, &mut figures);
                others.into_iter().for_each(Actor::finish);
                assert_eq!(place.names(), [""; 0], "{point}");
            }
            place.sweep_leaves_nothing(point);
        }
    }
    figures.report();
}

#[test]
fn killed_while_closing_as_the_last_one() {
    support::play(ROLES);
    let test = "closing::killed_while_closing_as_the_last_one";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("closing as the last");
    let points = points::of(LEAVING);
    for (staging, point) in Staging::ALL.iter().flat_map(|s| points.iter().map(move |p| (*s, *p))) {
        for (next, role) in
            Next::ALL.into_iter().flat_map(|next| [(next, "created"), (next, "opened")])
        {
            let place = Place::new(staging, "last");
            let creator = (role == "opened").then(|| place.create_or_open("it").unwrap());
            let mut actor = place.start(test, "last", &["it"], &format!("+{point}"));
            assert_eq!(actor.expect(), role);
            drop(creator);
            actor.tell("close");
            actor.wait_killed(point);
            figures.kills += 1;
            next.comes(&place, "it", 0, point);
            place.sweep_leaves_nothing(point);
        }
    }
    figures.report();
}
