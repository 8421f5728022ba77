//! Processes of several user and PID namespaces with one folder.

use super::support::board::Board;
use super::support::{
    self, Actor, Folder, Watchdog, command, common_part, figures, hear, left_behind, listing,
    own_prefixes, rounds, sandbox, say,
};
use super::{code, is_root, mutex_options, options, prefixes};
use mmfile_core::*;
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

const ROLES: &[support::Role] = &[
    ("excluder", excluder),
    ("maker", maker),
    ("opener", opener),
    ("leaver", leaver),
    ("jailed", jailed),
];

// The board.
const INSIDE: usize = 0;
const ENTERED: usize = 1;
const WAITING: usize = 2;
const START: usize = 3;
const TURNS: usize = 4;
const LAST: usize = 5;

/// Enters the section that one mutex guards, again and again, and checks that no other process is inside.
fn excluder(args: &[String]) {
    let board = Board::open(Path::new(&args[2]));
    let mutex = NamedMutex::open("it", &mutex_options(&prefixes(args))).unwrap();
    let (count, me): (u64, u64) = (args[3].parse().unwrap(), args[4].parse().unwrap());
    board.at(WAITING).fetch_add(1, SeqCst);
    while board.at(START).load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    let mut done = 0;
    // On a busy machine one could be finished before another begins.
    while done < count || board.at(TURNS).load(SeqCst) <= 10 {
        done += 1;
        let guard = mutex.lock(Some(Timeout::Val(Duration::from_secs(30)))).unwrap();
        assert_eq!(board.at(INSIDE).fetch_add(1, SeqCst), 0, "another process is inside");
        // Not atomic as a whole: what another process did meanwhile would be lost.
        let entered = board.at(ENTERED).load(SeqCst);
        if board.at(LAST).swap(me, SeqCst) != me {
            board.at(TURNS).fetch_add(1, SeqCst);
        }
        (0..50).for_each(|_| std::hint::spin_loop());
        board.at(ENTERED).store(entered + 1, SeqCst);
        assert_eq!(board.at(INSIDE).fetch_sub(1, SeqCst), 1);
        drop(guard);
        std::thread::yield_now();
    }
    say(format_args!("{} {done}", u64::from(mutex.is_creator())));
}

/// One user that has another name in each namespace, and none in one.
#[test]
fn a_mutex_excludes_across_user_namespaces() {
    support::play(ROLES);
    let test = "namespaces::a_mutex_excludes_across_user_namespaces";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60) * rounds());
    let (prefixes, folder) = (own_prefixes("userns"), Folder::new("userns"));
    let board = Board::create(&folder.file("board"));
    let path = folder.file("board");
    let count = 2000 * u64::from(rounds());
    // SAFETY: takes nothing and cannot fail.
    let map: &'static str = format!("1234 {} 1", unsafe { libc::geteuid() }).leak();
    let mut actors = Vec::new();
    for (number, map) in [None, Some(map), Some("")].into_iter().enumerate() {
        let (count, number) = (count.to_string(), (number + 1).to_string());
        let args = [prefixes.data(), prefixes.mutex(), path.to_str().unwrap(), &count, &number];
        let mut command = command(test, "excluder", &args);
        if let Some(map) = map {
            sandbox::in_user_namespace(&mut command, map);
        }
        let Some(actor) = Actor::spawn_if_allowed(command) else {
            return actors.iter_mut().for_each(Actor::kill);
        };
        actors.push(actor);
    }
    while board.at(WAITING).load(SeqCst) < 3 {
        std::thread::sleep(Duration::from_millis(1));
    }
    board.at(START).store(1, SeqCst);
    let (mut creators, mut sections) = (0, 0);
    for actor in &mut actors {
        let said = actor.expect();
        let (creator, done) = said.split_once(' ').unwrap();
        creators += creator.parse::<u64>().unwrap();
        sections += done.parse::<u64>().unwrap();
    }
    actors.into_iter().for_each(Actor::finish);
    assert!(sections >= 3 * count);
    assert_eq!(board.at(ENTERED).load(SeqCst), sections);
    let turns = board.at(TURNS).load(SeqCst);
    figures(format!("3 namespaces, {sections} sections, {turns} turns, no intrusion"));
    assert_eq!(creators, 1);
    assert!(turns > 10);
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}

/// Creates files while another user does, whose id in its namespace is the same.
fn maker(args: &[String]) {
    let (prefixes, count) = (prefixes(args), args[2].parse().unwrap());
    // SAFETY: takes nothing and cannot fail.
    assert_eq!(unsafe { libc::geteuid() }, 0);
    let mut files = Vec::new();
    for number in 0..count {
        let create = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
        let capacity = if number % 16 == 0 { 2 << 20 } else { 1000 };
        let file = MmFile::create_new(capacity, &create).unwrap();
        if number % 4 == 0 {
            files.push(file);
        }
    }
    assert_eq!(list(&listing(&prefixes)).unwrap().len(), files.len(), "others' are not listed");
    assert_eq!(sweep(&listing(&prefixes)).unwrap(), []);
    let create = options(&prefixes, "taken", None);
    match MmFile::create_new(1000, &create) {
        Ok(file) => {
            say("created");
            hear();
            drop(file);
        }
        Err(error) => say(format_args!("{} {error}", error.code())),
    }
    say(files.len());
    hear();
}

#[test]
fn two_users_that_are_both_root_do_not_mix_up_their_files() {
    support::play(ROLES);
    if support::skips_in_chosen_folder() {
        return;
    }
    let test = "namespaces::two_users_that_are_both_root_do_not_mix_up_their_files";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("roots");
    if !is_root() {
        return figures("skipped: only root can be two users");
    }
    let args = [prefixes.data(), prefixes.mutex(), "200"];
    let ours = command(test, "maker", &args);
    let mut theirs = command(test, "maker", &args);
    sandbox::as_user(&mut theirs, 12_345);
    sandbox::in_user_namespace(&mut theirs, "0 12345 1");
    let Some(mut theirs) = Actor::spawn_if_allowed(theirs) else { return };
    let mut ours = Actor::spawn(ours);
    let (first, second) = (ours.expect(), theirs.expect());
    let (mut first, mut second, line) = match first == "created" {
        true => (ours, theirs, second),
        false => (theirs, ours, first),
    };
    assert!(line.starts_with("ERR_MMFILE_ACCESS"), "the id is another user's: {line}");
    assert_eq!(second.expect(), "50");
    first.tell("go on");
    assert_eq!(first.expect(), "50");
    [first, second].into_iter().for_each(Actor::finish);
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}

/// Opens a file and a mutex of another PID namespace, and keeps a file for those of the other.
fn opener(args: &[String]) {
    let prefixes = prefixes(args);
    // SAFETY: takes nothing and cannot fail.
    assert_eq!(unsafe { libc::getpid() }, 1);
    let theirs = options(&prefixes, "theirs", None);
    let open = OpenOptions::from(&theirs);
    say(MmFile::open_existing("theirs", &open).unwrap_err());
    say(MmFile::create_or_open("theirs", 1000, &theirs).unwrap_err());
    say(NamedMutex::open("it", &mutex_options(&prefixes)).unwrap_err());
    // Which processes live, all of them can tell.
    assert_eq!(code(MmFile::create_new(1000, &theirs)), "ERR_MMFILE_EXISTS");
    assert_eq!(sweep(&listing(&prefixes)).unwrap(), []);
    let infos = list(&listing(&prefixes)).unwrap();
    assert!(infos.len() == 1 && !infos[0].stale && infos[0].capacity == 1000, "{infos:?}");
    let _ours = MmFile::create_new(1000, &options(&prefixes, "ours", None)).unwrap();
    say("made");
    hear();
}

/// Creates the file that the dead of another namespace had, as soon as they are dead.
fn leaver(args: &[String]) {
    let create = || MmFile::create_new(1000, &options(&prefixes(args), "ours", None));
    let _file = loop {
        match create() {
            // The kernel kills a namespace's processes after its first one.
            Err(Error::Exists { .. }) => std::thread::sleep(Duration::from_millis(1)),
            created => break created.unwrap(),
        }
    };
    say("made");
    hear();
}

#[test]
fn another_pid_namespace_is_incompatible_and_named() {
    support::play(ROLES);
    let test = "namespaces::another_pid_namespace_is_incompatible_and_named";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("pidns");
    if !is_root() {
        return figures("skipped: only root may have a PID namespace");
    }
    let file = MmFile::create_new(1000, &options(&prefixes, "theirs", None)).unwrap();
    let mutex = NamedMutex::open("it", &mutex_options(&prefixes)).unwrap();
    let inside = |role: &str| {
        let mut command = command(test, role, &[prefixes.data(), prefixes.mutex()]);
        sandbox::in_pid_namespace(&mut command);
        Actor::spawn_if_allowed(command)
    };
    let Some(mut actor) = inside("opener") else { return };
    for _ in 0..3 {
        let message = actor.expect();
        assert!(message.contains("PID namespace") && message.contains("--pid="), "{message}");
    }
    assert_eq!(actor.expect(), "made");
    let open = OpenOptions::from(&options(&prefixes, "ours", None));
    let error = MmFile::open_existing("ours", &open).unwrap_err();
    assert_eq!(error.code(), "ERR_MMFILE_INCOMPATIBLE");
    assert!(error.to_string().contains("PID namespace"), "{error}");
    actor.kill();
    // With its process dead it is no obstacle to any namespace.
    let mut again = inside("leaver").unwrap();
    assert_eq!(again.expect(), "made");
    again.kill();
    while code(MmFile::open_existing("ours", &open)) != "ERR_MMFILE_NOT_FOUND" {
        std::thread::sleep(Duration::from_millis(1)); // until it has died with its first process
    }
    drop(MmFile::create_new(1000, &options(&prefixes, "ours", None)).unwrap());
    assert_eq!(file.append("still whole"), Ok(0));
    drop((file, mutex));
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}

/// Opens, from a root folder without /proc, a file of another PID namespace.
fn jailed(args: &[String]) {
    let root = std::ffi::CString::new(args[2].as_str()).unwrap();
    // SAFETY: NUL-terminated strings that outlive the calls.
    unsafe {
        assert!(libc::chroot(root.as_ptr()) == 0 && libc::chdir(c"/".as_ptr()) == 0);
    }
    let theirs = options(&prefixes(args), "theirs", Some(Path::new("/")));
    let opened = MmFile::open_existing("theirs", &OpenOptions::from(&theirs));
    say(opened.map_or_else(|error| error.to_string(), |_| "opened".into()));
}

#[test]
fn another_pid_namespace_is_told_without_proc() {
    support::play(ROLES);
    let test = "namespaces::another_pid_namespace_is_told_without_proc";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let (prefixes, folder) = (own_prefixes("pidfd"), Folder::new("pidfd"));
    if !is_root() {
        return figures("skipped: only root may have a PID namespace");
    }
    let theirs = options(&prefixes, "theirs", Some(folder.path()));
    let _file = MmFile::create_new(1000, &theirs).unwrap();
    let args = [prefixes.data(), prefixes.mutex(), folder.path().to_str().unwrap()];
    for (is_other, expected) in [(false, "opened"), (true, "in another PID namespace")] {
        let mut command = command(test, "jailed", &args);
        if is_other {
            sandbox::in_pid_namespace(&mut command);
        }
        let Some(mut actor) = Actor::spawn_if_allowed(command) else { return };
        let message = actor.expect();
        actor.finish();
        if is_other && message == "opened" && !tells_namespaces() {
            return figures("skipped: this kernel tells no namespace without /proc");
        }
        assert!(message.contains(expected), "{message}");
    }
}

/// Whether the kernel has an `ioctl` for it, since 6.11.
fn tells_namespaces() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(6), Some(11))
}
