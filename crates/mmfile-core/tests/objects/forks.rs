//! A forked child has its parent's descriptors and mappings, and is no participant: what it closes stays
//! open, and what its parent leaves by dying is not kept by it.

use super::code;
use super::support::{
    self, Actor, Folder, PROMPT, Watchdog, common_part, hear, left_behind, listing, own_prefixes,
    say,
};
use mmfile_core::*;
use std::time::{Duration, Instant};

const ROLES: &[support::Role] = &[("parent", parent), ("starter", starter)];
const LIFETIMES: [Lifetime; 2] = [Lifetime::Creator, Lifetime::LastProcess];

fn prefixes(args: &[String]) -> Prefixes {
    Prefixes::new(&args[0], &args[1]).unwrap()
}

fn mutex_options(prefixes: &Prefixes) -> MutexOptions {
    MutexOptions { prefix: format!("{}mutex-", common_part(prefixes)), ..Default::default() }
}

fn id_of(lifetime: Lifetime) -> String {
    format!("{lifetime:?}")
}

/// Runs `act` in a forked child, which then exits as if nothing had happened; its process.
fn fork(act: impl FnOnce()) -> i32 {
    // SAFETY: the child uses what its one thread has, and ends without running what others registered.
    unsafe {
        let child = libc::fork();
        if child != 0 {
            return child;
        }
        libc::alarm(60); // it must not outlive the test
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        libc::_exit(i32::from(done.is_err()));
    }
}

fn wait_for(child: i32) {
    let mut status = 0;
    // SAFETY: the target is writable.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child has failed");
}

/// Has a file of each lifetime and a mutex open, all of them locked, and forks.
fn parent(args: &[String]) {
    let prefixes = prefixes(args);
    let files = LIFETIMES.map(|lifetime| {
        let id = Some(FileId::parse(&id_of(lifetime)).unwrap());
        let options =
            CreateOptions { id, lifetime, prefixes: prefixes.clone(), ..Default::default() };
        MmFile::create_new(1000, &options).unwrap()
    });
    let disk = MmFile::create_file(&args[3], 1000, &CreateOptions::default()).unwrap();
    let mutex = NamedMutex::open("it", &mutex_options(&prefixes)).unwrap();
    let guards: Vec<_> = files.iter().map(|file| file.lock(None).unwrap()).collect();
    let everything =
        (guards, mutex.lock(None).unwrap(), disk.lock(None).unwrap(), files, mutex, disk);
    let mut everything = Some(everything);
    match args[2].as_str() {
        "drops" => wait_for(fork(|| drop(everything.take()))),
        "leaves" => wait_for(fork(|| {
            let (_, _, _, files, mutex, disk) = everything.as_ref().unwrap();
            files.iter().chain([disk]).for_each(MmFile::leave);
            mutex.leave();
        })),
        // The child's operations on inherited handles change nothing and do not wait.
        "uses" => wait_for(fork(|| {
            let (_, _, _, files, mutex, disk) = everything.as_ref().unwrap();
            for file in files.iter().chain([disk]) {
                assert_eq!(code(file.append("x")), "ERR_MMFILE_UNSUPPORTED");
                assert_eq!(code(file.seal()), "ERR_MMFILE_UNSUPPORTED");
                assert_eq!(code(file.lock(None)), "ERR_MMFILE_UNSUPPORTED");
                assert!(!file.peer_gone(), "its parent lives");
            }
            assert_eq!(code(mutex.lock(None)), "ERR_MMFILE_UNSUPPORTED");
            assert_eq!(code(disk.flush()), "ERR_MMFILE_UNSUPPORTED");
            assert_eq!(code(disk.len()), "ERR_MMFILE_UNSUPPORTED");
        })),
        // In the child the same names are opened anew, as by any other process.
        "opens" => wait_for(fork(|| {
            let options = OpenOptions { prefixes: prefixes.clone(), ..Default::default() };
            for lifetime in LIFETIMES {
                let file = MmFile::open_existing(&id_of(lifetime), &options).unwrap();
                assert_eq!(file.peers().len(), 2);
                assert!(file.peers().iter().any(|peer| peer.is_self && !peer.is_creator));
                assert!(file.try_lock().unwrap().is_none());
            }
            let mutex = NamedMutex::open("it", &mutex_options(&prefixes)).unwrap();
            assert!(!mutex.is_creator() && mutex.try_lock().unwrap().is_none());
            let own = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
            drop(MmFile::create_new(10, &own).unwrap());
        })),
        _ => {
            // It keeps all that it has for as long as it lives.
            fork(|| {
                say(std::process::id());
                loop {
                    // SAFETY: touches no memory.
                    unsafe { libc::pause() };
                }
            });
        }
    }
    if args[2] != "lives" {
        say("forked");
    }
    hear();
}

struct Family {
    test: &'static str,
    prefixes: Prefixes,
    folder: Folder,
    _watchdog: Watchdog,
}

impl Family {
    fn new(test: &'static str) -> Self {
        let _watchdog = Watchdog::new(test, Duration::from_secs(60));
        Self { test, prefixes: own_prefixes("fork"), folder: Folder::new("fork"), _watchdog }
    }

    fn start(&self, what: &str) -> Actor {
        let disk = self.folder.file(what);
        let args = [self.prefixes.data(), self.prefixes.mutex(), what, disk.to_str().unwrap()];
        Actor::start(self.test, "parent", &args)
    }

    fn open(&self, lifetime: Lifetime) -> Result<MmFile> {
        let options = OpenOptions { prefixes: self.prefixes.clone(), ..Default::default() };
        MmFile::open_existing(&id_of(lifetime), &options)
    }

    fn mutex(&self) -> Result<NamedMutex> {
        NamedMutex::open_existing("it", &mutex_options(&self.prefixes))
    }

    fn listing(&self) -> ListOptions {
        let mutex_prefix = Some(mutex_options(&self.prefixes).prefix);
        ListOptions { mutex_prefix, ..listing(&self.prefixes) }
    }

    fn left(&self) -> Vec<String> {
        left_behind(common_part(&self.prefixes))
    }
}

#[test]
fn a_handle_that_a_child_closes_stays_open_in_its_parent() {
    support::play(ROLES);
    let family = Family::new("forks::a_handle_that_a_child_closes_stays_open_in_its_parent");
    for what in ["drops", "leaves", "opens", "uses"] {
        let mut parent = family.start(what);
        assert_eq!(parent.expect(), "forked");
        let pid = parent.child.id();
        assert_eq!(family.left().len(), 3, "{what}");
        assert!(list(&family.listing()).unwrap().iter().all(|info| !info.stale), "{what}");
        assert_eq!(sweep(&family.listing()).unwrap(), [], "{what}");
        let options = OpenOptions::default();
        let disk = MmFile::open_file(family.folder.file(what), &options).unwrap();
        for file in LIFETIMES.map(|lifetime| family.open(lifetime).unwrap()).iter().chain([&disk]) {
            assert!(file.try_lock().unwrap().is_none(), "{what}: its lock stays held");
            let theirs: Vec<_> = file.peers().into_iter().filter(|peer| peer.pid == pid).collect();
            let [peer] = &theirs[..] else { panic!("{what}: {theirs:?}") };
            assert!(peer.holds_lock, "{what}");
            assert!(peer.is_creator, "{what}");
            assert!(!file.peer_gone(), "{what}");
        }
        assert!(family.mutex().unwrap().try_lock().unwrap().is_none(), "{what}");
        parent.finish();
        assert_eq!(family.left(), [""; 0], "{what}: gone with the parent");
    }
}

/// The child lives, and has all descriptors and mappings of the dead.
#[test]
fn a_child_keeps_its_dead_parent_alive_for_no_other() {
    support::play(ROLES);
    let family = Family::new("forks::a_child_keeps_its_dead_parent_alive_for_no_other");
    for is_watched in [true, false] {
        let mut parent = family.start("lives");
        let child: i32 = parent.expect().parse().unwrap();
        let files = is_watched.then(|| LIFETIMES.map(|lifetime| family.open(lifetime).unwrap()));
        let mutex = is_watched.then(|| family.mutex().unwrap());
        parent.kill();
        if let (Some(files), Some(mutex)) = (files, mutex) {
            let started = Instant::now();
            assert!(mutex.lock(None).unwrap().abandoned());
            for file in &files {
                let waiter = file.waiter();
                waiter.require_peer(RequirePeer::Any);
                let waited =
                    waiter.wait_for(9, Timeout::Val(Duration::from_secs(60)), Duration::ZERO);
                assert_eq!(code(waited), "ERR_MMFILE_PEER_GONE");
                assert_eq!(file.peers().len(), 1);
                drop(file.lock(None).unwrap());
                assert_eq!(file.recovered(), 1);
            }
            assert!(started.elapsed() < PROMPT);
        } else {
            let infos = list(&family.listing()).unwrap();
            assert_eq!(infos.len(), 3);
            assert!(infos.iter().all(|info| info.stale), "{infos:?}");
            assert_eq!(code(family.open(Lifetime::Creator)), "ERR_MMFILE_NOT_FOUND");
            assert_eq!(code(family.open(Lifetime::LastProcess)), "ERR_MMFILE_NOT_FOUND");
            assert_eq!(code(family.mutex()), "ERR_MMFILE_NOT_FOUND");
        }
        assert_eq!(family.left(), [""; 0]);
        // SAFETY: touches no memory; the child is one of a process that this one started.
        assert_eq!(unsafe { libc::kill(child, libc::SIGKILL) }, 0);
        std::fs::remove_file(family.folder.file("lives")).unwrap();
    }
}

/// Has a file and a mutex open, and starts a program, which has its standard streams and nothing else.
fn starter(args: &[String]) {
    let prefixes = prefixes(args);
    let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
    let _file = MmFile::create_new(1000, &options).unwrap();
    let _large = MmFile::create_new(2 << 20, &options).unwrap();
    let reader = OpenOptions { access: Access::Read, ..OpenOptions::from(&options) };
    let _reader = MmFile::open_existing(_file.id(), &reader).unwrap();
    let _mutex = NamedMutex::open("it", &mutex_options(&prefixes)).unwrap();
    let mut started = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    say(started.id());
    started.wait().unwrap();
}

#[test]
fn a_started_program_keeps_nothing() {
    support::play(ROLES);
    let family = Family::new("forks::a_started_program_keeps_nothing");
    let args = [family.prefixes.data(), family.prefixes.mutex()];
    let mut starter = Actor::start(family.test, "starter", &args);
    let started: i32 = starter.expect().parse().unwrap();
    starter.kill();
    // Until the kernel has closed what the new program is not to have.
    let end = Instant::now() + PROMPT;
    while !list(&family.listing()).unwrap().iter().all(|info| info.stale) {
        assert!(Instant::now() < end, "the started program keeps it");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(sweep(&family.listing()).unwrap().len(), 3);
    assert_eq!(family.left(), [""; 0]);
    // SAFETY: touches no memory; the program is one that a process of this test started.
    assert_eq!(unsafe { libc::kill(started, libc::SIGKILL) }, 0);
}
