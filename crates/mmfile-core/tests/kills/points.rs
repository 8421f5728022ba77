//! Every point at which the library can be made to die is died at by a test.

use super::{closing, disk, lifecycle, operations, repairs, sweeping};
use std::collections::BTreeSet;
use std::path::Path;

/// The names of all fault points in the sources below `folder`.
fn in_sources(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            in_sources(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for call in text.split("fault::point(").skip(1) {
                let name = call.strip_prefix('"').and_then(|rest| rest.split_once('"'));
                let (name, _) = name.unwrap_or_else(|| panic!("no name: {call:.40}"));
                names.insert(name.to_owned());
            }
        }
    }
}

/// Passed where an object's name and its memory are two things; `anchors.rs` kills there.
const ANCHORS: &[&str] = &["anchor.made", "anchor.memory", "anchor.aside", "anchor.freed"];

/// The tables say where victims die; that they do is checked where each is killed.
#[test]
fn every_fault_point_has_its_kill() {
    let mut covered: BTreeSet<&str> = BTreeSet::new();
    covered.extend(operations::APPENDING.iter().map(|(point, ..)| point));
    covered.extend(operations::SEALING.iter().map(|(point, ..)| point));
    covered.extend(operations::ADOPTING);
    covered.extend(operations::WAITED_FOR.iter().map(|(point, ..)| point));
    covered.extend(repairs::points());
    covered.extend(lifecycle::CREATING);
    covered.extend(lifecycle::OPENING);
    covered.extend(closing::CLOSING);
    covered.extend(closing::LEAVING);
    covered.extend(sweeping::SWEEPING);
    covered.extend(sweeping::MAKING);
    covered.extend(disk::points());
    covered.extend(ANCHORS);
    let covered: BTreeSet<&str> =
        covered.into_iter().map(|point| point.trim_start_matches('+')).collect();
    let mut there = BTreeSet::new();
    in_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut there);
    let there: BTreeSet<&str> = there.iter().map(String::as_str).collect();
    assert!(there.len() > 30);
    let missing: Vec<_> = there.difference(&covered).collect();
    let invented: Vec<_> = covered.difference(&there).collect();
    assert_eq!((missing, invented), (vec![], vec![]), "(not died at, not in the sources)");
}
