//! The costs of a creation, for its process and for others, and of an open file.

use super::support::board::Board;
use super::support::{
    self, Actor, Folder, Watchdog, figures, hear, left_behind, listing, own_prefixes, say,
};
use mmfile_core::*;
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

const ROLES: &[support::Role] = &[("holder", holder), ("builder", builder), ("counter", counter)];

fn options(prefixes: &Prefixes) -> CreateOptions {
    CreateOptions { prefixes: prefixes.clone(), ..Default::default() }
}

/// As many descriptors as the system lets this process have.
fn raise_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the target is writable, and what is set was read before.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max.min(10_000);
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
    }
}

/// Keeps so many files open.
fn holder(args: &[String]) {
    raise_limit();
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let count = args[2].parse().unwrap();
    let files: Vec<_> =
        (0..count).map(|_| MmFile::create_new(1024, &options(&prefixes)).unwrap()).collect();
    say(files.len());
    hear();
}

/// The time of one creation, of many the quickest: what else the machine does makes others longer. They have so
/// many prefixes in turn.
fn creation(prefixes: &Prefixes, many: usize) -> Duration {
    let named = |number| {
        let prefix = |prefix: &str| format!("{prefix}{number}.");
        Prefixes::new(prefix(prefixes.data()), prefix(prefixes.mutex())).unwrap()
    };
    let all: Vec<_> = (0..many).map(|number| options(&named(number))).collect();
    let batch = || {
        let started = Instant::now();
        let options = all.iter().cycle().take(16);
        options.for_each(|options| drop(MmFile::create_new(1024, options).unwrap()));
        started.elapsed() / 16
    };
    (0..40).map(|_| batch()).min().unwrap()
}

#[test]
fn a_creation_costs_the_same_however_many_files_there_are() {
    support::play(ROLES);
    let test = "costs::a_creation_costs_the_same_however_many_files_there_are";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("count");
    drop(MmFile::create_new(1024, &options(&prefixes)).unwrap()); // the first one of a process does more
    let alone = creation(&prefixes, 1);
    let mut holder = Actor::start(test, "holder", &[prefixes.data(), prefixes.mutex(), "1000"]);
    assert_eq!(holder.expect(), "1000");
    let (among, in_turn) = (creation(&prefixes, 1), creation(&prefixes, 12));
    assert_eq!(list(&listing(&prefixes)).unwrap().len(), 1000);
    holder.finish();
    let alone = alone.min(creation(&prefixes, 1));
    figures(format!(
        "a creation: {alone:?}; among 1,000 files: {among:?}; 12 prefixes: {in_turn:?}"
    ));
    assert!(among < alone * 3, "{among:?} among 1,000 files, {alone:?} among none");
    assert!(in_turn < alone * 3, "{in_turn:?} of 12 prefixes among 1,000 files");
    assert_eq!(left_behind(prefixes.data()), [""; 0]);
}

const LARGE: u64 = 256 << 20;
// The board.
const STOP: usize = 0;
const BUSY: usize = 1;
const ROUNDS: usize = 2;
const LONGEST: usize = 3;

/// Creates one large file after the other, and notes while it does.
fn builder(args: &[String]) {
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let board = Board::open(Path::new(&args[2]));
    let id = Some(FileId::parse("large").unwrap());
    let options = CreateOptions { id, ..options(&prefixes) };
    while board.at(STOP).load(SeqCst) == 0 {
        board.at(BUSY).store(1, SeqCst);
        let started = Instant::now();
        let file = MmFile::create_new(LARGE, &options).unwrap();
        let took = u64::try_from(started.elapsed().as_nanos()).unwrap();
        board.at(BUSY).store(0, SeqCst);
        board.at(LONGEST).fetch_max(took, SeqCst);
        board.at(ROUNDS).fetch_add(1, SeqCst);
        drop(file);
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A process that fills memory delays neither the creations nor the openings of others, not even those of
/// the same name.
#[test]
fn a_large_creation_delays_no_other_process() {
    support::play(ROLES);
    let test = "costs::a_large_creation_delays_no_other_process";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let (prefixes, folder) = (own_prefixes("large"), Folder::new("large"));
    let board = Board::create(&folder.file("board"));
    let path = folder.file("board");
    let args = [prefixes.data(), prefixes.mutex(), path.to_str().unwrap()];
    let mut builder = Actor::start(test, "builder", &args);
    let is_busy = || board.at(BUSY).load(SeqCst) == 1;
    let file = MmFile::create_new(1024, &options(&prefixes)).unwrap();
    let open = OpenOptions::from(&options(&prefixes));
    let mut small = [const { Vec::new() }; 3];
    while board.at(ROUNDS).load(SeqCst) < 4 {
        let round = board.at(ROUNDS).load(SeqCst);
        let mut time = |kind: usize, call: &dyn Fn()| {
            let (busy, started) = (is_busy(), Instant::now());
            call();
            let took = started.elapsed();
            // All the time within one large creation, or too long for it.
            if busy
                && (is_busy() && board.at(ROUNDS).load(SeqCst) == round || took.as_millis() > 20)
            {
                small[kind].push(took);
            }
        };
        time(0, &|| drop(MmFile::create_new(1024, &options(&prefixes)).unwrap()));
        time(1, &|| drop(MmFile::open_existing(file.id(), &open).unwrap()));
        time(2, &|| match MmFile::open_existing("large", &open) {
            Ok(_) | Err(Error::NotFound { .. }) => {}
            Err(error) => panic!("{error:?}"),
        });
    }
    board.at(STOP).store(1, SeqCst);
    while builder.line().is_some() {}
    builder.finish();
    let large = Duration::from_nanos(board.at(LONGEST).load(SeqCst));
    for (what, mut times) in
        ["created", "opened", "opened by the large one's name"].iter().zip(small)
    {
        times.sort_unstable();
        let median = times[times.len() / 2];
        figures(format!("during {large:?}: {} times {what}, median {median:?}", times.len()));
        assert!(times.len() >= 20, "only {} times {what} during four large creations", times.len());
        assert!(median < large / 20, "{what}: {median:?}");
    }
    drop(file);
    assert_eq!(left_behind(prefixes.data()), [""; 0]);
}

/// How many descriptors this process has.
fn descriptors() -> usize {
    std::fs::read_dir("/dev/fd").unwrap().count()
}

/// Counts what files cost that are opened in some way: descriptors for each file.
fn counter(args: &[String]) {
    const COUNT: usize = 20;
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let folder = Path::new(&args[2]);
    let create = options(&prefixes);
    let read = OpenOptions { access: Access::Read, ..OpenOptions::from(&create) };
    let write = OpenOptions::from(&create);
    let made: Vec<_> = (0..COUNT).map(|_| MmFile::create_new(100, &create).unwrap()).collect();
    let at = |number: usize| folder.join(format!("{number}"));
    let ids: Vec<_> = made.iter().map(|file| file.id().to_owned()).collect();
    let disk: Vec<_> =
        (0..COUNT).map(|number| MmFile::create_file(at(number), 100, &create).unwrap()).collect();
    type Way<'a> = (&'a str, Box<dyn Fn(usize) -> Box<dyn std::fmt::Debug> + 'a>);
    fn kept<T: std::fmt::Debug + 'static>(result: Result<T>) -> Box<dyn std::fmt::Debug> {
        Box::new(result.unwrap())
    }
    let mutexes = MutexOptions { prefix: format!("{}m-", args[0]), ..Default::default() };
    let ways: [Way; 8] = [
        ("created", Box::new(|_| kept(MmFile::create_new(100, &create)))),
        ("created large", Box::new(|_| kept(MmFile::create_new(2 << 20, &create)))),
        ("opened", Box::new(|number| kept(MmFile::open_existing(&ids[number], &write)))),
        ("opened to read", Box::new(|number| kept(MmFile::open_existing(&ids[number], &read)))),
        (
            "created on disk",
            Box::new(|number| kept(MmFile::create_file(at(100 + number), 100, &create))),
        ),
        ("opened on disk", Box::new(|number| kept(MmFile::open_file(at(number), &write)))),
        ("opened to read on disk", Box::new(|number| kept(MmFile::open_file(at(number), &read)))),
        ("a mutex", Box::new(|number| kept(NamedMutex::open(&number.to_string(), &mutexes)))),
    ];
    for (what, way) in &ways {
        drop(way(0));
        let _ = std::fs::remove_file(at(100));
        let before = descriptors();
        let open: Vec<_> = (0..COUNT).map(way).collect();
        let cost = descriptors() - before;
        drop(open);
        assert!(descriptors() <= before, "{what}: not closed");
        say(format_args!("{what}: {:.2}", cost as f64 / COUNT as f64));
        assert!(cost <= 2 * COUNT, "{what}: {cost} descriptors for {COUNT} files");
    }
    // A folder of which nothing is open can be unmounted.
    let before = descriptors();
    for number in 0..4 * COUNT {
        let directory = Some(folder.join(format!("folder-{number}")));
        std::fs::create_dir(directory.as_ref().unwrap()).unwrap();
        let create = CreateOptions { directory, ..create.clone() };
        drop((0..COUNT).map(|_| MmFile::create_new(100, &create).unwrap()).collect::<Vec<_>>());
    }
    assert!(descriptors() <= before, "{} folders stay open", descriptors() - before);
    drop((made, disk));
}

#[test]
fn an_open_file_has_two_descriptors_at_most() {
    support::play(ROLES);
    let test = "costs::an_open_file_has_two_descriptors_at_most";
    let (prefixes, folder) = (own_prefixes("descriptors"), Folder::new("descriptors"));
    let path = folder.path().to_str().unwrap();
    let mut actor = Actor::start(test, "counter", &[prefixes.data(), prefixes.mutex(), path]);
    let costs: Vec<_> = std::iter::from_fn(|| actor.line()).collect();
    figures(format!("descriptors: {}", costs.join(", ")));
    assert_eq!(costs.len(), 8);
    actor.finish();
    assert_eq!(left_behind(support::common_part(&prefixes)), [""; 0]);
}

/// Opening touches only the control block, and writes to it first: at a read, the kernel would also map the
/// pages around it, and closing would have to unmap them. That is a third of the time of both.
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
#[test]
fn an_opening_maps_one_page() {
    let prefixes = own_prefixes("mapped");
    let resident = |name: &str| -> Vec<u64> {
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let of_file = maps.split("VmFlags:").filter(|part| part.contains(name));
        let kilobytes = |part: &str| {
            let line = part.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
            line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
        };
        of_file.map(kilobytes).collect()
    };
    let file = MmFile::create_new(1 << 16, &options(&prefixes)).unwrap();
    let created: u64 = resident(file.id()).iter().sum();
    let _opened =
        MmFile::open_existing(file.id(), &OpenOptions::from(&options(&prefixes))).unwrap();
    let opened = resident(file.id()).iter().sum::<u64>() - created;
    figures(format!(
        "resident: {created} KiB of a file that was created, {opened} of an opened one"
    ));
    let page = page_size() / 1024;
    assert!(created <= page && opened <= page, "{created} and {opened} KiB");
}

#[cfg(all(target_os = "linux", not(mmfile_portable)))]
fn page_size() -> u64 {
    // SAFETY: takes a number and cannot fail.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap()
}
