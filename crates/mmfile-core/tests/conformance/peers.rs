//! Who has a file open, and who is missed.

use super::*;

#[test]
fn a_peer_that_came_and_went_is_missed() {
    support::play(&[("creator", creator), ("guest", guest)]);
    let test = "peers::a_peer_that_came_and_went_is_missed";
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
        assert!(started.elapsed() < support::PROMPT);
    });
}

#[test]
fn a_creator_that_ends_is_missed_however_many_readers_there_are() {
    support::play(&[("creator", creator), ("guest", guest)]);
    let test = "peers::a_creator_that_ends_is_missed_however_many_readers_there_are";
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
    let test = "peers::the_peers_are_the_open_handles_of_the_living";
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

#[test]
fn an_observer_is_no_peer_and_keeps_nothing() {
    support::play(&[("observer", observer)]);
    let test = "peers::an_observer_is_no_peer_and_keeps_nothing";
    let options = CreateOptions { lifetime: Lifetime::LastProcess, ..Default::default() };
    let file = MmFile::create_new(1000, &options).unwrap();
    file.append("one").unwrap();
    let mut actor = Actor::start(test, "observer", &[file.id()]);
    assert_eq!(actor.line().unwrap(), "one, 1 peer");
    assert_eq!(file.peers().len(), 1);
    let guard = file.lock(None).unwrap();
    file.append("two").unwrap();
    actor.tell("look again");
    assert_eq!(actor.line().unwrap(), "two, 1 peer, who holds the lock");
    drop(guard);
    // No other peer has been there.
    let waiter = file.waiter();
    waiter.require_peer(RequirePeer::Any);
    let soon = Timeout::Val(Duration::from_millis(100));
    assert_eq!(code(waiter.wait_for(2, soon, Duration::ZERO)), "ERR_MMFILE_TIMEOUT");
    let id = file.id().to_owned();
    drop((waiter, file));
    if cfg!(unix) {
        // The name is free, although the memory is still looked at. Windows keeps both.
        assert_eq!(code(MmFile::observe(&id, &OpenOptions::default())), "ERR_MMFILE_NOT_FOUND");
        drop(MmFile::create_new(10, &named(&id)).unwrap());
    }
    actor.tell("look again");
    assert_eq!(actor.line().unwrap(), "two, 0 peers");
}

#[test]
fn the_handles_and_the_holder_of_a_mutex_are_listed() {
    support::play(&[("holder", holder)]);
    let test = "peers::the_handles_and_the_holder_of_a_mutex_are_listed";
    let (name, options) = (format!("held-{}", std::process::id()), MutexOptions::default());
    let peers = || NamedMutex::peers_of(&name, &options);
    assert_eq!(code(peers()), "ERR_MMFILE_NOT_FOUND");
    let mutex = NamedMutex::open(&name, &options).unwrap();
    let of_pids = || {
        let mut rows: Vec<_> = peers().unwrap().iter().map(|it| (it.pid, it.holds_lock)).collect();
        rows.sort_unstable();
        rows
    };
    let own = std::process::id();
    assert_eq!(of_pids(), [(own, false)]);
    let guard = mutex.lock(None).unwrap();
    let rows = peers().unwrap();
    assert!(rows[0].holds_lock && rows[0].is_creator && !rows[0].is_self);
    drop(guard);
    let mut actor = Actor::start(test, "holder", &[&name]);
    let mut expected = [(own, false), (actor.expect().parse().unwrap(), true)];
    expected.sort_unstable();
    assert_eq!(of_pids(), expected);
    // A dead process does not hold the lock.
    actor.kill();
    assert_eq!(of_pids(), [(own, false)]);
    assert!(mutex.lock(None).unwrap().abandoned());
}

/// Holds a mutex until it is killed.
fn holder(args: &[String]) {
    let mutex = NamedMutex::open_existing(&args[0], &MutexOptions::default()).unwrap();
    let _guard = mutex.lock(None).unwrap();
    say(std::process::id());
    hear();
}

/// Observes a file, and reports what it finds.
fn observer(args: &[String]) {
    let file = MmFile::observe(&args[0], &OpenOptions::default()).unwrap();
    assert_eq!(code(file.append("x")), "ERR_MMFILE_READ_ONLY");
    loop {
        let last = file.read_text(file.len().unwrap() - 1).unwrap();
        let peers = file.peers();
        let count =
            if peers.len() == 1 { "1 peer".into() } else { format!("{} peers", peers.len()) };
        let holds = if peers.iter().any(|it| it.holds_lock) { ", who holds the lock" } else { "" };
        say(format!("{last}, {count}{holds}"));
        if hear().is_none() {
            return;
        }
    }
}
