//! Seeing files and mutexes from outside, and sweeping them.

use super::*;

#[test]
fn objects_can_be_listed_and_swept() {
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
    // Objects of a killed process: listed as stale, and removed once.
    let test = "listing::objects_can_be_listed_and_swept";
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

/// Reads everything from outside, again and again.
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
    let test = "listing::an_onlooker_has_nothing_open";
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
