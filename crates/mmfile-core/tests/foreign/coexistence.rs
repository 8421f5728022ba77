//! One thread that holds the package's locks and glibc's robust mutexes at the same time, taken and released
//! in every order, and is killed. All of them are in one list that the kernel then walks.

use super::support::raw::Raw;
use super::support::{self, Actor, Watchdog, figures, hear, own_prefixes, say};
use mmfile_core::*;
use std::time::Duration;

const ROLES: &[support::Role] = &[("holder", holder), ("nester", nester)];
/// Cases in which one process dies, each on a separate thread with separate locks.
const THREADS: usize = 24;
/// Two of the package's and two of glibc's.
const LOCKS: usize = 4;
/// Room for one mutex of the C library.
const STRIDE: usize = 64;

/// glibc's mutexes in an object that both processes have mapped.
struct Foreign(Raw);

impl Foreign {
    fn create(name: &str) -> Self {
        let raw = Raw::create(name, (THREADS * 2 * STRIDE) as u64);
        for number in 0..THREADS * 2 {
            // SAFETY: an all-zero attribute object is only there to be initialized; the mutex has its 64
            // bytes in the mapping, and no thread uses it yet.
            unsafe {
                let mut attributes: libc::pthread_mutexattr_t = std::mem::zeroed();
                let raw_attributes = &raw mut attributes;
                libc::pthread_mutexattr_init(raw_attributes);
                libc::pthread_mutexattr_setpshared(raw_attributes, libc::PTHREAD_PROCESS_SHARED);
                libc::pthread_mutexattr_setrobust(raw_attributes, libc::PTHREAD_MUTEX_ROBUST);
                let mutex = raw.at(number * STRIDE).cast();
                assert_eq!(libc::pthread_mutex_init(mutex, raw_attributes), 0);
            }
        }
        Self(raw)
    }

    fn at(&self, number: usize) -> *mut libc::pthread_mutex_t {
        self.0.at(number * STRIDE).cast()
    }

    /// Whether its last holder died. It must be free, and is again afterwards.
    fn found_abandoned(&self, number: usize) -> bool {
        // SAFETY: an initialized mutex in a mapping that `self` keeps.
        let code = unsafe { libc::pthread_mutex_trylock(self.at(number)) };
        assert!(code == 0 || code == libc::EOWNERDEAD, "mutex {number}: {code}");
        if code == libc::EOWNERDEAD {
            // SAFETY: as above, and this thread has it.
            assert_eq!(unsafe { libc::pthread_mutex_consistent(self.at(number)) }, 0);
        }
        self.unlock(number);
        code != 0
    }

    fn lock(&self, number: usize) {
        // SAFETY: an initialized mutex in a mapping that `self` keeps.
        assert_eq!(unsafe { libc::pthread_mutex_lock(self.at(number)) }, 0);
    }

    fn unlock(&self, number: usize) {
        // SAFETY: as above, and this thread has it.
        assert_eq!(unsafe { libc::pthread_mutex_unlock(self.at(number)) }, 0);
    }
}

/// All orders in which `count` of the locks can be named.
fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..count {
        all = all
            .iter()
            .flat_map(|order: &Vec<usize>| {
                let rest = (0..LOCKS).filter(|lock| !order.contains(lock));
                rest.map(|lock| [&order[..], &[lock]].concat())
            })
            .collect();
    }
    all
}

/// Locks in one order, gives some of them up in another, and perhaps takes the first of those again.
#[derive(Clone, Debug)]
struct Case {
    lock: Vec<usize>,
    unlock: Vec<usize>,
    again: bool,
}

impl Case {
    fn all() -> Vec<Self> {
        let unlocks: Vec<_> = (0..=LOCKS).flat_map(orders).collect();
        let mut cases = Vec::new();
        for lock in orders(LOCKS) {
            for unlock in &unlocks {
                let again = !unlock.is_empty() && cases.len() % 2 == 0;
                cases.push(Self { lock: lock.clone(), unlock: unlock.clone(), again });
            }
        }
        cases
    }

    fn holds(&self, lock: usize) -> bool {
        !self.unlock.contains(&lock) || self.again && self.unlock[0] == lock
    }
}

/// The package's two locks of thread `thread`: a file's lock and a named mutex.
fn ours(args: &[String], thread: usize) -> (MmFile, NamedMutex) {
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let options = CreateOptions { prefixes, ..Default::default() };
    let file = MmFile::create_or_open(&format!("{thread}"), 4096, &options).unwrap();
    let options = MutexOptions { prefix: format!("{}mutex-", args[0]), ..Default::default() };
    (file, NamedMutex::open(&thread.to_string(), &options).unwrap())
}

/// Does a case a thread, one chunk of cases after the other, until it is killed.
fn holder(args: &[String]) {
    let foreign = Foreign(Raw::open(&args[2]));
    let cases = Case::all();
    let first: usize = args[3].parse().unwrap();
    std::thread::scope(|scope| {
        for (thread, case) in cases[first..].iter().take(THREADS).enumerate() {
            let foreign = &foreign;
            scope.spawn(move || hold(case, thread, foreign, args));
        }
    });
}

fn hold(case: &Case, thread: usize, foreign: &Foreign, args: &[String]) {
    let (file, mutex) = ours(args, thread);
    let mut guards: [Option<LockGuard>; 2] = [None, None];
    let lock = |lock: usize, guards: &mut [Option<LockGuard>; 2]| match lock {
        0 => guards[0] = Some(file.lock(None).unwrap()),
        1 => guards[1] = Some(mutex.lock(None).unwrap()),
        other => foreign.lock(thread * 2 + other - 2),
    };
    for at in &case.lock {
        lock(*at, &mut guards);
    }
    for at in &case.unlock {
        match at {
            0 | 1 => guards[*at] = None,
            other => foreign.unlock(thread * 2 + other - 2),
        }
    }
    // An operation that takes and gives up the lock must not take the others out of the list.
    if !case.holds(0) {
        file.append(b"on the way").unwrap();
    }
    if case.again {
        lock(case.unlock[0], &mut guards);
    }
    say("holds");
    loop {
        std::thread::park();
    }
}

#[test]
fn the_next_holder_finds_every_held_lock_abandoned() {
    support::play(ROLES);
    let test = "coexistence::the_next_holder_finds_every_held_lock_abandoned";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let prefixes = own_prefixes("coexist");
    let object = format!("{}mutexes", support::common_part(&prefixes));
    let foreign = Foreign::create(&object);
    let args = [prefixes.data(), prefixes.mutex(), &object].map(str::to_owned);
    let locks: Vec<_> = (0..THREADS).map(|thread| ours(&args, thread)).collect();
    let cases = Case::all();
    let mut told = 0;
    for (chunk, cases) in cases.chunks(THREADS).enumerate() {
        let first = (chunk * THREADS).to_string();
        let [data, mutex, object] = args.each_ref().map(String::as_str);
        let mut actor = Actor::start(test, "holder", &[data, mutex, object, &first]);
        cases.iter().for_each(|_| assert_eq!(actor.expect(), "holds"));
        actor.kill();
        for (thread, case) in cases.iter().enumerate() {
            let abandoned = |guard: Option<LockGuard>| guard.unwrap().abandoned();
            let (file, mutex) = &locks[thread];
            let found = [
                abandoned(file.try_lock().unwrap()),
                abandoned(mutex.try_lock().unwrap()),
                foreign.found_abandoned(thread * 2),
                foreign.found_abandoned(thread * 2 + 1),
            ];
            assert_eq!(found, [0, 1, 2, 3].map(|lock| case.holds(lock)), "{case:?}");
            told += found.iter().filter(|found| **found).count();
        }
    }
    drop(locks);
    std::fs::remove_file(support::path(&object)).unwrap();
    let common = support::common_part(&prefixes);
    assert_eq!(support::left_behind(common), [""; 0]);
    figures(format!("{} orders of two locks of each kind, {told} deaths told", cases.len()));
    assert_eq!(cases.len(), 1560);
}

/// Appends to a file while it is appended itself, and may wait for its death then.
struct Nested<'a> {
    inner: &'a MmFile,
    dies: bool,
}

impl Payload for Nested<'_> {
    fn byte_length(&self) -> u64 {
        5
    }

    fn write_to(&self, mut target: Target<'_>) -> Result<()> {
        let appended = self.inner.append(b"inner");
        assert!(matches!(appended, Ok(_) | Err(Error::LockHeld)), "{appended:?}");
        target.put(b"outer");
        if self.dies {
            say("holds");
            hear();
        }
        Ok(())
    }
}

/// Appends such values, to the file that they use themselves or to another one.
fn nester(args: &[String]) {
    let files = [0, 1].map(|number| ours(args, number).0);
    let inner = &files[args[2].parse::<usize>().unwrap()];
    files[0].append(&Nested { inner, dies: false }).unwrap();
    files[0].append(&Nested { inner, dies: true }).unwrap();
}

/// A value that uses one of our files while it is written to another does not make the kernel forget
/// the lock of the other; nor does one that tries to use the same.
#[test]
fn the_lock_of_an_operation_is_not_forgotten_for_one_inside() {
    support::play(ROLES);
    let test = "coexistence::the_lock_of_an_operation_is_not_forgotten_for_one_inside";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("nested");
    let args = [prefixes.data(), prefixes.mutex()].map(str::to_owned);
    let [outer, inner] = [0, 1].map(|number| ours(&args, number).0);
    for number in 0..10 {
        let which = ["0", "1"][number % 2];
        let mut actor = Actor::start(test, "nester", &[&args[0], &args[1], which]);
        assert_eq!(actor.expect(), "holds");
        actor.kill();
        let guard = outer.try_lock().unwrap().expect("no living thread has it");
        assert!(guard.abandoned());
        drop(guard);
        assert!(!inner.try_lock().unwrap().unwrap().abandoned(), "it was free again");
        assert_eq!(outer.append(b"after").unwrap(), number as u64 * 2 + 1);
        assert_eq!(outer.read(number as u64 * 2).unwrap(), b"outer");
    }
    assert_eq!(inner.len().unwrap(), 10);
    drop((outer, inner));
    assert_eq!(support::left_behind(support::common_part(&prefixes)), [""; 0]);
}
