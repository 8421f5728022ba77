//! Ids and prefixes.

use mmfile_core::{FileId, Prefixes};

#[test]
fn uuids_are_one_id_in_any_form() {
    let plain = FileId::parse("0f8fad5b-d9cb-469f-a165-70867728950e").unwrap();
    let braced = FileId::parse("{0F8FAD5B-D9CB-469F-A165-70867728950E}").unwrap();
    assert_eq!(plain, braced);
    assert_eq!(plain.as_str(), "0f8fad5b-d9cb-469f-a165-70867728950e");
}

#[test]
fn names_keep_their_case() {
    assert_eq!(FileId::parse("Tasks.v1_a-B").unwrap().as_str(), "Tasks.v1_a-B");
    assert!(FileId::parse(&"x".repeat(64)).is_ok());
}

#[test]
fn malformed_ids_are_refused() {
    let long = "x".repeat(65);
    for bad in ["", "..", ".", "a/b", "a\\b", "a b", "ä", "a\0b", "{abc}", long.as_str()] {
        assert_eq!(FileId::parse(bad).unwrap_err().code(), "ERR_INVALID_ARG_VALUE", "{bad:?}");
    }
}

#[test]
fn fresh_ids_differ() {
    assert_ne!(FileId::random(), FileId::random());
}

#[test]
fn prefixes_are_checked() {
    assert!(Prefixes::new("a-", "b-").is_ok());
    assert!(Prefixes::new("", "b-").is_ok());
    assert!(Prefixes::new("a-", "a-").is_err());
    assert!(Prefixes::new("../", "b-").is_err());
}
