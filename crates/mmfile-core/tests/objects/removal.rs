//! A name that another program removes while processes have the object open: they get an error when they
//! would wait for a process that may use another object of that name. Handles on an ended object keep
//! working.

use super::code;
use super::support::{
    self, Actor, Folder, PROMPT, Watchdog, common_part, hear, left_behind, listing, own_prefixes,
    path, say,
};
use mmfile_core::*;
use std::time::{Duration, Instant};

/// The results of `lock` while another thread holds the lock, and afterwards.
fn contended(
    holder: impl Fn() -> Result<LockGuard> + Sync,
    lock: impl Fn() -> Result<LockGuard>,
) -> (Result<LockGuard>, Result<LockGuard>) {
    let (held, release) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    let contended = std::thread::scope(|scope| {
        scope.spawn(|| {
            let guard = holder().unwrap();
            held.wait();
            release.wait();
            drop(guard);
        });
        held.wait();
        let result = lock();
        release.wait();
        result
    });
    (contended, lock())
}

fn soon() -> Option<Timeout> {
    Some(Timeout::Val(Duration::from_millis(50)))
}

#[test]
fn a_lock_whose_object_lost_its_name_is_not_waited_for() {
    let _watchdog = Watchdog::new("rm", Duration::from_secs(60));
    let prefixes = own_prefixes("rm");
    let options = MutexOptions { prefix: format!("{}m-", prefixes.data()), ..Default::default() };
    let mutex = NamedMutex::open("it", &options).unwrap();
    let theirs = NamedMutex::open("it", &options).unwrap();
    let (busy, free) = contended(|| theirs.lock(None), || mutex.lock(soon()));
    assert_eq!((code(busy), free.is_ok()), ("ERR_MMFILE_TIMEOUT", true), "while it has its name");
    drop(free);
    std::fs::remove_file(path(&format!("{}it", options.prefix))).unwrap();
    let started = Instant::now();
    let (busy, free) = contended(|| theirs.lock(None), || mutex.lock(None));
    assert_eq!(code(busy), "ERR_MMFILE_NOT_FOUND");
    assert!(started.elapsed() < PROMPT);
    free.unwrap();
    // The next one of that name is another one, and not removed by handles on the first.
    let next = NamedMutex::open("it", &options).unwrap();
    assert!(next.is_creator());
    let (busy, _) = contended(|| theirs.lock(None), || mutex.lock(None));
    assert_eq!(code(busy), "ERR_MMFILE_NOT_FOUND");
    drop((mutex, theirs));
    assert!(!NamedMutex::open("it", &options).unwrap().is_creator());
    drop(next);
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}

/// A thread that already waits gets the error before its next sleep.
#[test]
fn a_waiter_is_told_that_the_name_is_gone() {
    let _watchdog = Watchdog::new("rm-waiting", Duration::from_secs(60));
    let prefixes = own_prefixes("rm-waiting");
    let options = MutexOptions { prefix: format!("{}m-", prefixes.data()), ..Default::default() };
    let mutex = NamedMutex::open("it", &options).unwrap();
    let _held = mutex.lock(None).unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| NamedMutex::open("it", &options).unwrap().lock(None).map(drop));
        std::thread::sleep(Duration::from_millis(50));
        let started = Instant::now();
        std::fs::remove_file(path(&format!("{}it", options.prefix))).unwrap();
        assert_eq!(code(waits.join().unwrap()), "ERR_MMFILE_NOT_FOUND");
        assert!(started.elapsed() < PROMPT);
    });
}

#[test]
fn a_file_that_lost_its_name_is_not_waited_for() {
    let _watchdog = Watchdog::new("rm-file", Duration::from_secs(60));
    let prefixes = own_prefixes("rm-file");
    for lifetime in [Lifetime::Creator, Lifetime::LastProcess] {
        let options = CreateOptions { lifetime, prefixes: prefixes.clone(), ..Default::default() };
        let file = MmFile::create_new(1000, &options).unwrap();
        let other = MmFile::open_existing(file.id(), &OpenOptions::from(&options)).unwrap();
        std::fs::remove_file(path(&format!("{}{}", prefixes.data(), file.id()))).unwrap();
        let (busy, free) = contended(|| file.lock(None), || other.lock(None));
        assert_eq!(code(busy), "ERR_MMFILE_NOT_FOUND");
        free.unwrap();
        assert_eq!(other.append("uncontended"), Ok(0));
    }
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}

/// A file that ended has no name either, and those that have it open go on, waiting for each other.
#[test]
fn the_lock_of_a_file_that_ended_is_waited_for() {
    let _watchdog = Watchdog::new("ended", Duration::from_secs(60));
    let prefixes = own_prefixes("ended");
    for is_removed in [false, true] {
        let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
        let creator = MmFile::create_new(1000, &options).unwrap();
        let open = || MmFile::open_existing(creator.id(), &OpenOptions::from(&options)).unwrap();
        let (file, other) = (open(), open());
        let mut creator = Some(creator);
        if is_removed {
            let id = FileId::parse(creator.as_ref().unwrap().id()).unwrap();
            remove(&id, Kind::File, &listing(&prefixes)).unwrap();
        } else {
            creator = None;
        }
        let (busy, free) = contended(|| file.lock(None), || other.lock(soon()));
        assert_eq!((code(busy), free.is_ok()), ("ERR_MMFILE_TIMEOUT", true), "{is_removed}");
        drop(creator);
    }
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}

/// A file on disk stays, though its folder is also one for objects and its name one that an object could
/// have.
#[test]
fn a_file_on_disk_is_no_object_of_its_folder() {
    let folder = Folder::new("ledger");
    let prefixes = Prefixes::new("", "m-").unwrap();
    let path = folder.file("ledger");
    let disk = MmFile::create_file(&path, 1000, &CreateOptions::default()).unwrap();
    disk.append("precious").unwrap();
    drop(disk);
    let directory = Some(path.parent().unwrap().to_owned());
    let place = ListOptions {
        directory: directory.clone(),
        prefixes: prefixes.clone(),
        mutex_prefix: None,
    };
    let new = |id: &str| {
        let id = Some(FileId::parse(id).unwrap());
        let (prefixes, directory) = (prefixes.clone(), directory.clone());
        MmFile::create_new(1000, &CreateOptions { id, prefixes, directory, ..Default::default() })
    };
    assert_eq!(sweep(&place).unwrap(), []);
    let options = OpenOptions {
        directory: directory.clone(),
        prefixes: prefixes.clone(),
        ..Default::default()
    };
    assert_eq!(code(MmFile::open_existing("ledger", &options)), "ERR_MMFILE_ACCESS");
    assert_eq!(code(new("ledger")), "ERR_MMFILE_ACCESS");
    assert_eq!(
        code(remove(&FileId::parse("ledger").unwrap(), Kind::File, &place)),
        "ERR_MMFILE_ACCESS"
    );
    for number in 0..40 {
        drop(new(&format!("other-{number}")).unwrap());
    }
    let disk = MmFile::open_file(&path, &OpenOptions::default()).unwrap();
    assert_eq!(disk.read_text(0).unwrap(), "precious");
}

const ROLES: &[support::Role] = &[("has a mutex", |args| {
    let options = MutexOptions { prefix: args[0].clone(), ..Default::default() };
    let _mutex = NamedMutex::open("it", &options).unwrap();
    say("open");
    hear();
})];

/// Creates a file and closes it, or waits to be killed.
#[cfg(target_os = "linux")]
fn creates_one(args: &[String]) {
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let file = MmFile::create_new(100, &CreateOptions { prefixes, ..Default::default() }).unwrap();
    if args[2] == "waits" {
        say(file.id());
        hear();
    }
}

/// A dead process's objects are removed although each process creates only one file, and finds living ones
/// first.
#[cfg(target_os = "linux")]
#[test]
fn processes_that_create_one_file_each_remove_stale_objects() {
    const ROLES: &[support::Role] = &[("creates one", creates_one)];
    support::play(ROLES);
    let test = "removal::processes_that_create_one_file_each_remove_stale_objects";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("single");
    let start = |how| Actor::start(test, "creates one", &[prefixes.data(), prefixes.mutex(), how]);
    let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
    let create = |_| MmFile::create_new(100, &options).unwrap();
    let older: Vec<_> = (0..4).map(create).collect();
    let mut dead = start("waits");
    let stale = dead.expect();
    // Before it dies: a creation of this process might remove it.
    let newer: Vec<_> = (0..4).map(create).collect();
    dead.kill();
    let is_left = || left_behind(prefixes.data()).iter().any(|name| name.ends_with(&stale));
    assert!(is_left());
    for _ in 0..200 {
        start("closes").finish();
        if !is_left() {
            break;
        }
    }
    assert!(!is_left());
    drop((older, newer));
    assert_eq!(left_behind(prefixes.data()), [""; 0]);
}

/// The prefix of files is the beginning of the prefix of mutexes: a sweep of files leaves a dead process's
/// mutex.
#[test]
fn a_sweep_removes_exactly_the_objects_that_it_reports() {
    support::play(ROLES);
    let test = "removal::a_sweep_removes_exactly_the_objects_that_it_reports";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("kinds");
    let prefix = format!("{}m-", prefixes.data());
    let mut dead = Actor::start(test, "has a mutex", &[&prefix]);
    assert_eq!(dead.expect(), "open");
    dead.kill();
    let files = ListOptions { mutex_prefix: None, ..listing(&prefixes) };
    assert_eq!(sweep(&files).unwrap(), []);
    let both = ListOptions { mutex_prefix: Some(prefix), ..files };
    let kinds = |rows: Result<Vec<ObjectInfo>>| rows.unwrap().iter().map(|it| it.kind).collect();
    let (listed, swept): (Vec<_>, Vec<_>) = (kinds(list(&both)), kinds(sweep(&both)));
    assert_eq!((listed, swept), (vec![Kind::Mutex], vec![Kind::Mutex]));
    assert_eq!(sweep(&both).unwrap(), []);
    assert_eq!(left_behind(prefixes.data()), [""; 0]);
}
