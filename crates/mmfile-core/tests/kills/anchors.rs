//! Kills between the steps by which an object's anchor and its memory come and go, and what a restart of
//! the machine leaves.

use super::closing::closer;
use super::figures::Figures;
use super::lifecycle::{create_options, creator, open, start};
use super::support::{self, Actor, has_memory, left_behind, own_prefixes, unlink_memory};
use mmfile_core::*;

const ROLES: &[support::Role] = &[("creator", creator), ("closer", closer)];

/// The names of both objects of a file.
fn objects(prefixes: &Prefixes, id: &str) -> [String; 2] {
    [prefixes.mutex(), prefixes.data()].map(|prefix| format!("{prefix}{id}"))
}

/// Nothing of the file is there: no anchor of any kind, and no memory.
fn nothing_left(prefixes: &Prefixes, id: &str, what: &str) {
    assert_eq!(left_behind(prefixes.data().trim_end_matches("data-")), [""; 0], "{what}");
    for name in objects(prefixes, id) {
        assert!(!has_memory(&name), "{what}: the memory of {name}");
    }
}

fn make_another(prefixes: &Prefixes) {
    drop(MmFile::create_new(64, &create_options(prefixes, "another", Lifetime::Creator)).unwrap());
}

fn make_again(prefixes: &Prefixes, what: &str) {
    let options = create_options(prefixes, "it", Lifetime::Creator);
    let file = MmFile::create_new(64, &options).unwrap();
    assert_eq!(file.append("anew").unwrap(), 0, "{what}");
    assert_eq!(open(prefixes, "it").unwrap().read_text(0).unwrap(), "anew", "{what}");
}

#[test]
fn killed_while_an_object_comes() {
    support::play(ROLES);
    let test = "anchors::killed_while_an_object_comes";
    let mut figures = Figures::new("making anchors");
    let points = ["anchor.made", "anchor.memory", "anchor.filled", "anchor.sized"];
    let second = points.map(|point| format!("{point}:2"));
    for point in points.into_iter().chain(second.iter().map(String::as_str)) {
        for again in [false, true] {
            let prefixes = own_prefixes("anchor-comes");
            let mut actor = start(test, "creator", &prefixes, "it", point);
            assert_eq!(actor.line(), None);
            actor.wait_killed(point);
            figures.kills += 1;
            if again {
                make_again(&prefixes, point);
            } else {
                assert_eq!(open(&prefixes, "it").unwrap_err().code(), "ERR_MMFILE_NOT_FOUND");
                make_another(&prefixes);
            }
            nothing_left(&prefixes, "it", point);
        }
    }
    figures.report();
}

#[test]
fn killed_while_an_object_goes() {
    support::play(ROLES);
    let test = "anchors::killed_while_an_object_goes";
    let mut figures = Figures::new("taking anchors away");
    for point in ["+anchor.aside", "+anchor.freed", "+anchor.aside:2", "+anchor.freed:2"] {
        for with_survivor in [false, true] {
            let prefixes = own_prefixes("anchor-goes");
            let mut actor = start(test, "closer", &prefixes, "it", point);
            assert_eq!(actor.expect(), "made");
            let survivor = with_survivor.then(|| open(&prefixes, "it").unwrap());
            actor.tell("close");
            actor.wait_killed(point);
            figures.kills += 1;
            let error = open(&prefixes, "it").unwrap_err();
            assert_eq!(error.code(), "ERR_MMFILE_NOT_FOUND", "{point}");
            make_again(&prefixes, point);
            if let Some(survivor) = survivor {
                assert_eq!(survivor.append("still here").unwrap(), 1, "{point}");
                make_again(&prefixes, point);
                drop(survivor);
            }
            make_another(&prefixes);
            nothing_left(&prefixes, "it", point);
        }
    }
    figures.report();
}

/// Memory does not survive a restart; the files that stand for it do.
#[test]
fn a_restart_leaves_nothing_in_the_way() {
    support::play(ROLES);
    let test = "anchors::a_restart_leaves_nothing_in_the_way";
    for again in [false, true] {
        let prefixes = own_prefixes("restart");
        let mut actor: Actor = start(test, "creator", &prefixes, "it", "none");
        assert_eq!(actor.expect(), "made");
        actor.kill();
        for name in objects(&prefixes, "it") {
            unlink_memory(&name);
        }
        if again {
            make_again(&prefixes, "restart");
        } else {
            assert_eq!(open(&prefixes, "it").unwrap_err().code(), "ERR_MMFILE_NOT_FOUND");
        }
        nothing_left(&prefixes, "it", "restart");
    }
}

/// Two names that differ in their capitals alone, in a folder whose file system may not tell them apart.
#[test]
fn capitals_make_another_name() {
    let prefixes = own_prefixes("capitals");
    let make = |id| MmFile::create_new(64, &create_options(&prefixes, id, Lifetime::Creator));
    let (small, large) = (make("tasks").unwrap(), make("Tasks").unwrap());
    small.append("small").unwrap();
    large.append("large").unwrap();
    assert_eq!(open(&prefixes, "Tasks").unwrap().read_text(0).unwrap(), "large");
    let mut ids: Vec<String> =
        list(&prefixes).unwrap().into_iter().map(|info| info.id.to_string()).collect();
    ids.sort();
    assert_eq!(ids, ["Tasks", "tasks"]);
}
