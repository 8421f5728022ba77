//! A process that is killed while it creates something leaves at most a staging object, whose memory the
//! next creation frees before it reserves its own.

use super::support::{
    self, Actor, Folder, Watchdog, common_part, hear, left_behind, own_prefixes, say,
};
use mmfile_core::*;
use std::path::PathBuf;
use std::time::Duration;

const ROLES: &[support::Role] = &[("creator", creator)];
const POINTS: [&str; 6] = [
    "create.swept",
    "stage.made",
    "create.joined",
    "fill.part",
    "create.reserved",
    "create.described",
];

fn creator(args: &[String]) {
    let options = CreateOptions {
        prefixes: Prefixes::new(&args[0], &args[1]).unwrap(),
        directory: (!args[2].is_empty()).then(|| PathBuf::from(&args[2])),
        ..Default::default()
    };
    let _file = MmFile::create_new(args[3].parse().unwrap(), &options).unwrap();
    say("created");
    hear();
}

#[test]
fn a_killed_creation_is_freed_before_the_next_one_reserves() {
    support::play(ROLES);
    if support::skips_in_chosen_folder() {
        return;
    }
    let test = "staging::a_killed_creation_is_freed_before_the_next_one_reserves";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let folder = Folder::new("staging");
    for (directory, capacity) in
        [("", "100"), ("", "3000000"), ("folder", "100"), ("folder", "3000000")]
    {
        let prefixes = own_prefixes("killed");
        let directory = if directory.is_empty() { "" } else { folder.path().to_str().unwrap() };
        let left = || {
            let mut names = left_behind(common_part(&prefixes));
            names.extend(folder.names());
            names
        };
        let args = [prefixes.data(), prefixes.mutex(), directory, capacity];
        for point in POINTS {
            let what = format!("{directory:?}, {capacity} bytes, {point}");
            Actor::start_with_fault(test, "creator", &args, point).wait_killed(&what);
            // Only a small object in shared memory, or one with an anchor, has a name by then.
            let anchored = cfg!(any(target_os = "macos", mmfile_portable));
            let has_name =
                (anchored || directory.is_empty() && capacity == "100") && point != "create.swept";
            let names = left();
            assert_eq!(names.len(), usize::from(has_name), "{what}: {names:?}");
            assert!(names.iter().all(|name| name.contains('~')), "{what}: {names:?}");
            // Killed again before it reserves anything.
            Actor::start_with_fault(test, "creator", &args, "create.swept").wait_killed(&what);
            assert_eq!(left(), [""; 0], "{what}");
            // A process that has created something before does not check again: a listing does.
            Actor::start_with_fault(test, "creator", &args, point).wait_killed(&what);
            let directory = (!directory.is_empty()).then(|| directory.into());
            let listing = ListOptions { directory, ..support::listing(&prefixes) };
            assert_eq!(list(&listing).unwrap(), [], "{what}");
            assert_eq!(left(), [""; 0], "{what}");
        }
        let mut last = Actor::start(test, "creator", &args);
        assert_eq!(last.expect(), "created");
        last.finish();
        assert_eq!(left(), [""; 0]);
    }
}
