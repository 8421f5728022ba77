//! Kills around files on disk, where the next process to open a file that none has open rebuilds its
//! control block.

use super::figures::Figures;
use super::lifecycle::{CREATING, OPENING};
use super::place::{Staging, start};
use super::points;
use super::support::raw::{Frames, clean_frames};
use super::support::{self, Folder, PROMPT, Random, Watchdog, say};
use super::victim::operation;
use mmfile_core::*;
use std::path::Path;
use std::time::{Duration, Instant};

const ROLES: &[support::Role] =
    &[("creator", creator), ("writer", writer), ("opener", opener), ("visitor", visitor)];
const CAPACITY: u64 = 5000;

/// Where the last writer dies, whether its segments are there then, and where the processes die that open the
/// file after it, one after the other.
const SETTLING: &[(&str, bool, &[&str])] = &[
    (
        "append.payload",
        false,
        &["repair.zeroed", "intent.begun", "intent.counted", "settle.zeroed", "open.rebuilt"],
    ),
    ("append.payload", false, &["intent.counted:2", "commit.tail", "commit.count"]),
    ("append.intent", false, &["repair.zeroed", "settle.zeroed"]),
    ("intent.counted", false, &["settle.zeroed", "intent.begun", "open.rebuilt"]),
    ("append.published", true, &["settle.zeroed", "intent.begun", "commit.tail", "open.rebuilt"]),
    ("commit.tail", true, &["settle.zeroed", "intent.counted", "commit.count", "open.rebuilt"]),
    ("change.unlocked", true, &["settle.zeroed", "open.rebuilt"]),
];

/// The points that a process passes on Windows while it creates a file. From the last one on, the file has
/// its name.
const CREATING_ON_WINDOWS: &[&str] =
    &["disk.made", "disk.joined", "disk.reserved", "disk.described", "disk.published"];

/// The points at which a process dies here while it opens a file, or creates one in a special way.
pub fn points() -> impl Iterator<Item = &'static str> {
    let settling = SETTLING.iter().flat_map(|(_, _, points)| points.iter().copied());
    settling.chain(CREATING_ON_WINDOWS.iter().copied())
}

fn creator(args: &[String]) {
    if args[1] == "without links" {
        Staging::NoLinks.refuse();
    }
    MmFile::create_file(&args[0], CAPACITY, &CreateOptions::default()).unwrap();
}

/// Appends until a fault point ends it.
fn writer(args: &[String]) {
    let file = MmFile::open_file(&args[0], &OpenOptions::default()).unwrap();
    say("open");
    for number in 0..9 {
        file.append_all(&operation("append_all", 1, number)).unwrap();
    }
}

fn opener(args: &[String]) {
    drop(MmFile::open_file(&args[0], &OpenOptions::default()).unwrap());
}

/// Opens it and closes it all the time.
fn visitor(args: &[String]) {
    loop {
        drop(MmFile::open_file(&args[0], &OpenOptions::default()).unwrap());
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn kill(test: &str, role: &str, path: &Path, fault: &str) {
    let mut actor = start(test, role, &[path.to_str().unwrap()], fault);
    while actor.line().is_some() {}
    actor.wait_killed(&format!("{role} at {fault}"));
}

fn on_disk(path: &Path) -> Frames {
    clean_frames(&std::fs::read(path).unwrap()[..CAPACITY as usize])
}

#[test]
fn killed_while_creating_on_disk() {
    support::play(ROLES);
    let test = "disk::killed_while_creating_on_disk";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("creating on disk");
    // Its space is reserved in one call, it sweeps no shared memory, and it has no anchor.
    let other = ["create.swept", "fill.part", "anchor.recorded", "anchor.memory"];
    let points: Vec<_> =
        points::of(&[CREATING]).into_iter().filter(|p| !other.contains(p)).collect();
    let stagings = [(Staging::Folder, "with links"), (Staging::NoLinks, "without links")];
    let stagings = stagings.into_iter().filter(|(staging, _)| Staging::ALL.contains(staging));
    let on_windows = points::of(&[CREATING_ON_WINDOWS]);
    let on_windows = on_windows.iter().map(|point| ((Staging::Named, "on Windows"), point));
    for ((staging, how), point) in
        stagings.flat_map(|s| points.iter().map(move |p| (s, p))).chain(on_windows)
    {
        let folder = Folder::new("kills-disk");
        let path = folder.file("file");
        let args = [path.to_str().unwrap(), how];
        start(test, "creator", &args, &staging.passing(point, 0)).wait_killed(point);
        figures.kills += 1;
        let what = format!("{how} at {point}");
        // Without a name there is no file, and the next process can create it; otherwise it is whole.
        let published = ["create.published", "disk.published", "create.entered"].contains(point)
            || cfg!(windows) && *point == "participant.claimed";
        assert_eq!(path.exists(), published, "{what}");
        if !published {
            start(test, "creator", &args, "none").finish();
        }
        let file = MmFile::open_file(&path, &OpenOptions::default()).unwrap();
        file.append("x").unwrap();
        assert_eq!(folder.names(), ["file"], "{what}");
    }
    figures.report();
}

/// A process that opens the file waits for one that rebuilds its control block, and not for longer than
/// that lives.
#[test]
fn killed_while_others_open_the_file() {
    support::play(ROLES);
    let test = "disk::killed_while_others_open_the_file";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let mut figures = Figures::new("opening on disk");
    let folder = Folder::new("kills-disk");
    let path = folder.file("file");
    drop(MmFile::create_file(&path, CAPACITY, &CreateOptions::default()).unwrap());
    let mut random = Random::new(1);
    let mut length = 0;
    for number in 1..=5 {
        for point in points::of(&[OPENING, &["settle.zeroed", "open.rebuilt", "close.done"]]) {
            let args = [path.to_str().unwrap()];
            let mut actor = start(test, "visitor", &args, &format!("{point}:{number}"));
            while actor.child.try_wait().unwrap().is_none() {
                let started = Instant::now();
                drop(MmFile::open_file(&path, &OpenOptions::default()).unwrap());
                assert!(started.elapsed() < PROMPT, "{point}");
                // So that the other one finds it free, and finds it open.
                std::thread::sleep(Duration::from_micros(random.below(1000)));
            }
            actor.wait_killed(point);
            figures.kills += 1;
            let file = MmFile::open_file(&path, &OpenOptions::default()).unwrap();
            assert_eq!(file.append("goes on").unwrap(), length, "{point}");
            assert_eq!((file.peers().len(), file.recovered()), (1, 0), "{point}");
            length += 1;
        }
    }
    assert_eq!(on_disk(&path).segments.len() as u64, length);
    figures.report();
}

#[test]
fn killed_one_after_the_other_on_disk() {
    support::play(ROLES);
    let test = "disk::killed_one_after_the_other_on_disk";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let folder = Folder::new("kills-settle");
    let mut figures = Figures::new("on disk, all dead");
    for (case, (first, whole, openers)) in SETTLING.iter().enumerate() {
        // As the first operation of all, and as one among others.
        for number in [0, 2] {
            let path = folder.file(&format!("{case}-{number}"));
            drop(MmFile::create_file(&path, CAPACITY, &CreateOptions::default()).unwrap());
            // Opening a file that no process has records its end, which passes these two as well.
            let before =
                if first.starts_with("intent") || first.starts_with("commit") { 1 } else { 0 };
            kill(test, "writer", &path, &format!("{first}:{}", number + 1 + before));
            for point in *openers {
                kill(test, "opener", &path, point);
                figures.kills += 1;
            }
            figures.kills += 1;
            let expected: Vec<_> = (0..number + u64::from(*whole))
                .flat_map(|number| operation("append_all", 1, number))
                .collect();
            let file = MmFile::open_file(&path, &OpenOptions::default()).unwrap();
            let what = format!("{first}:{number}, {openers:?}");
            assert_eq!(file.len().unwrap(), expected.len() as u64, "{what}");
            assert!(figures.compare(&expected, &on_disk(&path).segments), "{what}");
            let next = file.append("goes on").unwrap();
            assert_eq!(file.read_text(next).unwrap(), "goes on");
            assert_eq!(file.recovered(), 0, "a new lock has no dead holder");
        }
    }
    figures.report();
}

#[test]
fn killed_on_disk_while_others_continue() {
    support::play(ROLES);
    let test = "disk::killed_on_disk_while_others_continue";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let folder = Folder::new("kills-survive");
    let path = folder.file("file");
    let file = MmFile::create_file(&path, CAPACITY, &CreateOptions::default()).unwrap();
    let mut expected = Vec::new();
    for (recovered, (point, whole)) in
        [("append.payload", false), ("append.published", true)].into_iter().enumerate()
    {
        kill(test, "writer", &path, &format!("{point}:2"));
        expected.extend(operation("append_all", 1, 0));
        expected.extend(whole.then(|| operation("append_all", 1, 1)).into_iter().flatten());
        file.append("goes on").unwrap();
        expected.push("goes on".encode_utf16().flat_map(u16::to_le_bytes).collect());
        assert!(on_disk(&path).segments == expected, "{point}");
        assert_eq!(file.recovered(), recovered as u64 + 1);
    }
}
