//! One of the processes dies at a point of the protocol.

use super::*;

fn a_sweep_dies<const AT: usize>() {
    stale_file();
    let dies = process(3, Some(["remove.locked", "remove.unlinked"][AT]), sweep_all);
    let opens = process(4, None, create_or_open);
    let _ = dies.end(); // where the other was first, it lives
    let file = opens.end().unwrap();
    assert!(file.is_creator(), "a stale file was opened");
    is_found(file);
    nothing_is_left();
}

#[test]
fn a_sweep_may_die() {
    holds("death of a sweep before it removes", 4, a_sweep_dies::<0>);
    holds("death of a sweep that removed", 4, a_sweep_dies::<1>);
}

#[test]
fn a_sweeper_that_counts_as_alive_is_found() {
    finds(Fault::AnyLockIsAlive, 2, a_sweep_dies::<0>);
}

fn a_remover_dies<const AT: usize>() {
    let file = here(2, None, create_or_open).unwrap();
    let point = ["remove.ended", "remove.locked", "remove.unlinked"][AT];
    let dies = process(3, Some(point), || {
        let _ = remove(&FileId::parse(ID).unwrap(), Kind::File, &ListOptions::default());
    });
    let opens = process(4, None, create_or_open);
    let _ = dies.end(); // where the other removes the name, it lives
    let other = opens.end().unwrap();
    here(5, None, || drop(create_or_open())).unwrap();
    here(6, None, move || drop((file, other))).unwrap();
    one_sweep_leaves_nothing();
}

#[test]
fn a_remover_may_die() {
    holds("death of a remover of what has ended", 3, a_remover_dies::<0>);
    holds("death of a remover before it removes", 3, a_remover_dies::<1>);
    holds("death of a remover that removed", 3, a_remover_dies::<2>);
}

const CREATOR_DEATHS: [&str; 12] = [
    "create.swept",
    "stage.made",
    "create.joined",
    "create.reserved",
    "participant.claimed",
    "create.described",
    "create.published",
    "create.entered",
    "close.ended",
    "remove.locked",
    "remove.unlinked",
    "close.left",
];

/// `close.left` is passed by the last process of a file that has no creator's lifetime.
fn a_creator_dies<const AT: usize>() {
    let point = CREATOR_DEATHS[AT];
    let last = point == "close.left";
    let lifetime = if last { Lifetime::LastProcess } else { Lifetime::Creator };
    let dies = process(3, Some(point), move || drop(create_new(lifetime)));
    let opens = process(4, None, create_or_open);
    let _ = dies.end(); // where the other was first, it lives
    let file = opens.end().unwrap();
    if matches!(point, "close.ended" | "remove.locked" | "remove.unlinked") {
        // The file may have ended, and its name is free then.
        here(7, None, || drop((file, create_or_open()))).unwrap();
    } else {
        is_found(file);
    }
    one_sweep_leaves_nothing();
}

#[test]
fn a_creator_may_die() {
    holds("death before it began", 3, a_creator_dies::<0>);
    holds("death with a staging object", 3, a_creator_dies::<1>);
    holds("death with one that it locked", 3, a_creator_dies::<2>);
    holds("death with one that has its memory", 3, a_creator_dies::<3>);
    holds("death with one that is described", 3, a_creator_dies::<4>);
    holds("death with a name", 3, a_creator_dies::<5>);
    holds("death with half a row", 3, a_creator_dies::<6>);
    holds("death when it is done", 3, a_creator_dies::<7>);
    holds("death when the file has ended", 3, a_creator_dies::<8>);
    holds("death before it removes the name", 3, a_creator_dies::<9>);
    holds("death without a name", 3, a_creator_dies::<10>);
    holds("death when it has left", 3, a_creator_dies::<11>);
}

const OPENER_DEATHS: [&str; 3] = ["open.joined", "open.mapped", "open.entered"];

/// An opener dies while the last other process leaves and opens again, and a third one sweeps.
fn an_opener_dies<const AT: usize>() {
    let file = here(2, None, create_or_open).unwrap();
    let dies = process(3, Some(OPENER_DEATHS[AT]), || drop(open()));
    let opens = process(4, None, move || {
        drop(file);
        create_or_open()
    });
    let sweeps = process(5, None, sweep_all);
    let _ = dies.end(); // where it finds nothing, it lives
    let _ = sweeps.end().unwrap();
    is_found(opens.end().unwrap());
    one_sweep_leaves_nothing();
}

#[test]
fn an_opener_may_die() {
    holds("death of an opener that joined", 2, an_opener_dies::<0>);
    holds("death of an opener that mapped", 2, an_opener_dies::<1>);
    holds("death of an opener that entered", 2, an_opener_dies::<2>);
}
