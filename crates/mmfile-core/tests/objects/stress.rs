//! One name that several processes create, open, leave and sweep all the time, while some of them are
//! killed: each has joined the object that the name leads to, and never are there two.

use super::support::board::Board;
use super::support::{
    self, Actor, Folder, Random, Watchdog, common_part, figures, left_behind, own_prefixes, path,
    peek, rounds, say,
};
use mmfile_core::*;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const ROLES: &[support::Role] = &[("member", member), ("sweeper", sweeper)];
const MEMBERS: usize = 4;
const ID: &str = "it";
/// Where an object carries the number that tells it from every other one, away from its segments.
const MARK: u64 = 2048;

// The board: counters, and for each member which object it has joined and whether it is about to be killed.
const STOP: usize = 0;
const JOINS: usize = 1;
const CREATIONS: usize = 2;
const MARKS: usize = 3;
const SWEPT: usize = 4;
const FAILURES: usize = 5;
const JOINED: usize = 16;
const DOOMED: usize = 32;

/// Where the file is, as the roles are told.
struct Place {
    prefixes: Prefixes,
    directory: Option<PathBuf>,
    capacity: u64,
}

impl Place {
    fn parse(args: &[String]) -> Self {
        let directory = (!args[2].is_empty()).then(|| PathBuf::from(&args[2]));
        let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
        Self { prefixes, directory, capacity: args[3].parse().unwrap() }
    }

    fn args(&self) -> [String; 4] {
        let directory = self.directory.as_deref().unwrap_or(Path::new("")).to_str().unwrap();
        let (data, mutex) = (self.prefixes.data(), self.prefixes.mutex());
        [data.into(), mutex.into(), directory.into(), self.capacity.to_string()]
    }

    fn object(&self) -> PathBuf {
        let name = format!("{}{ID}", self.prefixes.data());
        self.directory.as_ref().map_or_else(|| path(&name), |directory| directory.join(&name))
    }

    fn create_options(&self) -> CreateOptions {
        let (prefixes, directory) = (self.prefixes.clone(), self.directory.clone());
        let (id, lifetime) = (Some(FileId::parse(ID).unwrap()), Lifetime::LastProcess);
        CreateOptions { id, lifetime, prefixes, directory, ..Default::default() }
    }

    /// One of the ways to open the file. `None` if it does not exist, or already exists, depending on the
    /// way.
    fn join(&self, random: &mut Random) -> Option<MmFile> {
        let options = self.create_options();
        let open = OpenOptions::from(&options);
        let result = match random.below(8) {
            0 => MmFile::create_new(self.capacity, &options),
            1 => MmFile::open_existing(ID, &open),
            2 => MmFile::open_existing(ID, &OpenOptions { access: Access::Read, ..open }),
            _ => return Some(MmFile::create_or_open(ID, self.capacity, &options).unwrap()),
        };
        match result {
            Ok(file) => Some(file),
            Err(Error::NotFound { .. } | Error::Exists { .. }) => None,
            Err(error) => panic!("{error:?}"),
        }
    }

    fn listing(&self) -> ListOptions {
        ListOptions { directory: self.directory.clone(), ..support::listing(&self.prefixes) }
    }

    /// The mark of the object that the name leads to now; 0 if it leads to nothing.
    fn mark(&self) -> u64 {
        peek(&self.object(), MARK).unwrap_or(0)
    }
}

/// The mark in a file's own memory, which its first writer sets.
fn mark_of(file: &MmFile, board: &Board) -> Option<u64> {
    let at = file.address(Span { offset: MARK, size: 8 }).unwrap();
    // SAFETY: an aligned number inside the mapping, which the file keeps; every process accesses it atomically.
    let mark = unsafe { &*at.cast::<AtomicU64>() };
    if file.access() == Access::Read {
        return Some(mark.load(SeqCst)).filter(|mark| *mark != 0);
    }
    let new = board.at(MARKS).fetch_add(1, SeqCst) + 1;
    Some(mark.compare_exchange(0, new, SeqCst, SeqCst).map_or_else(|mark| mark, |_| new))
}

/// The board, which learns of a failure of this process even if it is killed while it reports it.
fn board(path: &str) -> Board {
    let (board, theirs) = (Board::open(Path::new(path)), Board::open(Path::new(path)));
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        theirs.at(FAILURES).fetch_add(1, SeqCst);
        usual(info);
    }));
    board
}

/// Joins and leaves, and checks what it has joined.
fn member(args: &[String]) {
    let (place, board) = (Place::parse(&args[1..]), board(&args[0]));
    let me: usize = args[5].parse().unwrap();
    let mut random = Random::new(u64::from(std::process::id()));
    say("begins");
    while board.at(STOP).load(SeqCst) == 0 {
        let Some(file) = place.join(&mut random) else { continue };
        let Some(mark) = mark_of(&file, &board) else { continue };
        board.at(JOINED + me).store(mark, SeqCst);
        board.at(JOINS).fetch_add(1, SeqCst);
        board.at(CREATIONS).fetch_add(u64::from(file.is_creator()), SeqCst);
        for _ in 0..2 {
            assert_eq!(place.mark(), mark, "the name leads to another object");
            for other in (0..MEMBERS).filter(|other| *other != me) {
                let theirs = board.at(JOINED + other).load(SeqCst);
                let lives = theirs != 0 && board.at(DOOMED + other).load(SeqCst) == 0;
                assert!(!lives || theirs == mark, "two living objects: {theirs} and {mark}");
            }
            (0..random.below(300)).for_each(|_| std::hint::spin_loop());
        }
        board.at(JOINED + me).store(0, SeqCst);
        drop(file);
    }
}

/// Removes what no process has open, and lists what there is.
fn sweeper(args: &[String]) {
    let (place, board) = (Place::parse(&args[1..]), board(&args[0]));
    say("begins");
    while board.at(STOP).load(SeqCst) == 0 {
        let swept = sweep(&place.listing()).unwrap();
        board.at(SWEPT).fetch_add(swept.len() as u64, SeqCst);
        assert!(swept.len() <= 1 && swept.iter().all(|info| info.stale), "{swept:?}");
        assert!(list(&place.listing()).unwrap().len() <= 1);
    }
}

fn run(test: &str, directory: Option<&Folder>, capacity: u64) {
    // One at a time, or they have the processors for too short.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let _watchdog = Watchdog::new(test, Duration::from_secs(60) * rounds());
    let own = Folder::new("stress-board");
    let board = Board::create(&own.file("board"));
    let directory = directory.map(|folder| folder.path().to_owned());
    let place = Place { prefixes: own_prefixes("stress"), directory, capacity };
    let start = |number: usize| {
        let role = if number < MEMBERS { "member" } else { "sweeper" };
        let args = [own.file("board").to_str().unwrap().to_owned()].into_iter();
        let args: Vec<_> = args.chain(place.args()).chain([number.to_string()]).collect();
        let mut actor =
            Actor::start(test, role, &args.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(actor.expect(), "begins");
        actor
    };
    let mut actors: Vec<_> = (0..=MEMBERS).map(start).collect();
    let mut random = Random::new(7);
    let end = Instant::now() + Duration::from_millis(2500) * rounds();
    let mut kills = 0;
    while Instant::now() < end {
        std::thread::sleep(Duration::from_micros(random.below(12_000)));
        let number = random.below(MEMBERS as u64 + 1) as usize;
        board.at(DOOMED + number).store(1, SeqCst);
        let _ = actors[number].child.kill(); // it may have ended by itself
        actors[number].child.wait().unwrap();
        board.at(JOINED + number).store(0, SeqCst);
        board.at(DOOMED + number).store(0, SeqCst);
        actors[number] = start(number);
        kills += 1;
    }
    board.at(STOP).store(1, SeqCst);
    actors.into_iter().for_each(Actor::finish);
    assert_eq!(board.at(FAILURES).load(SeqCst), 0);
    let count = |index| board.at(index).load(SeqCst);
    let (joins, creations, swept) = (count(JOINS), count(CREATIONS), count(SWEPT));
    figures(format!("{joins} joins, {creations} creations, {kills} kills, {swept} swept"));
    assert!(joins > 500 && creations > 20 && kills > 10);
    // Of the last object nothing is left, unless one of its last two processes was killed.
    let swept = sweep(&place.listing()).unwrap();
    assert!(swept.len() <= 1);
    assert!(!place.object().exists());
    assert_eq!(left_behind(common_part(&place.prefixes)), [""; 0]);
}

#[test]
fn one_name_in_shared_memory() {
    support::play(ROLES);
    run("stress::one_name_in_shared_memory", None, 4096);
}

/// Of a size that is created without a name.
#[test]
fn one_name_of_a_large_file() {
    support::play(ROLES);
    run("stress::one_name_of_a_large_file", None, 1 << 20);
}

#[test]
fn one_name_in_a_folder() {
    support::play(ROLES);
    let folder = Folder::new("stress");
    run("stress::one_name_in_a_folder", Some(&folder), 4096);
    assert_eq!(folder.names(), [""; 0]);
}
