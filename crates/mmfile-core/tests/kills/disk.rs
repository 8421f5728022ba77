//! Kills around files on disk, where the next one to open the file after everybody has died makes its
//! control block anew.

use super::figures::Figures;
use super::support::raw::{Frames, clean_frames};
use super::support::{self, Actor, Watchdog, say};
use super::victim::operation;
use mmfile_core::*;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROLES: &[support::Role] = &[("creator", creator), ("writer", writer), ("opener", opener)];
const CAPACITY: u64 = 5000;

const CREATING: &str = "create.disk";
/// Where the last writer dies, whether its segments are there then, and where those die who open the
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

/// The points at which somebody dies here.
pub fn points() -> impl Iterator<Item = &'static str> {
    let settling = SETTLING.iter().flat_map(|(_, _, points)| points.iter());
    let plain = settling.map(|point| point.split_once(':').map_or(*point, |(name, _)| name));
    plain.chain([CREATING])
}

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mmfile-kills-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn creator(args: &[String]) {
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

fn start(test: &str, role: &str, path: &Path, fault: &str) -> Actor {
    let mut command = support::command(test, role, &[path.to_str().unwrap()]);
    command.env("MMFILE_FAULT", fault);
    Actor::spawn(command)
}

fn kill(test: &str, role: &str, path: &Path, fault: &str) {
    let mut actor = start(test, role, path, fault);
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
    let folder = Folder::new("create");
    let path = folder.0.join("file");
    kill(test, "creator", &path, CREATING);
    // What is not finished is not there, and its place can be had again.
    assert!(!path.exists());
    let file = MmFile::create_file(&path, CAPACITY, &CreateOptions::default()).unwrap();
    file.append("x").unwrap();
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[test]
fn killed_one_after_the_other_on_disk() {
    support::play(ROLES);
    let test = "disk::killed_one_after_the_other_on_disk";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let folder = Folder::new("settle");
    let mut figures = Figures::new("on disk, all dead");
    for (case, (first, whole, openers)) in SETTLING.iter().enumerate() {
        // As the first operation of all, and as one among others.
        for number in [0, 2] {
            let path = folder.0.join(format!("{case}-{number}"));
            drop(MmFile::create_file(&path, CAPACITY, &CreateOptions::default()).unwrap());
            // Opening a file that nobody has records its end, which passes these two as well.
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
            assert_eq!(file.recovered(), 0, "a lock that was made anew is nobody's");
        }
    }
    figures.report();
}

#[test]
fn killed_on_disk_while_others_go_on() {
    support::play(ROLES);
    let test = "disk::killed_on_disk_while_others_go_on";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let folder = Folder::new("survive");
    let path = folder.0.join("file");
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
