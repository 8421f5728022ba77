//! Every point at which the library can be made to die is died at by a test, on every platform that has it.

use super::{closing, disk, lifecycle, locking, mutexes, operations, repairs, sweeping};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

const LINUX: bool = cfg!(all(target_os = "linux", not(mmfile_portable)));
const ANCHORED: bool = cfg!(any(target_os = "macos", mmfile_portable));

/// Sources that are not part of every build, and whether they are part of this one.
const SOMEWHERE: &[(&str, bool)] = &[
    ("lock/linux.rs", LINUX),
    ("lock/robust_list.rs", LINUX),
    ("lock/portable.rs", ANCHORED),
    ("lock/windows.rs", cfg!(windows)),
    ("mapping/anchored/", ANCHORED),
    ("mapping/named.rs", LINUX),
    ("mapping/reserve.rs", cfg!(target_os = "linux")),
    ("mapping/reserve_apple.rs", cfg!(target_os = "macos")),
    ("mapping/windows/", cfg!(windows)),
    ("modelled/", false),
    ("registry/lock.rs", cfg!(unix)),
    // Where names go by themselves nobody takes one away.
    ("registry/mod.rs", cfg!(unix)),
];

/// The names of all fault points in the sources of this build below `folder`, which is `inside` them.
fn in_sources(folder: &Path, inside: &str, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{inside}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            in_sources(&path, &format!("{name}/"), names);
        } else if name.ends_with(".rs")
            && SOMEWHERE.iter().all(|(part, here)| *here || !name.starts_with(part))
        {
            let text = std::fs::read_to_string(&path).unwrap();
            for call in text.split("fault::point(").skip(1) {
                let name = call.strip_prefix('"').and_then(|rest| rest.split_once('"'));
                let (name, _) = name.unwrap_or_else(|| panic!("no name: {call:.40}"));
                names.insert(name.to_owned());
            }
        }
    }
}

/// All fault points of this build.
fn all() -> &'static BTreeSet<String> {
    static ALL: OnceLock<BTreeSet<String>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut names = BTreeSet::new();
        in_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut names);
        if super::HAS_TRUNCATING {
            names.insert("ftruncate".into());
        }
        names
    })
}

/// The name of a point, without what says which of its passings is meant.
fn name_of(point: &str) -> &str {
    let name = point.trim_start_matches('+');
    name.split_once(':').map_or(name, |(name, _)| name)
}

/// Whether this platform has a point.
pub fn is_here(point: &str) -> bool {
    all().contains(name_of(point))
}

/// Those of the points that this platform has.
pub fn of(points: &'static [&'static str]) -> impl Iterator<Item = &'static str> {
    points.iter().copied().filter(|point| is_here(point))
}

/// Passed where an object's name and its memory are two things; `anchors.rs` kills there.
const ANCHORS: &[&str] = &[
    "anchor.made",
    "anchor.memory",
    "anchor.filled",
    "anchor.sized",
    "anchor.aside",
    "anchor.freed",
];

/// The tables say where victims die; that they do is checked where each is killed.
#[test]
fn every_fault_point_has_its_kill() {
    let mut covered: Vec<&str> = Vec::new();
    covered.extend(operations::APPENDING.iter().map(|(point, ..)| point));
    covered.extend(operations::SEALING.iter().map(|(point, ..)| point));
    covered.extend(operations::ADOPTING);
    covered.extend(operations::WAITED_FOR.iter().map(|(point, ..)| point));
    covered.extend(locking::HOLDING.iter().map(|(point, ..)| point));
    covered.extend(locking::QUEUEING.iter().map(|(point, ..)| point));
    covered.extend(repairs::points());
    covered.extend(lifecycle::CREATING);
    covered.extend(lifecycle::OPENING);
    covered.extend(closing::CLOSING);
    covered.extend(closing::LEAVING);
    covered.extend(sweeping::SWEEPING);
    covered.extend(sweeping::MAKING);
    covered.extend(mutexes::MAKING);
    covered.extend(mutexes::OPENING);
    covered.extend(disk::points());
    covered.extend(ANCHORS.iter().filter(|_| ANCHORED));
    let covered: BTreeSet<&str> = covered.into_iter().map(name_of).collect();
    let there: BTreeSet<&str> = all().iter().map(String::as_str).collect();
    assert!(there.len() > 30);
    let missing: Vec<_> = there.difference(&covered).collect();
    assert_eq!(missing, [&""; 0], "not died at");
    // What stands in a table and in no source of this build belongs to another one.
    let elsewhere = covered.difference(&there).filter(|name| !ELSEWHERE.contains(name));
    assert_eq!(elsewhere.collect::<Vec<_>>(), [&""; 0], "not in the sources");
}

/// What only some platforms have.
const ELSEWHERE: &[&str] = &[
    "delist.begun",
    "delist.unlinked",
    "enlist.linked",
    "enlist.listed",
    "fill.part",
    "ftruncate",
    "lock.granted",
    "lock.woken",
    "named.filled",
    "named.sized",
    "registry.held",
    "registry.leaving",
    "registry.opened",
    "registry.unlinked",
    "release.freed",
    "release.marked",
    "remove.begin",
    "remove.control",
    "remove.data",
    "unlink.begin",
    "unlink.done",
];
