//! Names: made, opened and taken away.

use super::*;
use mmfile_core::modelled::names;
use mmfile_core::{Lifetime, Prefixes, list, sweep};

fn visit() -> MmFile {
    MmFile::create_or_open(ID, CAPACITY, &options()).unwrap()
}

/// After everybody is gone, nothing is left; a sweep may have to see to it.
fn nothing_is_left() {
    here(8, None, || {
        sweep(&Prefixes::default()).unwrap();
        assert_eq!(names(), [""; 0]);
    })
    .unwrap();
}

fn two_who_create_or_open() {
    let start = |number: u8| {
        process(number.into(), None, move || {
            let file = visit();
            file.append(&[number; 4]).unwrap();
            file
        })
    };
    let (one, two) = (start(2), start(3));
    let (one, two) = (one.end().unwrap(), two.end().unwrap());
    here(4, None, move || {
        assert!(one.created() != two.created(), "two files of one name, or none");
        assert_eq!((one.len().unwrap(), two.len().unwrap()), (2, 2));
        drop((one, two));
    })
    .unwrap();
    nothing_is_left();
}

#[test]
fn one_creates_and_the_other_opens() {
    holds("createOrOpen, createOrOpen", 2, two_who_create_or_open);
}

#[test]
fn files_that_nobody_counts_as_open_are_found() {
    finds(Fault::NobodyShares, 2, two_who_create_or_open);
}

/// Opens, looks whether the name stays with the file, and leaves.
fn two_visitors() {
    let start = |number| {
        process(number, None, || {
            let _file = visit();
            let again = visit();
            assert!(!again.created(), "there are two files of one name");
        })
    };
    let (one, two) = (start(2), start(3));
    one.end().unwrap();
    two.end().unwrap();
    nothing_is_left();
}

#[test]
fn a_name_stays_with_its_file() {
    holds("open, close; open, close", 2, two_visitors);
}

/// Those who have a file open leave at once, and nobody sweeps.
fn the_last_two_leave() {
    let (one, two) = here(2, None, || (visit(), visit())).unwrap();
    let start = |number, file: MmFile| process(number, None, move || drop(file));
    let (one, two) = (start(3, one), start(4, two));
    one.end().unwrap();
    two.end().unwrap();
    here(5, None, || assert_eq!(names(), [""; 0], "each took the other for one that stays"))
        .unwrap();
}

#[test]
fn the_last_one_who_leaves_takes_the_name() {
    holds("close, close", 3, the_last_two_leave);
}

#[test]
fn one_that_is_counted_while_it_leaves_is_found() {
    finds(Fault::StaysAnnounced, 3, the_last_two_leave);
}

/// One leaves while another one comes.
fn one_leaves_and_one_comes() {
    let file = here(2, None, visit).unwrap();
    let leaves = process(3, None, move || drop(file));
    let comes = process(4, None, visit);
    leaves.end().unwrap();
    let file = comes.end().unwrap();
    here(5, None, move || {
        assert!(!visit().created(), "what is open was taken away");
        drop(file);
        assert_eq!(names(), [""; 0]);
    })
    .unwrap();
}

#[test]
fn who_comes_while_the_last_one_leaves_has_a_file() {
    holds("close, createOrOpen", 2, one_leaves_and_one_comes);
}

fn a_sweep_meets_an_opener() {
    assert!(here(2, Some("create.ready"), visit).is_none());
    let sweeps = process(3, None, || sweep(&Prefixes::default()).unwrap());
    let opens = process(4, None, visit);
    let _ = sweeps.end().unwrap();
    let file = opens.end().unwrap();
    here(5, None, move || {
        assert!(file.created());
        assert!(list(&Prefixes::default()).unwrap().iter().all(|info| !info.stale));
        assert!(!visit().created(), "what is open was swept");
    })
    .unwrap();
    nothing_is_left();
}

#[test]
fn a_sweep_takes_what_is_stale_alone() {
    holds("death before; sweep, createOrOpen", 2, a_sweep_meets_an_opener);
}

/// A creator leaves while somebody takes the name away and makes another file of it.
fn a_creator_leaves() {
    let file = here(2, None, create).unwrap();
    let leaves = process(3, None, move || {
        // Takes the registry once more: its file comes and goes with each holder.
        let _ = sweep(&Prefixes::default()).unwrap();
        drop(file);
    });
    let makes = process(4, None, || {
        let _ = mmfile_core::remove(&FileId::parse(ID).unwrap(), &Prefixes::default());
        let last = CreateOptions { lifetime: Lifetime::LastProcess, ..options() };
        MmFile::create_new(CAPACITY, &last).unwrap()
    });
    leaves.end().unwrap();
    let file = makes.end().unwrap();
    here(5, None, move || {
        assert!(open().is_ok(), "somebody else's file was taken away");
        drop(file);
    })
    .unwrap();
    nothing_is_left();
}

#[test]
fn who_leaves_takes_only_its_own_name() {
    holds("close, remove and createNew", 2, a_creator_leaves);
}

#[test]
fn a_registry_whose_file_is_gone_is_found() {
    finds(Fault::RegistryNotLookedAt, 2, a_creator_leaves);
}

#[test]
fn a_name_taken_without_comparison_is_found() {
    finds(Fault::NoComparison, 2, a_creator_leaves);
}

const DEATHS: [&str; 12] = [
    "create.swept",
    "create.control",
    "create.shared",
    "create.data",
    "create.identity",
    "create.described",
    "create.ready",
    "remove.data",
    "registry.opened",
    "registry.held",
    "registry.leaving",
    "registry.unlinked",
];

fn a_creator_dies<const AT: usize>() {
    let dies = process(2, Some(DEATHS[AT]), || drop(MmFile::create_new(CAPACITY, &options())));
    let opens = process(3, None, visit);
    let _ = dies.end(); // where the other was first, it lives
    let file = opens.end().unwrap();
    here(4, None, move || {
        // A name that its creator began to take away is free, and the file goes on without it.
        let ended = DEATHS[AT] == "remove.data";
        assert!(ended || !visit().created(), "what is open was taken away");
        drop(visit());
        drop(file);
    })
    .unwrap();
    nothing_is_left();
}

#[test]
fn a_creator_may_die() {
    holds("death before it began", 1, a_creator_dies::<0>);
    holds("death with a control object", 1, a_creator_dies::<1>);
    holds("death with one that it shares", 1, a_creator_dies::<2>);
    holds("death with a data object", 1, a_creator_dies::<3>);
    holds("death before the description", 1, a_creator_dies::<4>);
    holds("death before it is ready", 1, a_creator_dies::<5>);
    holds("death when it is ready", 1, a_creator_dies::<6>);
    holds("death while it leaves", 1, a_creator_dies::<7>);
    holds("death before the registry", 1, a_creator_dies::<8>);
    holds("death with nothing but the registry", 1, a_creator_dies::<9>);
    holds("death before the registry is free", 1, a_creator_dies::<10>);
    holds("death with a registry that has no name", 1, a_creator_dies::<11>);
}
