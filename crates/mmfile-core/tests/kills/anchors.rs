//! Remains of objects that consist of an anchor and of memory: the anchors survive a restart of the machine,
//! in folders that may not distinguish capitals. More kills between the steps that create and remove the two
//! are in `lifecycle.rs`, `closing.rs` and `sweeping.rs`.

use super::closing::{CLOSING, closer};
use super::figures::Figures;
use super::lifecycle::{CREATING, Next, creator};
use super::place::{Place, Staging};
use super::points;
use super::support::{self, has_memory, memory_of, path, unlink_memory};
use mmfile_core::*;
use std::ffi::CString;

const ROLES: &[support::Role] = &[("creator", creator), ("closer", closer)];

/// The memory of the only object of a place, if it has any.
fn memory(place: &Place) -> Option<CString> {
    let names = place.names();
    assert!(names.len() <= 1, "{names:?}");
    names.first().and_then(|name| memory_of(&path(name))).map(|(memory, _)| memory)
}

/// Nothing tells what memory there is but the files.
#[test]
fn memory_goes_with_the_file_that_stands_for_it() {
    support::play(ROLES);
    let test = "anchors::memory_goes_with_the_file_that_stands_for_it";
    let mut figures = Figures::new("creating and removing anchors");
    let creating = points::of(&[CREATING]).into_iter().map(|point| ("creator", point.to_owned()));
    let closing = points::of(CLOSING).into_iter().map(|point| ("closer", format!("+{point}")));
    for (role, point) in creating.chain(closing) {
        for next in Next::ALL {
            let place = Place::new(Staging::Named, "anchors");
            let mut actor = place.start(test, role, &["it"], &point);
            if role == "closer" {
                assert_eq!(actor.expect(), "made");
                actor.tell("close");
            }
            actor.wait_killed(&point);
            figures.kills += 1;
            let memory = memory(&place);
            let has_none =
                ["create.swept", "stage.made", "+unlink.done", "+remove.unlinked", "+close.done"];
            assert_eq!(memory.is_none(), has_none.contains(&point.as_str()), "{point}");
            next.comes(&place, "it", 0, &point);
            place.sweep_leaves_nothing(&point);
            assert!(!memory.is_some_and(|memory| has_memory(&memory)), "{point}, then {next:?}");
        }
    }
    figures.report();
}

/// Memory does not survive a restart; anchors do, as far as they were on the disk.
#[test]
fn a_restart_leaves_nothing_in_the_way() {
    support::play(ROLES);
    let test = "anchors::a_restart_leaves_nothing_in_the_way";
    for (next, in_order) in Next::ALL.into_iter().flat_map(|next| [(next, true), (next, false)]) {
        let place = Place::new(Staging::Named, "restart");
        let mut actor = place.start(test, "creator", &["it"], "none");
        assert_eq!(actor.expect(), "made");
        actor.kill();
        unlink_memory(&memory(&place).unwrap());
        if !in_order {
            std::fs::write(path(&place.names()[0]), "").unwrap();
        }
        next.comes(&place, "it", 0, "restart");
        place.sweep_leaves_nothing("restart");
    }
}

/// Two names that differ in their capitals alone, in a folder whose file system may not tell them apart.
#[test]
fn capitals_make_another_name() {
    let place = Place::new(Staging::Named, "capitals");
    let make = |id| place.create(id, Lifetime::Creator).unwrap();
    let (small, large) = (make("tasks"), make("Tasks"));
    small.append("small").unwrap();
    large.append("large").unwrap();
    assert_eq!(place.open("Tasks").unwrap().read_text(0).unwrap(), "large");
    let rows = list(&place.list_options()).unwrap();
    let mut ids: Vec<String> = rows.into_iter().map(|info| info.id.to_string()).collect();
    ids.sort();
    assert_eq!(ids, ["Tasks", "tasks"]);
}
