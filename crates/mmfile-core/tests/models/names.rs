//! Names: objects that are created, opened and removed at once. In every order a handle's name leads to the
//! handle's object, from the moment at which it is open until it closes or the object ends.

mod deaths;
mod deaths_at_calls;

use super::*;
use mmfile_core::platform::loom::{Watched, names};
use mmfile_core::{Kind, Lifetime, ListOptions, Span, list, remove, sweep};
use std::ops::Deref;

const NAME: &str = "mmfile-data-m";

/// A handle; while it is open, the kernel checks its name.
struct Open {
    _watched: Watched,
    file: MmFile,
}

impl Deref for Open {
    type Target = MmFile;

    fn deref(&self) -> &MmFile {
        &self.file
    }
}

fn watch(file: MmFile) -> Open {
    let start = file.address(Span { offset: 0, size: 0 }).unwrap();
    Open { _watched: Watched::new(NAME, start), file }
}

fn create_or_open() -> Open {
    watch(MmFile::create_or_open(ID, CAPACITY, &options()).unwrap())
}

fn create_new(lifetime: Lifetime) -> Result<Open> {
    MmFile::create_new(CAPACITY, &CreateOptions { lifetime, ..options() }).map(watch)
}

/// A file that a process had open when it died.
fn stale_file() {
    assert!(here(2, Some("create.entered"), create_or_open).is_none());
}

fn sweep_all() -> usize {
    sweep(&ListOptions::default()).unwrap().len()
}

/// No process died, and all have left.
fn nothing_is_left() {
    here(8, None, || assert_eq!(names(), [""; 0])).unwrap();
}

/// All have left, and one died.
fn one_sweep_leaves_nothing() {
    here(8, None, || {
        sweep_all();
        assert_eq!(names(), [""; 0]);
    })
    .unwrap();
}

/// The name leads to the file of the handle, which is closed then.
fn is_found(file: Open) {
    here(7, None, move || {
        assert!(!create_or_open().is_creator(), "its name leads elsewhere");
        assert!(list(&ListOptions::default()).unwrap().iter().all(|info| !info.stale));
        drop(file);
    })
    .unwrap();
}

fn two_create_or_open() {
    let start = |number: u8| {
        process(number.into(), None, move || {
            let file = create_or_open();
            file.append(&[number; 4]).unwrap();
            file
        })
    };
    let (one, two) = (start(3), start(4));
    let (one, two) = (one.end().unwrap(), two.end().unwrap());
    here(5, None, move || {
        assert!(one.is_creator() != two.is_creator(), "two files of one name, or none");
        assert_eq!((one.len().unwrap(), two.len().unwrap()), (2, 2));
        drop((one, two));
    })
    .unwrap();
    nothing_is_left();
}

#[test]
fn one_creates_and_the_other_opens() {
    holds("createOrOpen, createOrOpen", 3, two_create_or_open);
}

#[test]
fn handles_without_a_lock_are_found() {
    finds(Fault::NoBytesLocked, 2, two_create_or_open);
}

fn two_create() {
    let start = |number| process(number, None, || create_new(Lifetime::Creator));
    let (one, two) = (start(3), start(4));
    let (one, two) = (one.end().unwrap(), two.end().unwrap());
    here(5, None, move || {
        assert!(one.is_ok() != two.is_ok(), "two files of one name, or none");
        let error = one.as_ref().err().or(two.as_ref().err()).unwrap();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        drop((one, two));
    })
    .unwrap();
    nothing_is_left();
}

#[test]
fn one_of_two_creates() {
    holds("createNew, createNew", 4, two_create);
}

fn two_visit() {
    let start = |number| process(number, None, || drop(create_or_open()));
    let (one, two) = (start(3), start(4));
    one.end().unwrap();
    two.end().unwrap();
    nothing_is_left();
}

#[test]
fn a_name_stays_with_its_file() {
    holds("open, close; open, close", 4, two_visit);
}

#[test]
fn a_removal_without_the_exclusive_lock_is_found() {
    finds(Fault::NameForAll, 2, one_leaves_and_one_comes);
}

/// The last two leave at once, and no process sweeps.
fn the_last_two_leave() {
    let (one, two) = here(2, None, || (create_or_open(), create_or_open())).unwrap();
    let start = |number, file: Open| process(number, None, move || drop(file));
    let (one, two) = (start(3, one), start(4, two));
    one.end().unwrap();
    two.end().unwrap();
    nothing_is_left();
}

#[test]
fn the_last_one_removes_the_name() {
    holds("close, close", 4, the_last_two_leave);
}

#[test]
fn a_handle_that_counts_while_it_leaves_is_found() {
    finds(Fault::StaysLocked, 3, the_last_two_leave);
}

fn one_leaves_and_one_comes() {
    let file = here(2, None, create_or_open).unwrap();
    let leaves = process(3, None, move || drop(file));
    let comes = process(4, None, create_or_open);
    leaves.end().unwrap();
    is_found(comes.end().unwrap());
    nothing_is_left();
}

#[test]
fn an_opener_meets_the_last_one() {
    holds("close, createOrOpen", 5, one_leaves_and_one_comes);
}

fn a_sweep_meets_an_opener() {
    stale_file();
    let sweeps = process(3, None, sweep_all);
    let opens = process(4, None, create_or_open);
    assert!(sweeps.end().unwrap() < 2);
    let file = opens.end().unwrap();
    assert!(file.is_creator(), "a stale file was opened");
    is_found(file);
    nothing_is_left();
}

#[test]
fn a_sweep_removes_only_stale_objects() {
    holds("death before; sweep, createOrOpen", 4, a_sweep_meets_an_opener);
}

fn two_find_a_stale_file() {
    stale_file();
    let (one, two) = (process(3, None, create_or_open), process(4, None, create_or_open));
    let (one, two) = (one.end().unwrap(), two.end().unwrap());
    assert!(one.is_creator() != two.is_creator(), "a stale file was opened, or there are two");
    here(5, None, move || drop((one, two))).unwrap();
    nothing_is_left();
}

#[test]
fn a_stale_file_is_replaced_once() {
    holds("death before; createOrOpen, createOrOpen", 3, two_find_a_stale_file);
}

fn three_meet_a_stale_file() {
    stale_file();
    let (one, two) = (process(3, None, create_or_open), process(4, None, create_or_open));
    let sweeps = process(5, None, sweep_all);
    let (one, two) = (one.end().unwrap(), two.end().unwrap());
    assert!(sweeps.end().unwrap() < 2);
    assert!(one.is_creator() != two.is_creator(), "a stale file was opened, or there are two");
    here(6, None, move || drop((one, two))).unwrap();
    nothing_is_left();
}

#[test]
fn a_sweep_meets_two_openers() {
    holds("death before; createOrOpen, createOrOpen, sweep", 1, three_meet_a_stale_file);
}

/// A creator leaves a file that another process has open.
fn a_creator_leaves() {
    let file = here(2, None, || create_new(Lifetime::Creator)).unwrap().unwrap();
    let leaves = process(3, None, move || drop(file));
    let opens = process(4, None, || open().map(watch));
    leaves.end().unwrap();
    let other = opens.end().unwrap();
    here(5, None, move || {
        assert!(matches!(open(), Err(Error::NotFound { .. })), "an ended file was opened");
        assert_eq!(names(), [""; 0]);
        drop(other);
    })
    .unwrap();
}

#[test]
fn a_creator_takes_the_name_with_it() {
    holds("close of the creator, open", 4, a_creator_leaves);
}

#[test]
fn a_name_that_outlives_its_creator_is_found() {
    finds(Fault::AllForTheName, 2, a_creator_leaves);
}

/// A creator leaves while another process removes the name and gives it to another file.
fn a_name_changes_its_file() {
    let file = here(2, None, || create_new(Lifetime::Creator)).unwrap().unwrap();
    let leaves = process(3, None, move || drop(file));
    let makes = process(4, None, || {
        let _ = remove(&FileId::parse(ID).unwrap(), Kind::File, &ListOptions::default());
        create_new(Lifetime::LastProcess).unwrap()
    });
    leaves.end().unwrap();
    is_found(makes.end().unwrap());
    nothing_is_left();
}

#[test]
fn a_creator_removes_its_own_name_alone() {
    holds("close of the creator, remove and createNew", 4, a_name_changes_its_file);
}

#[test]
fn a_removal_without_comparison_is_found() {
    finds(Fault::NoComparison, 2, a_name_changes_its_file);
}

/// A name is removed while one process has its file open and another one opens it.
fn a_name_is_removed() {
    let file = here(2, None, create_or_open).unwrap();
    let removes = process(3, None, || {
        remove(&FileId::parse(ID).unwrap(), Kind::File, &ListOptions::default()).unwrap();
    });
    let opens = process(4, None, create_or_open);
    removes.end().unwrap();
    let other = opens.end().unwrap();
    here(5, None, move || drop((file, other))).unwrap();
    nothing_is_left();
}

#[test]
fn a_removed_name_is_free() {
    holds("remove, createOrOpen", 3, a_name_is_removed);
}

/// A creator leaves while one process opens its file, and another one opens or creates one.
fn a_creator_leaves_two() {
    let file = here(2, None, || create_new(Lifetime::Creator)).unwrap().unwrap();
    let leaves = process(3, None, move || drop(file));
    let opens = process(4, None, || open().map(watch));
    let creates = process(5, None, create_or_open);
    leaves.end().unwrap();
    let (one, two) = (opens.end().unwrap(), creates.end().unwrap());
    here(6, None, move || {
        if two.is_creator() {
            assert!(!create_or_open().is_creator(), "its name leads elsewhere");
        }
        drop((one, two));
    })
    .unwrap();
    nothing_is_left();
}

#[test]
fn a_creator_leaves_an_object_that_others_open() {
    holds("close of the creator, open, createOrOpen", 1, a_creator_leaves_two);
}
