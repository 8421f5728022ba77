//! A file system that is full of killed processes' objects.

use super::support::sandbox::{Refusal, refuse};
use super::support::{
    self, Actor, Folder, Watchdog, command, figures, hear, own_prefixes, sandbox, say,
};
use super::{is_root, prefixes};
use mmfile_core::*;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROLES: &[support::Role] =
    &[("owner", owner), ("filler", filler), ("disk-creator", disk_creator)];
const TEST: &str = "full::stale_objects_make_room_for_new_ones";
const CAPACITY: u64 = 16 << 10;

fn create(args: &[String], what: &str) -> Result<Box<dyn std::fmt::Debug>> {
    let directory = Some(PathBuf::from(&args[2]));
    let id = FileId::random();
    if what == "mutex" {
        let options =
            MutexOptions { directory, prefix: format!("{}m-", args[0]), ..Default::default() };
        return Ok(Box::new(NamedMutex::open(id.as_str(), &options)?));
    }
    let options = CreateOptions { prefixes: prefixes(args), directory, ..Default::default() };
    Ok(Box::new(MmFile::create_new(CAPACITY, &options)?))
}

/// Creates as much as there is room for, and keeps it.
fn filler(args: &[String]) {
    let mut made = Vec::new();
    let error = loop {
        match create(args, &args[3]) {
            Ok(object) => made.push(object),
            Err(error) => break error,
        }
    };
    say(format_args!("{} {} {error}", made.len(), error.code()));
    hear();
}

/// Creates a file on disk that fits once, where there are no files without a name.
fn disk_creator(args: &[String]) {
    refuse(&[Refusal::NAMELESS_FILES]);
    let path = Path::new(&args[2]).join("disk");
    let file = MmFile::create_file(path, 300 << 10, &CreateOptions::default());
    say(file.as_ref().map_or_else(Error::to_string, |_| "created".into()));
    hear();
}

/// Mounts a small file system in the folder.
fn owner(args: &[String]) {
    let folder = std::ffi::CString::new(args[2].as_str()).unwrap();
    let (private, none) = (libc::MS_REC | libc::MS_PRIVATE, std::ptr::null());
    // SAFETY: NUL-terminated strings that outlive the calls.
    let mounted = unsafe {
        let (name, kind) = (c"tmpfs".as_ptr(), c"tmpfs".as_ptr());
        let size = c"size=512k,mode=777".as_ptr();
        libc::mount(none, c"/".as_ptr(), none, private, none.cast()) == 0
            && libc::mount(name, folder.as_ptr(), kind, 0, size.cast()) == 0
    };
    if !mounted {
        return say(format_args!("skipped: {}", std::io::Error::last_os_error()));
    }
    let names = || std::fs::read_dir(Path::new(&args[2])).unwrap().count();
    for what in ["file", "mutex"] {
        // More than one creation sweeps in passing.
        let own = create(args, what).unwrap();
        let mut filler = Actor::start(TEST, "filler", &[&args[0], &args[1], &args[2], what]);
        let line = filler.expect();
        let error = create(args, what).unwrap_err();
        assert_eq!(error.code(), "ERR_MMFILE_NO_SPACE", "{what}: nothing is stale");
        let count: usize = line.split(' ').next().unwrap().parse().unwrap();
        assert_eq!(names(), count + 1, "{what}: nothing is left of what could not be created");
        filler.kill();
        assert_eq!(names(), count + 1);
        let again = create(args, what);
        again.as_ref().unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(names(), 2, "{what}");
        say(format_args!("{what}: {line}"));
        drop((own, again));
        assert_eq!(names(), 0, "{what}");
    }
    if cfg!(feature = "fault-points") {
        let args = [&args[0], &args[1], &args[2]].map(String::as_str);
        let mut dead = Actor::start_with_fault(TEST, "disk-creator", &args, "create.reserved");
        dead.wait_killed("the creator of a file on disk");
        assert_eq!(names(), 1);
        let mut next = Actor::start(TEST, "disk-creator", &args);
        assert_eq!(next.expect(), "created");
        next.finish();
        assert_eq!(names(), 1);
    }
}

#[test]
fn stale_objects_make_room_for_new_ones() {
    support::play(ROLES);
    let _watchdog = Watchdog::new(TEST, Duration::from_secs(60));
    let (prefixes, folder) = (own_prefixes("full"), Folder::new("full"));
    if !is_root() {
        return figures("skipped: only root may mount a file system");
    }
    let path = folder.path().to_str().unwrap();
    let mut command = command(TEST, "owner", &[prefixes.data(), prefixes.mutex(), path]);
    sandbox::in_mount_namespace(&mut command);
    let Some(mut owner) = Actor::spawn_if_allowed(command) else { return };
    while let Some(line) = owner.line() {
        figures(&line);
        let refused = line.contains("ERR_MMFILE_NO_SPACE") && line.contains(path);
        assert!(refused || line.starts_with("skipped"), "{line}");
    }
    owner.finish();
}
