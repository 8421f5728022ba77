//! Every point at which the library can be made to die is died at by a test, on every platform that has it.

use super::{channels, closing, disk, lifecycle, locking, operations, repairs, sweeping};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

const LINUX: bool = cfg!(all(target_os = "linux", not(mmfile_portable)));
const MACOS: bool = cfg!(any(target_os = "macos", mmfile_portable));

/// Sources that are not part of every build, and whether they are part of this one.
const SOMEWHERE: &[(&str, bool)] = &[
    ("platform/linux/", LINUX),
    ("platform/robust_mutex.rs", LINUX),
    ("platform/macos/", MACOS),
    ("platform/unix/", cfg!(unix)),
    ("platform/windows/", cfg!(windows)),
    ("platform/loom/", false),
    ("object/", cfg!(unix)),
];

/// The names of all fault points in the sources below `folder`, which is `inside` of them, and whether they
/// are part of this build.
fn in_sources(folder: &Path, inside: &str, found: &mut Vec<(String, bool)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{inside}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            in_sources(&path, &format!("{name}/"), found);
        } else if name.ends_with(".rs") {
            let here = SOMEWHERE.iter().all(|(part, here)| *here || !name.starts_with(part));
            let text = std::fs::read_to_string(&path).unwrap();
            for call in text.split("fault::point(").skip(1) {
                let name = call.strip_prefix('"').and_then(|rest| rest.split_once('"'));
                let (name, _) = name.unwrap_or_else(|| panic!("no name: {call:.40}"));
                found.push((name.to_owned(), here));
            }
        }
    }
}

/// All fault points of all platforms, and whether this build has them.
static ALL: LazyLock<Vec<(String, bool)>> = LazyLock::new(|| {
    let mut found = vec![("ftruncate".to_owned(), super::HAS_TRUNCATING)];
    in_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    found
});

/// The name of a point, without what says which of its passings is meant.
fn name_of(point: &str) -> &str {
    point.split_once(':').map_or(point, |(name, _)| name)
}

/// Whether this platform has a point.
pub fn is_here(point: &str) -> bool {
    ALL.iter().any(|(name, here)| *here && name == name_of(point))
}

/// Those of the points in some tables that this platform has.
pub fn of(tables: &[&[&'static str]]) -> Vec<&'static str> {
    tables.concat().into_iter().filter(|point| is_here(point)).collect()
}

/// The tables say where victims die; that they do is checked where each is killed.
#[test]
fn every_fault_point_has_its_kill() {
    let mut covered: Vec<&str> = Vec::new();
    covered.extend(operations::APPENDING.iter().map(|(point, ..)| point));
    covered.insert(0, operations::SHORTENED.0);
    covered.extend(operations::SEALING.iter().map(|(point, ..)| point));
    covered.extend(operations::ADOPTING);
    covered.extend(operations::WAITED_FOR.iter().map(|(point, ..)| point));
    covered.extend(locking::HOLDING.iter().map(|(point, ..)| point));
    covered.extend(locking::QUEUEING.iter().map(|(point, ..)| point));
    covered.extend(repairs::points());
    covered.extend(lifecycle::CREATING);
    covered.extend(lifecycle::OPENING);
    covered.extend(closing::CLOSING.concat());
    covered.extend(closing::LEAVING.concat());
    covered.extend(sweeping::REMOVING.concat());
    covered.extend(disk::points());
    covered.extend(channels::points());
    let covered: BTreeSet<&str> = covered.into_iter().map(name_of).collect();
    let here: BTreeSet<&str> =
        ALL.iter().filter(|(_, here)| *here).map(|(name, _)| name.as_str()).collect();
    assert!(here.len() > 30);
    assert_eq!(here.difference(&covered).collect::<Vec<_>>(), [&""; 0], "not died at");
    let anywhere: BTreeSet<&str> = ALL.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(covered.difference(&anywhere).collect::<Vec<_>>(), [&""; 0], "not in the sources");
}
