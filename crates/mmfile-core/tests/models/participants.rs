//! The table of participants: a row that is reported is whole.

use super::*;
use mmfile_core::{Access, Lifetime};

fn open_to_read() -> MmFile {
    let access = Access::Read;
    MmFile::open_existing(ID, &OpenOptions { access, ..OpenOptions::default() }).unwrap()
}

fn create_for_the_last() -> MmFile {
    MmFile::create_new(CAPACITY, &CreateOptions { lifetime: Lifetime::LastProcess, ..options() })
        .unwrap()
}

/// Two enter a table in which one row is free and one is a dead process's; a third reads it.
fn two_enter() {
    let first = here(2, None, create_for_the_last).unwrap();
    assert!(here(3, Some("open.entered"), open_to_read).is_none());
    let start = |number| process(number, None, || open().unwrap());
    let (one, two) = (start(4), start(5));
    let reads = process(2, None, move || {
        let rows = first.peers();
        assert!(rows.iter().all(|row| row.access == Access::ReadWrite), "a mixed row");
        assert!(rows.iter().filter(|row| row.is_self).count() == 1, "its own row is gone");
        first
    });
    let (one, two, first) = (one.end().unwrap(), two.end().unwrap(), reads.end().unwrap());
    here(6, None, move || {
        assert_eq!(first.peers().len(), 3, "two have one row");
        drop((one, two));
        assert_eq!(first.peers().len(), 1);
        drop(first);
    })
    .unwrap();
}

#[test]
fn a_row_is_whole() {
    holds("death before; enter, enter, read", 1, two_enter);
}

#[test]
fn a_row_that_counts_before_it_is_filled_is_found() {
    finds(Fault::LiveBeforeContents, 1, two_enter);
}

/// A creator leaves, and a reader takes its row, while another one reads the table.
fn a_row_changes_hands() {
    let creator = here(2, None, create_for_the_last).unwrap();
    let (second, third) = here(3, None, || (open().unwrap(), open().unwrap())).unwrap();
    let leaves = process(2, None, move || drop(creator));
    let enters = process(4, None, open_to_read);
    let reads = process(3, None, move || {
        let rows = second.peers();
        assert!(
            rows.iter().all(|row| !row.is_creator || row.access == Access::ReadWrite),
            "a mixed row"
        );
        second
    });
    leaves.end().unwrap();
    let files = (enters.end().unwrap(), reads.end().unwrap(), third);
    close(files);
}

#[test]
fn a_row_that_changes_hands_is_whole() {
    holds("leave, enter, read", 2, a_row_changes_hands);
}
