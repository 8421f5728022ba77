//! File systems that have no room left for what is written to a file that is open: files with holes, files whose
//! blocks are shared with a copy, and file systems that write every block to a new place.

mod blocks;
mod channels;
mod creating;
mod sharing;

use crate::support::{self, Actor, Folder, Watchdog, command, figures, own_prefixes, sandbox, say};
use crate::{is_root, mutex_options, options};
use blocks::*;
use channels::*;
use creating::*;
use mmfile_core::*;
use sharing::*;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ROLES: &[support::Role] = &[("user", user), ("writer", writer)];
const CAPACITY: u64 = 4 << 20;
const NO_SPACE: &str = "ERR_MMFILE_NO_SPACE";

type Case = fn(&Disk);

const CASES: &[(&str, Case)] = &[
    ("a copy with holes", copy_with_holes),
    ("holes that are read", holes_that_are_read),
    ("holes in an open file", holes_in_an_open_file),
    ("blocks shared with a copy", blocks_shared_with_a_copy),
    ("written again and again", written_again_and_again),
    ("opened when it is full", opened_when_it_is_full),
    ("flushed inside a section", flushed_inside_a_section),
    ("waited for", waited_for),
    ("kept by a handle that could not release it", kept_by_a_handle_that_could_not_release_it),
    ("repaired after a death", repaired_after_a_death),
    ("flushed by another thread", flushed_by_another_thread),
    ("filled while it is written", filled_while_it_is_written),
    ("a channel that is written again and again", channel_written_again_and_again),
    ("a channel with holes", channel_with_holes),
    ("a copy of a channel with holes", copied_channel_with_holes),
    ("created with what is left", created_with_what_is_left),
    ("objects in a folder", objects_in_a_folder),
    ("two descriptors at most", two_descriptors_at_most),
];

/// A small file system.
struct Disk {
    root: PathBuf,
    kind: String,
}

impl Disk {
    fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn create(&self, name: &str) -> MmFile {
        MmFile::create_file(self.file(name), CAPACITY, &CreateOptions::default()).unwrap()
    }

    fn open(&self, name: &str, access: Access) -> Result<MmFile> {
        MmFile::open_file(self.file(name), &OpenOptions { access, ..Default::default() })
    }

    /// Leaves no block free.
    fn fill(&self) {
        let mut file =
            std::fs::OpenOptions::new().append(true).create(true).open(self.file("filling"));
        let file = file.as_mut().unwrap();
        for size in [1 << 20, 4096] {
            let block = vec![1; size];
            // The free space is known only after written data is on the disk.
            for _ in 0..3 {
                while file.write_all(&block).is_ok() {}
                let _ = file.sync_all();
            }
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.file("filling")).unwrap();
        // SAFETY: takes nothing and cannot fail.
        unsafe { libc::sync() };
    }

    /// Copies a file without its zeros.
    fn copy_without_zeros(&self, from: &str, to: &str) {
        run("cp", &["--sparse=always", self.path(from).as_str(), self.path(to).as_str()]).unwrap();
    }

    /// Has a copy share the blocks of a file: a snapshot of all, where a file that is written in place has no other
    /// such copy.
    fn share(&self, from: &str, to: &str) -> std::result::Result<(), String> {
        if self.kind != "btrfs" {
            return run("cp", &["--reflink=always", &self.path(from), &self.path(to)]);
        }
        let snapshot = self.path(&format!("snapshot-{}", self.names().len()));
        run("btrfs", &["subvolume", "snapshot", self.root.to_str().unwrap(), &snapshot])?;
        std::os::unix::fs::symlink(Path::new(&snapshot).join(from), self.file(to)).unwrap();
        Ok(())
    }

    fn path(&self, name: &str) -> String {
        self.file(name).to_str().unwrap().to_owned()
    }

    fn names(&self) -> Vec<PathBuf> {
        std::fs::read_dir(&self.root).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// As many appends as take a moment. Btrfs searches for room at each fault when it is full.
    fn many(&self) -> u64 {
        if self.kind == "btrfs" { 20 } else { 400 }
    }

    fn shares_blocks(&self) -> bool {
        ["btrfs", "xfs"].contains(&&*self.kind)
    }
}

fn number(number: u64) -> Vec<u8> {
    number.to_le_bytes().repeat(1000)
}

/// Appends until that fails, `most` times at the most, and flushes every time. How often it worked.
fn append(file: &MmFile, most: u64) -> (u64, Option<&'static str>) {
    let first = file.len().unwrap();
    for index in first..first + most {
        let appended = file.append(&number(index)).and_then(|it| file.flush().map(|()| it));
        match appended {
            Ok(got) => assert_eq!(got, index),
            Err(error) => return (index - first, Some(error.code())),
        }
    }
    (most, None)
}

/// All segments are what they should be, and there are at least so many.
fn check(file: &MmFile, least: u64) -> u64 {
    let length = file.len().unwrap();
    assert!(length >= least, "{length} of {least}");
    for index in 0..length {
        assert!(file.read(index).unwrap() == number(index), "segment {index}");
    }
    length
}

/// Runs a program, or says why it failed.
fn run(program: &str, args: &[&str]) -> std::result::Result<(), String> {
    match Command::new(program).args(args).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

/// Makes the file system, for this process alone, and does what the case says.
fn user(args: &[String]) {
    let (kind, folder, case) = (&args[0], Path::new(&args[1]), &args[2]);
    let root = folder.join("mounted");
    std::fs::create_dir(&root).unwrap();
    let (image, at) = (folder.join("image"), root.to_str().unwrap());
    let mounted = run("mount", &["--make-rprivate", "/"]).and_then(|()| match &**kind {
        "tmpfs" => run("mount", &["-t", "tmpfs", "-o", "size=48m", "tmpfs", at]),
        _ => {
            let size = if kind == "xfs" { 320 << 20 } else { 128 << 20 };
            std::fs::File::create(&image).unwrap().set_len(size).unwrap();
            let image = image.to_str().unwrap();
            run(&format!("mkfs.{kind}"), &["-q", image])
                .and_then(|()| run("mount", &["-o", "loop", image, at]))
        }
    });
    if let Err(reason) = mounted {
        return say(format_args!("skipped: {reason}"));
    }
    let (_, act) = CASES.iter().find(|(name, _)| name == case).unwrap();
    act(&Disk { root, kind: kind.clone() });
    say("done");
}

fn all_cases(test: &str, kind: &str) {
    support::play(ROLES);
    let _watchdog = Watchdog::new(test, Duration::from_secs(240));
    if !is_root() {
        return figures("skipped: only root may mount a file system");
    }
    let only = std::env::var("MMFILE_TEST_CASE").unwrap_or_default();
    let mut failed = 0;
    for (case, _) in CASES.iter().filter(|(case, _)| case.contains(&only)) {
        let folder = Folder::new("storage");
        let args = [kind, folder.path().to_str().unwrap(), case];
        let mut command = command(test, "user", &args);
        sandbox::in_mount_namespace(&mut command);
        let Some(mut actor) = Actor::spawn_if_allowed(command) else { break };
        let mut lines = Vec::new();
        while let Some(line) = actor.line() {
            lines.push(line);
        }
        let status = actor.child.wait().unwrap();
        figures(format!("{kind}: {case}: {}, {status}", lines.join(", ")));
        let last = lines.last().map_or("", String::as_str);
        if last.starts_with("skipped") {
            break;
        }
        failed += u32::from(!status.success() || last != "done");
    }
    assert_eq!(failed, 0);
}

#[test]
fn a_full_ext4() {
    all_cases("storage::a_full_ext4", "ext4");
}

#[test]
fn a_full_xfs() {
    all_cases("storage::a_full_xfs", "xfs");
}

#[test]
fn a_full_btrfs() {
    all_cases("storage::a_full_btrfs", "btrfs");
}

#[test]
fn a_full_tmpfs() {
    all_cases("storage::a_full_tmpfs", "tmpfs");
}
