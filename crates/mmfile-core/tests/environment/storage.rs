//! File systems that have no room left for what is written to a file that is open: files with holes, files whose
//! blocks are shared with a copy, and file systems that write every block to a new place.

use crate::support::{self, Actor, Folder, Watchdog, command, figures, own_prefixes, sandbox, say};
use crate::{is_root, mutex_options, options};
use mmfile_core::*;
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
            // What is free is known after what was written is on the disk.
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

fn copy_with_holes(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    drop(file);
    disk.copy_without_zeros("a", "b");
    disk.fill();
    let whole = std::fs::read(disk.file("b")).unwrap();
    let opened = disk.open("b", Access::ReadWrite);
    assert_eq!(opened.err().map(|error| error.code()), Some(NO_SPACE));
    let reader = disk.open("b", Access::Read).unwrap();
    assert_eq!(check(&reader, 3), 3);
    let soon = Timeout::Val(Duration::from_millis(20));
    let waited = reader.wait_for(3, soon, Duration::ZERO).unwrap_err();
    assert_eq!(waited.code(), "ERR_MMFILE_TIMEOUT");
    drop(reader);
    let end = usize::try_from(CAPACITY).unwrap();
    assert!(std::fs::read(disk.file("b")).unwrap()[..end] == whole[..end], "something was lost");
    disk.empty();
    let file = disk.open("b", Access::ReadWrite).unwrap();
    disk.fill();
    if !disk.shares_blocks() {
        // Reserved again, once and for all.
        assert_eq!(append(&file, disk.many()), (disk.many(), None));
    }
    check(&file, 3);
}

fn holes_in_an_open_file(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    let raw = std::fs::OpenOptions::new().write(true).open(disk.file("a")).unwrap();
    let flags = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: touches no memory.
    let dug = unsafe { libc::fallocate(raw.as_raw_fd(), flags, 64 << 10, 2 << 20) };
    assert_eq!(dug, 0);
    disk.fill();
    let (count, error) = append(&file, 100);
    say(format_args!("{count} appended, then {error:?}"));
    assert_eq!(error, Some(NO_SPACE));
    let length = check(&file, count + 3);
    disk.empty();
    assert_eq!(append(&file, 100), (100, None));
    assert_eq!(check(&file, length + 100), length + 100);
    drop(file);
    check(&disk.open("a", Access::ReadWrite).unwrap(), length + 100);
}

fn blocks_shared_with_a_copy(disk: &Disk) {
    if !disk.shares_blocks() {
        return;
    }
    let file = disk.create("a");
    append(&file, 3);
    if let Err(reason) = disk.share("a", "b") {
        return say(format_args!("skipped: {reason}"));
    }
    disk.fill();
    let (count, error) = append(&file, 100);
    say(format_args!("{count} appended, then {error:?}"));
    let length = check(&file, count + 3);
    drop(file);
    if let Ok(again) = disk.open("a", Access::ReadWrite) {
        append(&again, 10);
    }
    disk.empty();
    let file = disk.open("a", Access::ReadWrite).unwrap();
    let length = check(&file, length);
    assert_eq!(append(&file, 100), (100, None));
    assert_eq!(check(&file, length + 100), length + 100);
    assert_eq!(check(&disk.open("b", Access::Read).unwrap(), 3), 3);
}

fn written_again_and_again(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    disk.fill();
    let (count, error) = append(&file, disk.many());
    say(format_args!("{count} appended, then {error:?}"));
    assert!(error.is_none() || disk.shares_blocks() && error == Some(NO_SPACE));
    let length = check(&file, count + 3);
    let sealed = file.seal();
    disk.empty();
    if sealed.is_err() {
        assert_eq!(append(&file, 20), (20, None));
        check(&file, length + 20);
        file.seal().unwrap();
    }
    assert_eq!(file.append(b"x").unwrap_err().code(), "ERR_MMFILE_SEALED");
    drop(file);
    assert!(disk.open("a", Access::ReadWrite).unwrap().is_sealed().unwrap());
}

fn opened_when_it_is_full(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    drop(file);
    let copied = disk.shares_blocks() && disk.share("a", "b").is_ok();
    disk.fill();
    for round in 0..20 {
        let reader = disk.open("a", Access::Read).unwrap();
        let known = check(&reader, 3);
        match disk.open("a", Access::ReadWrite) {
            Ok(file) => {
                let (count, error) = append(&file, 1);
                assert!(error.is_none() || error == Some(NO_SPACE), "{error:?}");
                check(&reader, known + count);
            }
            Err(error) => {
                assert_eq!(error.code(), NO_SPACE, "{error}");
                assert!(disk.shares_blocks(), "{round}: {copied}: {error}");
            }
        }
    }
    disk.empty();
    let file = disk.open("a", Access::ReadWrite).unwrap();
    assert_eq!(append(&file, 3), (3, None));
    check(&file, 6);
}

fn flushed_inside_a_section(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    if disk.shares_blocks() {
        let _ = disk.share("a", "b");
    }
    let other = disk.open("a", Access::ReadWrite).unwrap();
    disk.fill();
    for _ in 0..20 {
        if let Ok(_guard) = file.lock(None) {
            append(&file, 3);
        }
    }
    disk.empty();
    let (known, error) = append(&file, 1);
    assert_eq!((known, error), (1, None));
    let within = Timeout::Val(Duration::from_secs(1));
    std::thread::scope(|scope| {
        scope.spawn(|| drop(other.lock(Some(within)).unwrap()));
    });
    assert_eq!(append(&other, 3), (3, None));
    check(&other, 7);
}

fn waited_for(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    if disk.shares_blocks() {
        let _ = disk.share("a", "b");
    }
    let waiter = file.waiter();
    std::thread::scope(|scope| {
        let wait = scope.spawn(|| waiter.wait_for(1 << 20, Timeout::Infinite, Duration::ZERO));
        std::thread::sleep(Duration::from_millis(20));
        disk.fill();
        for _ in 0..20 {
            // It asks to be woken after each of its sleeps.
            std::thread::sleep(Duration::from_millis(5));
            append(&file, 1);
            waiter.look_again();
        }
        waiter.cancel();
        assert_eq!(wait.join().unwrap().unwrap_err().code(), "ERR_MMFILE_CLOSED");
    });
    disk.empty();
    assert_eq!(append(&file, 1), (1, None));
}

fn kept_by_a_handle_that_could_not_release_it(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    if disk.shares_blocks() {
        let _ = disk.share("a", "b");
    }
    let other = disk.open("a", Access::ReadWrite).unwrap();
    let guard = file.lock(None).unwrap();
    disk.fill();
    let _ = file.flush();
    drop(guard);
    disk.empty();
    // On a full disk it could not say so. It has ended for others when it is closed.
    let soon = || Some(Timeout::Val(Duration::from_millis(200)));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let locked = other.lock(soon()).map(|guard| guard.abandoned());
            drop(file);
            let abandoned = match locked {
                Err(_) => Ok(other.lock(soon()).unwrap().abandoned()),
                locked => locked.map(|_| false),
            };
            say(format_args!("released late: {abandoned:?}"));
            assert!(!other.lock(soon()).unwrap().abandoned());
        });
    });
    assert_eq!(append(&other, 1), (1, None));
}

/// Dies in an append.
fn writer(args: &[String]) {
    let file = MmFile::open_file(&args[0], &OpenOptions::default()).unwrap();
    file.append(&number(3)).unwrap();
}

fn repaired_after_a_death(disk: &Disk) {
    if !cfg!(feature = "fault-points") {
        return;
    }
    let test = format!("storage::a_full_{}", disk.kind);
    for point in ["append.intent", "append.payload", "append.published", "commit.tail"] {
        let file = disk.create("a");
        append(&file, 3);
        let path = disk.file("a");
        let path = [path.to_str().unwrap()];
        Actor::start_with_fault(&test, "writer", &path, point).wait_killed(point);
        if disk.shares_blocks() {
            let _ = disk.share("a", "b");
        }
        disk.fill();
        let _ = file.flush();
        let length = check(&file, 3);
        let (count, _) = append(&file, 2);
        check(&file, length + count);
        let reader = disk.open("a", Access::Read).unwrap();
        check(&reader, 3);
        drop((file, reader));
        let opened = disk.open("a", Access::ReadWrite);
        assert!(matches!(&opened, Ok(_) | Err(Error::NoSpace { .. })), "{opened:?}");
        drop(opened);
        disk.empty();
        let file = disk.open("a", Access::ReadWrite).unwrap();
        let length = check(&file, 3);
        assert_eq!(append(&file, 2), (2, None), "{point}");
        check(&file, length + 2);
        drop(file);
        std::fs::remove_file(disk.file("a")).unwrap();
        let _ = std::fs::remove_file(disk.file("b"));
    }
}

fn flushed_by_another_thread(disk: &Disk) {
    let file = disk.create("a");
    append(&file, 3);
    disk.fill();
    let done = AtomicBool::new(false);
    let appended = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let _ = file.flush();
            }
        });
        let end = std::time::Instant::now() + Duration::from_secs(1);
        let (mut count, mut refused) = (0, 0);
        while std::time::Instant::now() < end && count < disk.many() {
            match file.append(&number(count + 3)) {
                Ok(index) => {
                    assert_eq!(index, count + 3);
                    count += 1;
                }
                Err(error) => {
                    assert_eq!(error.code(), NO_SPACE, "{error}");
                    refused += 1;
                }
            }
        }
        done.store(true, Ordering::Relaxed);
        say(format_args!("{count} appended, {refused} refused"));
        count
    });
    let length = check(&file, appended + 3);
    disk.empty();
    assert_eq!(append(&file, 3), (3, None));
    check(&file, length + 3);
}

/// Others use up what is free, and give it back, while one thread appends and another one flushes.
fn filled_while_it_is_written(disk: &Disk) {
    if disk.kind == "btrfs" && !is_kernel_at_least((6, 18)) {
        return say("skipped: older kernels do not store to a mapped page in place");
    }
    let create = CreateOptions::default();
    let file = MmFile::create_file(disk.file("a"), 30 << 20, &create).unwrap();
    append(&file, 3);
    let done = AtomicBool::new(false);
    let appended = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                file.flush().unwrap();
            }
        });
        let appender = scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) && count < 3500 {
                assert_eq!(file.append(&number(count + 3)).unwrap(), count + 3);
                count += 1;
                std::thread::sleep(Duration::from_micros(200));
            }
            count
        });
        for _ in 0..5 {
            disk.fill();
            disk.empty();
        }
        done.store(true, Ordering::Relaxed);
        appender.join().unwrap()
    });
    say(format_args!("{appended} appended"));
    assert_eq!(check(&file, appended + 3), appended + 3);
}

fn is_kernel_at_least(version: (u32, u32)) -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.trim().parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= version
}

fn created_with_what_is_left(disk: &Disk) {
    disk.fill();
    let full = MmFile::create_file(disk.file("none"), CAPACITY, &CreateOptions::default());
    assert_eq!(full.unwrap_err().code(), NO_SPACE);
    disk.empty();
    // One that leaves nothing, or nearly so.
    let mut capacity = 4096 * 1024;
    while MmFile::create_file(disk.file("it"), capacity, &CreateOptions::default()).is_ok() {
        std::fs::remove_file(disk.file("it")).unwrap();
        capacity += 4096 * 512;
    }
    let mut least = capacity - 4096 * 512;
    while capacity - least > 4096 {
        let middle = ((least + capacity) / 2) & !4095;
        match MmFile::create_file(disk.file("it"), middle, &CreateOptions::default()) {
            Ok(file) => {
                let appended = file.append(b"one").map_err(|error| error.code());
                assert!(matches!(appended, Ok(0) | Err(NO_SPACE)), "{appended:?}");
                std::fs::remove_file(disk.file("it")).unwrap();
                least = middle;
            }
            Err(error) => {
                assert_eq!(error.code(), NO_SPACE);
                capacity = middle;
            }
        }
    }
}

fn objects_in_a_folder(disk: &Disk) {
    let prefixes = own_prefixes("storage");
    let create = options(&prefixes, "it", Some(&disk.root));
    let create = CreateOptions { lifetime: Lifetime::LastProcess, ..create };
    let file = MmFile::create_new(CAPACITY, &create).unwrap();
    let mutex = MutexOptions { directory: Some(disk.root.clone()), ..mutex_options(&prefixes) };
    let mutex = NamedMutex::open("it", &mutex).unwrap();
    let open = OpenOptions::from(&create);
    disk.fill();
    let mut refused = 0;
    for round in 0..30_u64 {
        // SAFETY: takes nothing and cannot fail.
        unsafe { libc::sync() };
        for result in [file.append(&number(round)).map(|_| ()), mutex.lock(None).map(drop)] {
            refused += u64::from(result.is_err());
            let code = result.err().map(|error| error.code());
            assert!(code.is_none() || code == Some(NO_SPACE), "{code:?}");
        }
        match MmFile::open_existing("it", &open) {
            Ok(other) => drop(other.read(0)),
            Err(error) => assert_eq!(error.code(), NO_SPACE),
        }
    }
    say(format_args!("{refused} refused"));
    disk.empty();
    let length = file.len().unwrap();
    file.append(b"one").unwrap();
    assert_eq!(file.len().unwrap(), length + 1);
    drop(mutex.lock(None).unwrap());
}

fn two_descriptors_at_most(disk: &Disk) {
    let create = options(&own_prefixes("storage"), "it", Some(&disk.root));
    let object = MmFile::create_new(CAPACITY, &create).unwrap();
    let file = disk.create("it");
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    for access in [Access::ReadWrite, Access::Read] {
        let open = OpenOptions { access, ..OpenOptions::from(&create) };
        let before = descriptors();
        let other = MmFile::open_existing("it", &open).unwrap();
        assert!(
            descriptors() <= before + 2,
            "{access:?}: {} for an object",
            descriptors() - before
        );
        drop(other);
        let other = disk.open("it", access).unwrap();
        assert!(descriptors() <= before + 2, "{access:?}: {} for a file", descriptors() - before);
        drop(other);
    }
    drop((object, file));
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
        let Some(mut actor) = Actor::spawn_if_allowed(command) else { return };
        let mut lines = Vec::new();
        while let Some(line) = actor.line() {
            lines.push(line);
        }
        let status = actor.child.wait().unwrap();
        figures(format!("{kind}: {case}: {}, {status}", lines.join(", ")));
        let last = lines.last().map_or("", String::as_str);
        if last.starts_with("skipped") {
            return;
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
