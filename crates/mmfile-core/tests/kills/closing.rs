//! Kills of a process that closes a file: as the one that it ends with, and as the last one that has it.

use super::figures::Figures;
use super::group::survivor;
use super::lifecycle::{
    common, create_options, go_on, next_create_cleans_up, open, prefixes_of, start, survivors,
};
use super::points;
use super::support::{self, Actor, Watchdog, hear, left_behind, own_prefixes, say};
use mmfile_core::*;
use std::time::Duration;

const ROLES: &[support::Role] = &[("survivor", survivor), ("closer", closer), ("last", last)];

/// What a creator that closes its file passes. Nothing can open it from there on. Where names cannot be
/// taken away, the control block alone says that a file has ended.
pub const CLOSING: &[&str] = if cfg!(windows) {
    &["+close.ended"]
} else {
    &[
        "+close.ended",
        "+registry.opened",
        "+registry.held",
        "+close.registry",
        "+remove.begin",
        "+unlink.begin",
        "+unlink.done",
        "+remove.data",
        "+unlink.begin:2",
        "+unlink.done:2",
        "+remove.control",
        "+registry.leaving",
        "+registry.unlinked",
    ]
};
/// What the last one who has a file open passes while he closes it. On Windows nothing is left to him.
pub const LEAVING: &[&str] = if cfg!(windows) {
    &["+close.withdrawn", "+close.registry"]
} else {
    &[
        "+close.withdrawn",
        "+registry.opened",
        "+registry.held",
        "+close.registry",
        "+remove.begin",
        "+unlink.begin",
        "+unlink.done",
        "+remove.data",
        "+unlink.begin:2",
        "+unlink.done:2",
        "+remove.control",
        "+registry.leaving",
        "+registry.unlinked",
    ]
};

/// Makes a file, and dies while it closes it.
pub fn closer(args: &[String]) {
    let options = create_options(&prefixes_of(args), &args[2], Lifetime::Creator);
    let file = MmFile::create_new(4096, &options).unwrap();
    file.append("from the creator").unwrap();
    say("made");
    hear();
    arm();
    drop(file);
}

/// Has a file open as the last one, whoever made it, and dies while it closes it.
fn last(args: &[String]) {
    let options = create_options(&prefixes_of(args), &args[2], Lifetime::LastProcess);
    let file = MmFile::create_or_open(&args[2], 4096, &options).unwrap();
    say(if file.created() { "created" } else { "opened" });
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
    for number in [0, 1, 3] {
        for point in points::of(CLOSING) {
            let prefixes = own_prefixes("closing");
            let mut actor = start(test, "closer", &prefixes, "it", point);
            assert_eq!(actor.expect(), "made");
            let mut others = survivors(test, number, &prefixes, "it", "now");
            for other in &mut others {
                assert_eq!(other.expect(), "opened");
            }
            actor.tell("close");
            actor.wait_killed(point);
            figures.kills += 1;
            if number == 0 {
                next_create_cleans_up(&prefixes, point);
                continue;
            }
            let mut length = 1;
            go_on(&mut others, &mut length, point, &mut figures);
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
            go_on(&mut others, &mut length, point, &mut figures);
            others.into_iter().for_each(Actor::finish);
            assert_eq!(left_behind(common(&prefixes)), [""; 0], "{point}");
        }
    }
    figures.report();
}

#[test]
fn killed_while_closing_as_the_last_one() {
    support::play(ROLES);
    let test = "closing::killed_while_closing_as_the_last_one";
    let mut figures = Figures::new("closing as the last");
    for point in points::of(LEAVING) {
        for (again, role) in
            [false, true].into_iter().flat_map(|again| [(again, "created"), (again, "opened")])
        {
            let prefixes = own_prefixes("last");
            let options = create_options(&prefixes, "it", Lifetime::LastProcess);
            let maker = (role == "opened").then(|| MmFile::create_or_open("it", 4096, &options));
            let mut actor = start(test, "last", &prefixes, "it", point);
            assert_eq!(actor.expect(), role);
            drop(maker);
            actor.tell("close");
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
