//! Kills of a process that sweeps away what others left, while a file is open that is nobody's leavings.

use super::figures::Figures;
use super::group::survivor;
use super::lifecycle::{
    common, create_options, go_on, newcomer_opens, next_create_cleans_up, open, prefixes_of, start,
    survivors,
};
use super::points;
use super::support::{self, Actor, Watchdog, hear, left_behind, own_prefixes, say};
use mmfile_core::*;
use std::time::Duration;

const ROLES: &[support::Role] = &[
    ("survivor", survivor),
    ("litter", litter),
    ("maker", maker),
    ("opener", opener),
    ("stranger", stranger),
];

/// What one passes that sweeps.
pub const SWEEPING: &[&str] = &[
    "+registry.opened",
    "+registry.held",
    "+remove.begin",
    "+unlink.begin",
    "+unlink.done",
    "+remove.data",
    "+unlink.begin:2",
    "+unlink.done:2",
    "+remove.control",
    "+registry.leaving",
    "+registry.unlinked",
];
/// What one passes besides that sweeps since it makes another file.
pub const MAKING: &[&str] = &["+create.swept"];

/// Made the living file, with which that ends.
fn maker(args: &[String]) {
    let options = create_options(&prefixes_of(args), &args[2], Lifetime::Creator);
    let file = MmFile::create_new(4096, &options).unwrap();
    sweeps(args);
    drop(file);
}

/// Opened the living file.
fn opener(args: &[String]) {
    let file = open(&prefixes_of(args), &args[2]).unwrap();
    sweeps(args);
    drop(file);
}

/// Makes two files that stay when it is killed.
fn litter(args: &[String]) {
    let files = ["stale-1", "stale-2"].map(|id| {
        let options = create_options(&prefixes_of(args), id, Lifetime::Creator);
        MmFile::create_new(4096, &options).unwrap()
    });
    say("made");
    hear();
    std::mem::forget(files);
}

fn sweeps(args: &[String]) {
    say("ready");
    hear();
    arm();
    sweep(&prefixes_of(args)).unwrap();
}

/// Makes another file.
fn stranger(args: &[String]) {
    say("ready");
    hear();
    arm();
    let options = create_options(&prefixes_of(args), "sweeper", Lifetime::Creator);
    std::mem::forget(MmFile::create_new(100, &options).unwrap());
}

#[test]
#[cfg_attr(windows, ignore = "the kernel leaves nothing to sweep")]
fn killed_while_sweeping() {
    support::play(ROLES);
    let test = "sweeping::killed_while_sweeping";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("sweeping");
    let points = points::of(SWEEPING)
        .flat_map(|point| ["maker", "opener", "stranger"].map(|role| (point, role)));
    let points = points.chain(points::of(MAKING).map(|point| (point, "stranger")));
    for ((point, role), number) in points.flat_map(|one| [(one, 1), (one, 3)]) {
        let what = format!("{role} at {point}");
        let prefixes = own_prefixes("sweeping");
        // In this order: the maker makes it, the opener opens what a survivor made.
        let sweeper = || {
            let mut actor = start(test, role, &prefixes, "alive", point);
            assert_eq!(actor.expect(), "ready");
            actor
        };
        let early = (role == "maker").then(sweeper);
        let mut others = survivors(test, number, &prefixes, "alive", "now");
        let answers: Vec<String> = others.iter_mut().map(Actor::expect).collect();
        let created = answers.iter().filter(|answer| *answer == "created").count();
        assert_eq!(created, usize::from(role != "maker"), "{what}: {answers:?}");
        let mut actor = early.unwrap_or_else(sweeper);
        let mut litter = start(test, "litter", &prefixes, "stale", "none");
        assert_eq!(litter.expect(), "made");
        litter.kill();
        assert_eq!(left_behind(common(&prefixes)).len(), 6);
        actor.tell("sweep");
        actor.wait_killed(&what);
        figures.kills += 2;
        let mut length = 0;
        go_on(&mut others, &mut length, &what, &mut figures);
        // What it was at is not there for anybody, and a living file is left alone.
        for id in ["stale-1", "stale-2", "sweeper"] {
            assert_eq!(open(&prefixes, id).unwrap_err().code(), "ERR_MMFILE_NOT_FOUND", "{what}");
        }
        newcomer_opens(&prefixes, "alive", &mut length, &what);
        go_on(&mut others, &mut length, &what, &mut figures);
        others.into_iter().for_each(Actor::finish);
        assert!(open(&prefixes, "alive").is_err(), "{what}");
        next_create_cleans_up(&prefixes, &what);
    }
    figures.report();
}
