//! What every platform must do, through the public interface alone.

#[path = "conformance/locks.rs"]
mod locks;
mod support;

use mmfile_core::*;
use std::time::{Duration, Instant};
use support::{Actor, common_part, hear, left_behind, listing, own_prefixes, say};

fn new(capacity: u64) -> MmFile {
    MmFile::create_new(capacity, &CreateOptions::default()).unwrap()
}

fn open(file: &MmFile) -> MmFile {
    MmFile::open_existing(file.id(), &OpenOptions::default()).unwrap()
}

fn open_to_read(file: &MmFile) -> MmFile {
    let options = OpenOptions { access: Access::Read, ..Default::default() };
    MmFile::open_existing(file.id(), &options).unwrap()
}

fn named(id: &str) -> CreateOptions {
    CreateOptions { id: Some(FileId::parse(id).unwrap()), ..Default::default() }
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn segments_come_back_as_they_went_in() {
    let file = new(1 << 16);
    let other = open(&file);
    let values: [&[u8]; 6] = [b"", b"\0", b"x", b"odd", &[0xff; 255], &[0x80; 4096]];
    for (index, value) in values.iter().enumerate() {
        assert_eq!(file.append(*value).unwrap(), index as u64);
    }
    for (index, value) in values.iter().enumerate().rev() {
        assert_eq!(other.read(index as u64).unwrap(), *value);
        assert_eq!(other.byte_length(index as u64).unwrap(), value.len() as u64);
    }
    let used: usize = values.iter().map(|value| value.len() + 4).sum();
    assert_eq!((other.len().unwrap(), other.size().unwrap()), (6, used as u64));
}

#[test]
fn text_is_utf16() {
    let file = new(1 << 12);
    for text in ["", "a", "Grüße", "日本語", "👩‍👩‍👧‍👦", "\0"] {
        let index = file.append(text).unwrap();
        assert_eq!(file.read_text(index).unwrap(), text);
    }
    let lone = file.append(&0xd800u16.to_le_bytes()).unwrap();
    assert_eq!(file.read_utf16(lone).unwrap(), [0xd800]);
    let odd = file.append(b"abc").unwrap();
    assert_eq!(code(file.read_text(odd)), "ERR_MMFILE_NOT_TEXT");
}

#[test]
fn the_last_byte_can_be_used_and_no_more() {
    for capacity in [1u64, 3, 4, 5, 7, 8, 9, 4095, 4096, 4097] {
        let file = new(capacity);
        assert_eq!(file.capacity(), capacity);
        if capacity < 4 {
            assert_eq!(code(file.append(b"")), "ERR_MMFILE_CAPACITY");
            assert_eq!(file.len().unwrap(), 0);
            continue;
        }
        let room = usize::try_from(capacity - 4).unwrap();
        let error = file.append(&vec![1u8; room + 1]).unwrap_err();
        assert_eq!(error, Error::Capacity { needed: capacity + 1, available: capacity });
        assert_eq!((file.len().unwrap(), file.size().unwrap()), (0, 0));
        file.append(&vec![7u8; room]).unwrap();
        assert_eq!(open(&file).read(0).unwrap(), vec![7u8; room]);
        assert_eq!(file.size().unwrap(), capacity);
        assert_eq!(code(file.append(b"")), "ERR_MMFILE_CAPACITY");
    }
}

#[test]
fn append_all_is_all_or_nothing() {
    let file = new(40);
    file.append(b"a").unwrap(); // 5 of 40
    assert_eq!(file.append_all(&[[1u8; 4], [2; 4]]).unwrap(), 1); // 21 of 40
    assert_eq!(code(file.append_all(&[[3u8; 4], [4; 4], [5; 4]])), "ERR_MMFILE_CAPACITY");
    assert_eq!((file.len().unwrap(), file.size().unwrap()), (3, 21));
    assert_eq!(file.append_all::<[u8; 4]>(&[]).unwrap(), 3);
    assert_eq!(open(&file).read(2).unwrap(), [2; 4]);
}

#[test]
fn write_takes_the_next_index_only() {
    let file = new(100);
    file.write(0, "x").unwrap();
    for index in [0, 2, u64::MAX] {
        let error = file.write(index, "y").unwrap_err();
        assert_eq!(error, Error::SegmentOrder { index, length: 1 });
    }
    assert_eq!(file.len().unwrap(), 1);
    file.write(1, "y").unwrap();
}

#[test]
fn what_is_not_there_is_an_error() {
    let file = new(100);
    file.append(b"four").unwrap();
    let error = file.read(1).unwrap_err();
    assert_eq!(error, Error::SegmentRange { index: 1, length: 1 });
    let mut small = [9u8; 3];
    assert_eq!(code(file.read_into(0, &mut small)), "ERR_OUT_OF_RANGE");
    assert_eq!(small, [9; 3]);
    let mut large = [9u8; 6];
    assert_eq!(file.read_into(0, &mut large).unwrap(), 4);
    assert_eq!(&large, b"four\x09\x09");
}

#[test]
fn a_sealed_file_takes_no_more() {
    for capacity in [9u64, 10, 13, 100] {
        let file = new(capacity);
        let other = open(&file);
        file.append(b"12345").unwrap();
        other.seal().unwrap();
        other.seal().unwrap();
        assert!(file.is_sealed().unwrap());
        assert_eq!(code(file.append(b"")), "ERR_MMFILE_SEALED");
        assert_eq!((file.len().unwrap(), file.size().unwrap()), (1, 9));
        assert_eq!(open(&file).read(0).unwrap(), b"12345");
        let waited = file.wait_for(1, Timeout::Infinite, Duration::ZERO);
        assert_eq!(code(waited), "ERR_MMFILE_SEALED");
    }
}

#[test]
fn a_reader_cannot_write() {
    let file = new(100);
    file.append("x").unwrap();
    let reader = open_to_read(&file);
    assert_eq!(reader.access(), Access::Read);
    assert_eq!(code(reader.append("y")), "ERR_MMFILE_READ_ONLY");
    assert_eq!(code(reader.seal()), "ERR_MMFILE_READ_ONLY");
    assert_eq!(reader.read_text(0).unwrap(), "x");
    let memory = reader.view_memory().unwrap();
    let span = reader.span(0).unwrap();
    // SAFETY: inside the mapping; a reader's view memory may be written to.
    unsafe { memory.as_ptr().add(span.offset as usize).write(b'!') };
    assert_eq!(file.read_text(0).unwrap(), "x");
}

#[test]
fn ids_are_taken_once() {
    let id = format!("taken-{}", std::process::id());
    let file = MmFile::create_new(64, &named(&id)).unwrap();
    assert_eq!(code(MmFile::create_new(64, &named(&id))), "ERR_MMFILE_EXISTS");
    drop(file);
    let again = MmFile::create_new(64, &named(&id)).unwrap();
    assert_eq!(again.len().unwrap(), 0);
    drop(again);
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn what_was_never_made_is_not_found() {
    let options = OpenOptions::default();
    assert_eq!(code(MmFile::open_existing("never-made", &options)), "ERR_MMFILE_NOT_FOUND");
    assert_eq!(code(MmFile::open_existing("", &options)), "ERR_INVALID_ARG_VALUE");
    assert_eq!(code(MmFile::create_new(0, &CreateOptions::default())), "ERR_INVALID_ARG_VALUE");
}

#[test]
fn more_memory_than_there_is_is_no_space() {
    for capacity in [1u64 << 44, 1 << 60, u64::MAX] {
        let started = Instant::now();
        let id = format!("huge-{}-{capacity}", std::process::id());
        assert_eq!(code(MmFile::create_new(capacity, &named(&id))), "ERR_MMFILE_NO_SPACE");
        assert_eq!(left_behind(&id), [""; 0]);
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn the_creators_end_is_the_files_end() {
    let file = new(100);
    let id = file.id().to_string();
    let other = open(&file);
    drop(file);
    let options = OpenOptions::default();
    assert_eq!(code(MmFile::open_existing(&id, &options)), "ERR_MMFILE_NOT_FOUND");
    assert_eq!(other.append("still here").unwrap(), 0);
    assert_eq!(other.read_text(0).unwrap(), "still here");
    if cfg!(windows) {
        // A kernel object's name goes with its last handle, and not before.
        assert_eq!(code(MmFile::create_new(1, &named(&id))), "ERR_MMFILE_EXISTS");
        drop(other);
    }
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn a_shared_file_ends_with_its_last_process() {
    let id = format!("last-{}", std::process::id());
    let options = CreateOptions::default();
    let first = MmFile::create_or_open(&id, 100, &options).unwrap();
    let second = MmFile::create_or_open(&id, 5000, &options).unwrap();
    assert_eq!((first.is_creator(), second.is_creator(), second.capacity()), (true, false, 100));
    drop(first);
    let third = MmFile::create_or_open(&id, 1, &options).unwrap();
    assert!(!third.is_creator());
    drop((second, third));
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn waiting_sees_what_another_thread_appends() {
    let file = new(1000);
    let other = open(&file);
    for spin in [Duration::ZERO, Duration::from_millis(50)] {
        let index = file.len().unwrap();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| other.wait_for(index, Timeout::Infinite, spin));
            std::thread::sleep(Duration::from_millis(20));
            file.append("now").unwrap();
            waits.join().unwrap().unwrap();
        });
    }
    let started = Instant::now();
    let limit = Timeout::Val(Duration::from_millis(50));
    assert_eq!(code(other.wait_for(99, limit, Duration::ZERO)), "ERR_MMFILE_TIMEOUT");
    assert!(started.elapsed() >= Duration::from_millis(50));
    let waiter = other.waiter();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| waiter.wait_for(99, Timeout::Infinite, Duration::ZERO));
        std::thread::sleep(Duration::from_millis(20));
        waiter.cancel();
        assert_eq!(code(waits.join().unwrap()), "ERR_MMFILE_CLOSED");
    });
}

#[test]
fn segments_are_iterated_until_the_seal() {
    let file = new(1 << 20);
    let other = open(&file);
    file.append_all(&["0", "1"]).unwrap();
    assert_eq!(file.iter(1).unwrap().count(), 1);
    assert_eq!(file.iter(7).unwrap().count(), 0);
    std::thread::scope(|scope| {
        let all = scope.spawn(|| other.segments(0).map(Result::unwrap).collect::<Vec<_>>());
        let cancelled = other.segments(1000);
        let waiter = cancelled.waiter();
        let none = scope.spawn(move || cancelled.map(code).collect::<Vec<_>>());
        for index in 2..500_u64 {
            file.append(index.to_string().as_str()).unwrap();
        }
        waiter.cancel();
        assert_eq!(none.join().unwrap(), ["ERR_MMFILE_CLOSED"]);
        file.append("last").unwrap();
        file.seal().unwrap();
        let all = all.join().unwrap();
        assert_eq!(all.len(), 501);
        assert!(all.iter().map(Vec::as_slice).eq((0..501).map(|at| file.read(at).unwrap())));
    });
}

/// The last segment and the seal come at the same moment, again and again.
#[test]
fn a_wait_does_not_miss_the_last_segment_before_the_seal() {
    for _ in 0..300 {
        let file = new(100);
        let other = open(&file);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| other.segments(0).count());
            file.append("last").unwrap();
            file.seal().unwrap();
            assert_eq!(waits.join().unwrap(), 1);
        });
    }
}

fn creator(args: &[String]) {
    let file = MmFile::create_new(1000, &named(&args[0])).unwrap();
    file.append("from the creator").unwrap();
    say("made");
    if hear().is_some() {
        drop(file);
        say("closed");
    }
    hear();
}

#[test]
fn a_killed_creator_takes_nothing_away() {
    support::play(&[("creator", creator)]);
    let id = format!("killed-{}", std::process::id());
    let test = "a_killed_creator_takes_nothing_away";
    let mut actor = Actor::start(test, "creator", &[&id]);
    assert_eq!(actor.line().unwrap(), "made");
    let file = MmFile::open_existing(&id, &OpenOptions::default()).unwrap();
    actor.kill();
    assert_eq!(file.append("from the survivor").unwrap(), 1);
    let late = MmFile::open_existing(&id, &OpenOptions::default()).unwrap();
    assert_eq!(late.read_text(0).unwrap(), "from the creator");
    drop((file, late));
    assert_eq!(left_behind(&id), [""; 0]);
    // With no process left that has it open, it is not there for those that come later.
    let mut actor = Actor::start(test, "creator", &[&id]);
    assert_eq!(actor.line().unwrap(), "made");
    actor.kill();
    let options = OpenOptions::default();
    assert_eq!(code(MmFile::open_existing(&id, &options)), "ERR_MMFILE_NOT_FOUND");
    assert_eq!(left_behind(&id), [""; 0]);
}

/// Not with the very next one: a creation examines two names, however many there are.
#[test]
fn what_the_dead_left_goes_with_the_next_files() {
    let test = "what_the_dead_left_goes_with_the_next_files";
    support::play(&[("maker", maker)]);
    let prefixes = own_prefixes("swept");
    let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
    // Of one of the passes over the folder, and of a later one.
    for _ in 0..2 {
        let args = [prefixes.data(), prefixes.mutex(), &format!("{}m-", common_part(&prefixes))];
        let mut actors = [(); 3].map(|()| Actor::start(test, "maker", &args));
        for actor in &mut actors {
            assert_eq!(actor.line().unwrap(), "made");
        }
        actors.iter_mut().for_each(Actor::kill);
        // On Windows the kernel removes them at once.
        let left = || left_behind(prefixes.data()).len();
        assert_eq!(left(), if cfg!(windows) { 0 } else { 3 });
        let creations = (0..64).take_while(|_| left() > 0);
        creations.for_each(|_| drop(MmFile::create_new(10, &options).unwrap()));
        assert_eq!(left_behind(prefixes.data()), [""; 0]);
    }
    sweep(&ListOptions {
        mutex_prefix: Some(format!("{}m-", common_part(&prefixes))),
        ..listing(&prefixes)
    })
    .unwrap();
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}

#[test]
fn a_peer_that_came_and_went_is_missed() {
    support::play(&[("creator", creator), ("guest", guest)]);
    let test = "a_peer_that_came_and_went_is_missed";
    let file = new(1000);
    assert!(!file.peer_gone());
    let same_process = open(&file);
    drop(same_process);
    assert!(!file.peer_gone());
    let mut actor = Actor::start(test, "guest", &[file.id()]);
    assert_eq!(actor.line().unwrap(), "here");
    assert!(!file.peer_gone());
    let waiter = file.waiter();
    waiter.require_peer(RequirePeer::Any);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| waiter.wait_for(0, Timeout::Infinite, Duration::ZERO));
        std::thread::sleep(Duration::from_millis(20));
        actor.kill();
        let started = Instant::now();
        assert_eq!(code(waits.join().unwrap()), "ERR_MMFILE_PEER_GONE");
        assert!(started.elapsed() < Duration::from_millis(400));
    });
}

#[test]
fn a_creator_that_ends_is_missed_however_many_readers_there_are() {
    support::play(&[("creator", creator), ("guest", guest)]);
    let test = "a_creator_that_ends_is_missed_however_many_readers_there_are";
    for closes in [true, false] {
        let id = format!("producer-{}-{closes}", std::process::id());
        let mut producer = Actor::start(test, "creator", &[&id]);
        assert_eq!(producer.line().unwrap(), "made");
        let file = MmFile::open_existing(&id, &OpenOptions::default()).unwrap();
        let mut reader = Actor::start(test, "guest", &[&id]);
        assert_eq!(reader.line().unwrap(), "here");
        let wait = |required, index, limit| {
            let waiter = file.waiter();
            waiter.require_peer(required);
            code(waiter.wait_for(index, Timeout::Val(Duration::from_millis(limit)), Duration::ZERO))
        };
        assert_eq!(wait(RequirePeer::Both, 1, 50), "ERR_MMFILE_TIMEOUT");
        if closes {
            producer.tell("close");
            assert_eq!(producer.line().unwrap(), "closed");
        } else {
            producer.kill();
        }
        // The other reader counts as a peer.
        assert_eq!(wait(RequirePeer::Any, 1, 50), "ERR_MMFILE_TIMEOUT");
        assert_eq!(wait(RequirePeer::Creator, 1, 10_000), "ERR_MMFILE_PEER_GONE");
        assert_eq!(wait(RequirePeer::Both, 1, 10_000), "ERR_MMFILE_PEER_GONE");
        let waiter = file.waiter();
        waiter.require_peer(RequirePeer::Creator);
        waiter.wait_for(0, Timeout::Infinite, Duration::ZERO).unwrap();
        reader.kill();
        assert_eq!(wait(RequirePeer::Any, 1, 10_000), "ERR_MMFILE_PEER_GONE");
    }
}

#[test]
fn a_creator_does_not_miss_itself() {
    let file = new(1000);
    let other = open(&file);
    for handle in [&file, &other] {
        let waiter = handle.waiter();
        waiter.require_peer(RequirePeer::Creator);
        let limit = Timeout::Val(Duration::from_millis(20));
        assert_eq!(code(waiter.wait_for(0, limit, Duration::ZERO)), "ERR_MMFILE_TIMEOUT");
    }
    drop(file);
    let waiter = other.waiter();
    waiter.require_peer(RequirePeer::Creator);
    let missed = waiter.wait_for(0, Timeout::Infinite, Duration::ZERO);
    assert_eq!(code(missed), "ERR_MMFILE_PEER_GONE");
}

fn guest(args: &[String]) {
    let file = MmFile::open_existing(&args[0], &OpenOptions::default()).unwrap();
    say("here");
    hear();
    drop(file);
}

#[test]
fn what_there_is_can_be_listed_and_swept() {
    support::play(&[("maker", maker)]);
    let prefixes = own_prefixes("list");
    let mutex_prefix = format!("{}mutex-", common_part(&prefixes));
    let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
    let file = MmFile::create_new(100, &options).unwrap();
    file.append("x").unwrap();
    let own = MutexOptions { prefix: mutex_prefix.clone(), ..Default::default() };
    let mutex = NamedMutex::open("a", &own).unwrap();
    let files_alone = listing(&prefixes);
    let listing = ListOptions { mutex_prefix: Some(mutex_prefix.clone()), ..files_alone.clone() };
    let infos = list(&listing).unwrap();
    let [info, lock] = &infos[..] else { panic!("{infos:?}") };
    assert_eq!((info.id.as_str(), info.kind, info.capacity), (file.id(), Kind::File, 100));
    assert_eq!((info.size, info.length, info.lifetime), (6, 1, Lifetime::Creator));
    assert_eq!((info.stale, info.sealed, info.creator_pid), (false, false, std::process::id()));
    assert_eq!((lock.id.as_str(), lock.kind, lock.capacity), ("a", Kind::Mutex, 0));
    assert_eq!((lock.lifetime, lock.stale), (Lifetime::LastProcess, false));
    assert_eq!(list(&files_alone).unwrap(), infos[..1]);
    assert_eq!(sweep(&listing).unwrap(), []);
    drop((file, mutex));
    assert_eq!(list(&listing).unwrap(), []);
    // What a killed process left: listed as stale, and removed once.
    let test = "what_there_is_can_be_listed_and_swept";
    let args = [prefixes.data(), prefixes.mutex(), &mutex_prefix];
    let mut actor = Actor::start(test, "maker", &args);
    assert_eq!(actor.line().unwrap(), "made");
    actor.kill();
    let mut left = list(&listing).unwrap();
    if cfg!(windows) {
        return assert_eq!(left, []);
    }
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|info| info.stale && info.creator_pid == actor.child.id()));
    let mut swept = sweep(&listing).unwrap();
    for infos in [&mut left, &mut swept] {
        infos.sort_by_key(|info| info.id.as_str().to_owned());
    }
    assert_eq!(swept, left);
    assert_eq!((list(&listing).unwrap(), sweep(&listing).unwrap()), (vec![], vec![]));
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}

/// Looks at everything from outside, again and again.
fn onlooker(args: &[String]) {
    let listing = listing(&Prefixes::new(&args[0], &args[1]).unwrap());
    for _ in 0..20 {
        assert_eq!(list(&listing).unwrap().len(), 1);
        assert_eq!(sweep(&listing).unwrap(), []);
    }
    say("listed");
}

/// A process that lists and sweeps is no peer, and keeps nothing alive.
#[test]
fn an_onlooker_has_nothing_open() {
    support::play(&[("onlooker", onlooker)]);
    let prefixes = own_prefixes("onlooker");
    let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
    let file = MmFile::create_new(100, &options).unwrap();
    let test = "an_onlooker_has_nothing_open";
    let mut actor = Actor::start(test, "onlooker", &[prefixes.data(), prefixes.mutex()]);
    assert_eq!(actor.line().unwrap(), "listed");
    assert_eq!(file.peers().len(), 1);
    drop(file);
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
    let file = MmFile::create_new(100, &options).unwrap();
    let mut actor = Actor::start(test, "onlooker", &[prefixes.data(), prefixes.mutex()]);
    assert_eq!(actor.line().unwrap(), "listed");
    actor.finish();
    assert!(!file.peer_gone(), "there was no peer that could have gone");
}

/// Makes a file and a mutex with prefixes of the test's.
fn maker(args: &[String]) {
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let _file = MmFile::create_new(10, &CreateOptions { prefixes, ..Default::default() }).unwrap();
    let own = MutexOptions { prefix: args[2].clone(), ..Default::default() };
    let _mutex = NamedMutex::open("b", &own).unwrap();
    say("made");
    hear();
}

#[test]
fn a_removed_name_is_free_and_its_file_goes_on() {
    let id = format!("removed-{}", std::process::id());
    let options = ListOptions::default();
    let (file_id, name) = (FileId::parse(&id).unwrap(), id.as_str());
    assert_eq!(code(remove(&file_id, Kind::File, &options)), "ERR_MMFILE_NOT_FOUND");
    for lifetime in [Lifetime::Creator, Lifetime::LastProcess] {
        let file = MmFile::create_new(100, &CreateOptions { lifetime, ..named(name) }).unwrap();
        let other = open(&file);
        assert_eq!(code(remove(&file_id, Kind::Mutex, &options)), "ERR_MMFILE_NOT_FOUND");
        remove(&file_id, Kind::File, &options).unwrap();
        let late = MmFile::open_existing(name, &OpenOptions::default());
        assert_eq!(code(late), "ERR_MMFILE_NOT_FOUND");
        assert_eq!(file.append("still here").unwrap(), 0);
        assert_eq!(other.read_text(0).unwrap(), "still here");
        if !cfg!(windows) {
            let another = MmFile::create_new(50, &named(name)).unwrap();
            assert_eq!(another.len().unwrap(), 0);
            drop((file, other));
            assert_eq!(open(&another).capacity(), 50, "the first one's end is not the second's");
        }
    }
    assert_eq!(left_behind(&id), [""; 0]);
}

#[test]
fn the_peers_are_the_open_handles_of_the_living() {
    support::play(&[("guest", guest)]);
    let file = new(1000);
    let me = std::process::id();
    let row = |peers: &[Peer], pid| *peers.iter().find(|peer| peer.pid == pid).unwrap();
    let peers = file.peers();
    let [own] = &peers[..] else { panic!("{peers:?}") };
    assert_eq!(
        (own.pid, own.access, own.is_creator, own.is_self),
        (me, Access::ReadWrite, true, true)
    );
    assert!(!own.holds_lock && own.since > 1_700_000_000_000);
    let reader = open_to_read(&file);
    let test = "the_peers_are_the_open_handles_of_the_living";
    let mut actor = Actor::start(test, "guest", &[file.id()]);
    assert_eq!(actor.line().unwrap(), "here");
    let guest = actor.child.id();
    for handle in [&file, &reader] {
        let peers = handle.peers();
        assert_eq!(peers.len(), 3);
        let theirs = row(&peers, guest);
        assert!(!theirs.is_creator && !theirs.is_self && !theirs.holds_lock);
        let of_me = peers.iter().filter(|peer| peer.pid == me);
        assert_eq!(of_me.filter(|peer| peer.is_self).count(), 1);
        let readers = peers.iter().filter(|peer| peer.access == Access::Read);
        assert_eq!(readers.count(), 1);
    }
    let guard = file.lock(None).unwrap();
    let holders: Vec<Peer> = reader.peers().into_iter().filter(|peer| peer.holds_lock).collect();
    assert_eq!(holders.iter().map(|it| (it.pid, it.is_creator)).collect::<Vec<_>>(), [(me, true)]);
    drop(guard);
    actor.kill();
    assert_eq!(file.peers().len(), 2, "the dead are no peers");
    drop(reader);
    assert_eq!(file.peers().len(), 1);
    // More handles than the table has rows: they work, and are not listed. A dead one's row is free again.
    let many: Vec<MmFile> = (0..120).map(|_| open(&file)).collect();
    assert_eq!(file.peers().len(), 96);
    many[119].append("from one that is not listed").unwrap();
    drop(many);
    assert_eq!(file.peers().len(), 1);
    assert_eq!(open(&file).peers().len(), 2);
}
