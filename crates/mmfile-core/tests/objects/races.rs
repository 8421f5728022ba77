//! Races between two steps of a protocol: a process is stopped there, and others continue.

use super::code;
use super::support::{
    self, Actor, Folder, Watchdog, common_part, hear, left_behind, listing, own_prefixes, path, say,
};
use mmfile_core::*;
use std::time::{Duration, Instant};

const ROLES: &[support::Role] = &[
    ("opener", opener),
    ("creator", creator),
    ("leaver", leaver),
    ("sharer", sharer),
    ("sweeper", sweeper),
    ("ender", ender),
    ("disk-opener", disk_opener),
    ("disk-creator", disk_creator),
];

fn options(prefixes: &Prefixes) -> CreateOptions {
    let (id, prefixes) = (Some(FileId::parse("it").unwrap()), prefixes.clone());
    CreateOptions { id, prefixes, lifetime: Lifetime::LastProcess, ..Default::default() }
}

fn prefixes(args: &[String]) -> Prefixes {
    Prefixes::new(&args[0], &args[1]).unwrap()
}

fn create(prefixes: &Prefixes, text: &str) -> MmFile {
    let file = MmFile::create_new(1000, &options(prefixes)).unwrap();
    file.append(text).unwrap();
    file
}

fn open(prefixes: &Prefixes) -> Result<MmFile> {
    MmFile::open_existing("it", &OpenOptions::from(&options(prefixes)))
}

/// Says what is in the file that it opens, and keeps it open.
fn opener(args: &[String]) {
    let file = open(&prefixes(args)).unwrap();
    say(file.read_text(0).unwrap());
    hear();
}

fn creator(args: &[String]) {
    let options = CreateOptions { id: None, ..options(&prefixes(args)) };
    let id = Some(FileId::parse(&args[2]).unwrap());
    let capacity = args[3].parse().unwrap();
    let lock_timeout =
        Duration::from_secs(args.get(4).map_or(10, |seconds| seconds.parse().unwrap()));
    let file = MmFile::create_new(capacity, &CreateOptions { id, lock_timeout, ..options });
    say(file.as_ref().map_or_else(Error::code, |_| "created"));
    hear();
}

/// Leaves the file as its last process.
fn leaver(args: &[String]) {
    drop(create(&prefixes(args), "first"));
    say("left");
}

/// Creates the file, and ends it by closing it.
fn ender(args: &[String]) {
    let options = CreateOptions { lifetime: Lifetime::Creator, ..options(&prefixes(args)) };
    drop(MmFile::create_new(1000, &options).unwrap());
    say("ended");
}

/// Opens or creates the file, and says which. With an argument it waits for nothing.
fn sharer(args: &[String]) {
    let mut options = options(&prefixes(args));
    if args.len() > 2 {
        options.lock_timeout = Duration::ZERO;
    }
    let file = MmFile::create_or_open("it", 1000, &options).unwrap();
    say(file.is_creator());
    hear();
}

fn sweeper(args: &[String]) {
    say(sweep(&listing(&prefixes(args))).unwrap().len());
}

/// Opens a file on disk, and says what is in it.
fn disk_opener(args: &[String]) {
    let file = MmFile::open_file(&args[2], &OpenOptions::default()).unwrap();
    say(file.len().unwrap());
    hear();
}

fn disk_creator(args: &[String]) {
    let file = MmFile::create_file(&args[2], 2 << 20, &CreateOptions::default());
    say(file.as_ref().map_or_else(Error::code, |_| "created"));
    hear();
}

struct Race {
    test: &'static str,
    prefixes: Prefixes,
    _watchdog: Watchdog,
}

impl Race {
    fn new(test: &'static str) -> Self {
        let _watchdog = Watchdog::new(test, Duration::from_secs(60));
        Self { test, prefixes: own_prefixes("race"), _watchdog }
    }

    fn start(&self, role: &str, args: &[&str], point: &str) -> Actor {
        let args = [&[self.prefixes.data(), self.prefixes.mutex()], args].concat();
        let fault = if point.is_empty() { String::new() } else { format!("={point}") };
        let mut actor = Actor::start_with_fault(self.test, role, &args, &fault);
        if !point.is_empty() {
            actor.wait_stopped();
        }
        actor
    }

    fn left(&self) -> Vec<String> {
        left_behind(common_part(&self.prefixes))
    }
}

/// It counts as alive on an object that has lost its name: it opens the one that has the name by now.
#[test]
fn an_opener_joins_the_object_of_the_name() {
    support::play(ROLES);
    let race = Race::new("races::an_opener_joins_the_object_of_the_name");
    let first = create(&race.prefixes, "first");
    let mut opener = race.start("opener", &[], "open.joined");
    remove(&FileId::parse("it").unwrap(), Kind::File, &listing(&race.prefixes)).unwrap();
    let second = create(&race.prefixes, "second");
    opener.go_on();
    assert_eq!(opener.expect(), "second");
    // And is counted there.
    drop((first, second));
    assert_eq!(open(&race.prefixes).unwrap().read_text(0).unwrap(), "second");
    opener.finish();
    assert_eq!(race.left(), [""; 0]);
}

/// The same for an object that ends while it is being opened.
#[test]
fn an_opener_of_an_ending_object_finds_nothing() {
    support::play(ROLES);
    let race = Race::new("races::an_opener_of_an_ending_object_finds_nothing");
    for point in ["open.joined", "open.mapped"] {
        let lifetime = Lifetime::Creator;
        let file =
            MmFile::create_new(10, &CreateOptions { lifetime, ..options(&race.prefixes) }).unwrap();
        let mut opener = race.start("sharer", &[], point);
        drop(file);
        assert_eq!(code(open(&race.prefixes)), "ERR_MMFILE_NOT_FOUND");
        opener.go_on();
        assert_eq!(opener.expect(), "true", "{point}: it creates another one");
        opener.finish();
        assert_eq!(race.left(), [""; 0]);
    }
}

/// A process that has joined keeps the last one that leaves from removing the name.
#[test]
fn the_last_to_leave_is_not_the_last_if_another_joins() {
    support::play(ROLES);
    let race = Race::new("races::the_last_to_leave_is_not_the_last_if_another_joins");
    let file = create(&race.prefixes, "kept");
    let mut opener = race.start("opener", &[], "open.joined");
    drop(file);
    opener.go_on();
    assert_eq!(opener.expect(), "kept");
    assert!(!list(&listing(&race.prefixes)).unwrap()[0].stale);
    opener.finish();
    assert_eq!(race.left(), [""; 0]);
}

/// A file that has ended is in no way of the next one of its name, whose name its creator does not remove.
#[test]
fn a_file_that_has_ended_makes_way() {
    support::play(ROLES);
    let race = Race::new("races::a_file_that_has_ended_makes_way");
    for is_killed in [false, true] {
        let mut ender = race.start("ender", &[], "close.ended");
        assert_eq!(list(&listing(&race.prefixes)).unwrap(), []);
        assert_eq!(code(open(&race.prefixes)), "ERR_MMFILE_NOT_FOUND");
        assert_eq!(race.left(), [""; 0], "the process that finds it removes its name");
        let next = create(&race.prefixes, "next");
        if is_killed {
            ender.kill();
        } else {
            ender.go_on();
            assert_eq!(ender.expect(), "ended");
            ender.finish();
        }
        assert_eq!(open(&race.prefixes).unwrap().read_text(0).unwrap(), "next");
        drop(next);
        // The same with a creation and a sweep that find it.
        let mut ender = race.start("ender", &[], "close.ended");
        drop(create(&race.prefixes, "next"));
        ender.go_on();
        ender.finish();
        let mut ender = race.start("ender", &[], "close.ended");
        assert_eq!(sweep(&listing(&race.prefixes)).unwrap(), []);
        assert_eq!(race.left(), [""; 0]);
        ender.go_on();
        ender.finish();
    }
}

/// A process that opens or creates while the name is being removed waits for that, and then creates.
#[test]
fn a_name_that_is_being_removed_is_waited_for() {
    support::play(ROLES);
    let race = Race::new("races::a_name_that_is_being_removed_is_waited_for");
    for point in ["remove.locked", "unlink.begin", "unlink.done"] {
        let mut leaver = race.start("leaver", &[], point);
        let soon = Duration::from_millis(30);
        let options = CreateOptions { lock_timeout: soon, ..options(&race.prefixes) };
        let started = Instant::now();
        let opened = MmFile::open_existing("it", &OpenOptions::from(&options));
        let created = MmFile::create_new(10, &options);
        if point == "unlink.done" {
            assert_eq!((code(opened), created.is_ok()), ("ERR_MMFILE_NOT_FOUND", true));
            drop(created);
        } else {
            assert_eq!((code(opened), code(created)), ("ERR_MMFILE_TIMEOUT", "ERR_MMFILE_TIMEOUT"));
            assert!(started.elapsed() >= 2 * soon);
        }
        let mut sharer = race.start("sharer", &[], "");
        leaver.go_on();
        assert_eq!(sharer.expect(), "true");
        leaver.finish();
        assert!(open(&race.prefixes).is_ok(), "{point}: the new one's name is not removed");
        sharer.finish();
        assert_eq!(race.left(), [""; 0]);
    }
}

/// A process that was about to remove the name, and is killed there, keeps no other from it.
#[test]
fn a_dead_remover_is_in_no_way() {
    support::play(ROLES);
    let race = Race::new("races::a_dead_remover_is_in_no_way");
    for point in ["remove.locked", "unlink.begin"] {
        let mut leaver = race.start("leaver", &[], point);
        leaver.kill();
        assert_eq!(code(open(&race.prefixes)), "ERR_MMFILE_NOT_FOUND");
        assert_eq!(race.left(), [""; 0], "the process that finds it removes it");
        let mut leaver = race.start("leaver", &[], point);
        leaver.kill();
        drop(create(&race.prefixes, "next"));
        assert_eq!(race.left(), [""; 0]);
    }
}

/// Of two that create one name the one that publishes first has it.
#[test]
fn the_second_to_publish_finds_the_first() {
    support::play(ROLES);
    let race = Race::new("races::the_second_to_publish_finds_the_first");
    for capacity in ["100", "1048576"] {
        for point in ["stage.made", "create.joined", "create.reserved", "create.described"] {
            let mut slow = race.start("creator", &["it", capacity], point);
            // Nothing of the other object blocks the name or can be opened.
            assert_eq!(code(open(&race.prefixes)), "ERR_MMFILE_NOT_FOUND");
            assert_eq!(list(&listing(&race.prefixes)).unwrap(), []);
            let quick = create(&race.prefixes, "quick");
            slow.go_on();
            assert_eq!(slow.expect(), "ERR_MMFILE_EXISTS", "{capacity}, {point}");
            slow.finish();
            assert_eq!(open(&race.prefixes).unwrap().read_text(0).unwrap(), "quick");
            assert_eq!(race.left().len(), 1, "{capacity}, {point}");
            drop(quick);
            assert_eq!(race.left(), [""; 0]);
        }
    }
}

/// A staging object that is not locked yet may be taken for a dead one's: it is made anew. One that is
/// locked is not.
#[test]
fn a_swept_staging_object_is_made_anew() {
    support::play(ROLES);
    if support::skips_in_chosen_folder() {
        return;
    }
    let race = Race::new("races::a_swept_staging_object_is_made_anew");
    for (point, stays) in
        [("stage.made", false), ("create.joined", true), ("create.described", true)]
    {
        // With a time limit of 0, too: no process has the name.
        let mut creator = race.start("creator", &["it", "100", "0"], point);
        assert_eq!(race.left().len(), 1);
        sweep(&listing(&race.prefixes)).unwrap();
        assert_eq!(race.left().len(), usize::from(stays), "{point}");
        creator.go_on();
        assert_eq!(creator.expect(), "created", "{point}");
        assert!(path(&format!("{}it", race.prefixes.data())).exists());
        assert_eq!(race.left().len(), 1);
        creator.finish();
        assert_eq!(race.left(), [""; 0]);
    }
}

/// One that is stopped while it removes a staging object keeps the creator waiting for nothing.
#[test]
fn a_creator_waits_for_no_sweeper() {
    support::play(ROLES);
    if support::skips_in_chosen_folder() {
        return;
    }
    let race = Race::new("races::a_creator_waits_for_no_sweeper");
    let mut creator = race.start("creator", &["it", "100", "0"], "stage.made");
    let mut sweeper = race.start("sweeper", &[], "remove.locked");
    creator.go_on();
    assert_eq!(creator.expect(), "created");
    sweeper.go_on();
    assert_eq!(sweeper.expect(), "0");
    sweeper.finish();
    assert!(open(&race.prefixes).is_ok(), "what was created is not swept");
    creator.finish();
    assert_eq!(race.left(), [""; 0]);
}

/// A process that finds nothing and then, when it creates, another one's object, opens that: at once, with a time
/// limit of 0, too.
#[test]
fn an_object_that_another_process_created_meanwhile_is_opened() {
    support::play(ROLES);
    let race = Race::new("races::an_object_that_another_process_created_meanwhile_is_opened");
    for point in ["create.swept", "create.described"] {
        let mut sharer = race.start("sharer", &["0"], point);
        let file = create(&race.prefixes, "first");
        sharer.go_on();
        assert_eq!(sharer.expect(), "false", "{point}");
        sharer.finish();
        drop(file);
        assert_eq!(race.left(), [""; 0]);
    }
}

/// The first process that opens a file on disk rebuilds its control block: others wait for that, and if it
/// dies another one does it.
#[test]
fn a_file_on_disk_that_is_being_rebuilt_is_waited_for() {
    support::play(ROLES);
    let race = Race::new("races::a_file_on_disk_that_is_being_rebuilt_is_waited_for");
    let folder = Folder::new("rebuilt");
    let path = folder.file("it");
    let file = MmFile::create_file(&path, 1000, &CreateOptions::default()).unwrap();
    file.append("kept").unwrap();
    drop(file);
    let text = path.to_str().unwrap();
    let soon = Duration::from_millis(30);
    for access in [Access::ReadWrite, Access::Read] {
        let options = OpenOptions { access, lock_timeout: soon, ..Default::default() };
        let mut first = race.start("disk-opener", &[text], "open.rebuilt");
        assert_eq!(code(MmFile::open_file(&path, &options)), "ERR_MMFILE_TIMEOUT");
        let mut second = race.start("disk-opener", &[text], "");
        first.go_on();
        assert_eq!((first.expect(), second.expect()), ("1".into(), "1".into()));
        let file = MmFile::open_file(&path, &options).unwrap();
        assert_eq!(file.peers().len(), 3);
        drop(file);
        [first, second].into_iter().for_each(Actor::finish);
        let mut dead = race.start("disk-opener", &[text], "open.rebuilt");
        dead.kill();
        let file = MmFile::open_file(&path, &options).unwrap();
        assert_eq!((file.read_text(0).unwrap().as_str(), file.peers().len()), ("kept", 1));
    }
    assert_eq!(folder.names(), ["it"]);
}

/// Of two that create one file on disk the one that publishes first has it, and the other leaves nothing.
#[test]
fn a_file_on_disk_is_created_once() {
    support::play(ROLES);
    let race = Race::new("races::a_file_on_disk_is_created_once");
    for point in ["stage.made", "create.joined", "create.reserved", "create.described"] {
        let folder = Folder::new("created");
        let path = folder.file("it");
        let mut slow = race.start("disk-creator", &[path.to_str().unwrap()], point);
        let missing = MmFile::open_file(&path, &OpenOptions::default());
        assert_eq!(code(missing), "ERR_MMFILE_NOT_FOUND", "{point}");
        let quick = MmFile::create_file(&path, 100, &CreateOptions::default()).unwrap();
        quick.append("quick").unwrap();
        slow.go_on();
        assert_eq!(slow.expect(), "ERR_MMFILE_EXISTS", "{point}");
        slow.finish();
        assert_eq!(folder.names(), ["it"], "{point}");
        let open = MmFile::open_file(&path, &OpenOptions::default()).unwrap();
        assert_eq!(open.read_text(0).unwrap(), "quick");
    }
}

/// However many open a file as soon as it has its name: its creator has a row in the table by then.
#[test]
fn the_creator_has_a_row_from_the_beginning() {
    support::play(ROLES);
    let test = "races::the_creator_has_a_row_from_the_beginning";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("first-row");
    let args = [prefixes.data(), prefixes.mutex(), "it", "1000"];
    let mut creator = Actor::start_with_fault(test, "creator", &args, "=create.published");
    creator.wait_stopped();
    let others: Vec<_> = (0..100).map(|_| open(&prefixes).unwrap()).collect();
    let creators = || others[99].peers().into_iter().filter(|peer| peer.is_creator);
    assert_eq!(creators().map(|peer| peer.pid).collect::<Vec<_>>(), [creator.child.id()]);
    creator.go_on();
    assert_eq!(creator.expect(), "created");
    assert_eq!(creators().count(), 1);
    creator.finish();
    assert_eq!(creators().count(), 0);
    drop(others);
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}
