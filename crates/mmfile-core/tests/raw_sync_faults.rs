//! Why the lock is not the mutex of `raw_sync` 0.1.5: its behaviour when its holder is killed, when a second
//! ends, and when the wall clock is set, and the package's behaviour in the same situation.

#![cfg(all(target_os = "linux", not(mmfile_portable)))]

mod support;

use mmfile_core::{MutexOptions, NamedMutex, Timeout};
use raw_sync::locks::{LockImpl, LockInit, Mutex};
use std::cell::Cell;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::raw::Raw;
use support::{Actor, PROMPT, Watchdog, figures, hear, now, path, rounds, say};

const ROLES: &[support::Role] = &[("holder", holder)];
const SECOND: i64 = 1_000_000_000;
const SHORT: Duration = Duration::from_millis(50);

thread_local! {
    /// The offset that is added to the wall clock in this thread, in seconds.
    static AHEAD: Cell<i64> = const { Cell::new(0) };
    /// How often it asked for the wall clock.
    static READ: Cell<u32> = const { Cell::new(0) };
    /// The nanoseconds that it was told then.
    static NANOSECONDS: Cell<i64> = const { Cell::new(0) };
}

/// Takes the place of the C library's function in this program, so that a thread can be shown a wall
/// clock that was set a moment later. The kernel, which does the waiting, has the real one.
///
/// # Safety `time` is writable, as for the function that it replaces.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(
    clock: libc::clockid_t,
    time: *mut libc::timespec,
) -> libc::c_int {
    // SAFETY: the caller's promise; the call does what the C library's function would.
    let result = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) };
    if clock == libc::CLOCK_REALTIME && result == 0 {
        READ.with(|count| count.set(count.get() + 1));
        // SAFETY: as above.
        unsafe { (*time).tv_sec += AHEAD.with(Cell::get) };
        // SAFETY: as above.
        NANOSECONDS.with(|nanoseconds| nanoseconds.set(unsafe { (*time).tv_nsec }));
    }
    result as libc::c_int
}

/// A `raw_sync` mutex in a separate object, which is removed with it.
struct Theirs {
    mutex: Box<dyn LockImpl>,
    name: String,
    _memory: Raw,
}

// SAFETY: a process-shared pthread mutex in memory that lives as long as this; the tests give it up on
// the thread that took it.
unsafe impl Send for Theirs {}
// SAFETY: as above.
unsafe impl Sync for Theirs {}

impl Theirs {
    fn create(topic: &str) -> Self {
        let name = format!("mmtest-raw-sync-{topic}-{}", std::process::id());
        let memory = Raw::create(&name, 4096);
        // SAFETY: a page of mapped memory, which is kept, and which no other process has yet.
        let (mutex, _) = unsafe { Mutex::new(memory.at(0), memory.at(2048)) }.unwrap();
        Self { mutex, name, _memory: memory }
    }

    fn try_lock(&self, timeout: Timeout) -> Result<(), i32> {
        match self.mutex.try_lock(timeout) {
            Ok(_guard) => Ok(()),
            Err(error) => Err(errno(&error.to_string())),
        }
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        std::fs::remove_file(path(&self.name)).unwrap();
    }
}

/// The error number, which is all that `raw_sync` says and says as text.
fn errno(text: &str) -> i32 {
    text.rsplit(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{text}"))
}

fn own_mutex(topic: &str) -> NamedMutex {
    let name = format!("mmtest-raw-sync-{topic}-{}", std::process::id());
    NamedMutex::open(&name, &MutexOptions::default()).unwrap()
}

fn open(name: &str) -> NamedMutex {
    NamedMutex::open_existing(name, &MutexOptions::default()).unwrap()
}

/// Takes both mutexes and waits for its death.
fn holder(args: &[String]) {
    let memory = Raw::open(&args[0]);
    // SAFETY: the page in which the mutex was made, mapped until this process ends.
    let (theirs, _) = unsafe { Mutex::from_existing(memory.at(0), memory.at(2048)) }.unwrap();
    let ours = open(&args[1]);
    let _theirs = theirs.lock().unwrap();
    let _ours = ours.lock(None).unwrap();
    say("holds");
    hear();
}

#[test]
fn a_killed_holder_keeps_theirs_forever_and_ours_not_at_all() {
    support::play(ROLES);
    let test = "a_killed_holder_keeps_theirs_forever_and_ours_not_at_all";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60) * rounds());
    let ours = own_mutex("killed");
    let mut worst = 0;
    for _ in 0..10 * rounds() {
        let theirs = Theirs::create("killed");
        let mut actor = Actor::start(test, "holder", &[&theirs.name, ours.name()]);
        assert_eq!(actor.expect(), "holds");
        actor.kill();
        let started = now();
        let guard = ours.lock(Some(Timeout::Val(PROMPT))).unwrap();
        worst = worst.max(now() - started);
        assert!(guard.abandoned(), "told of the death");
        drop(guard);
        assert!(!ours.lock(None).unwrap().abandoned(), "and told once");
        let mut timeouts = 0;
        while timeouts < 3 {
            match theirs.try_lock(Timeout::Val(SHORT)) {
                Err(libc::ETIMEDOUT) => timeouts += 1,
                Err(libc::EINVAL) => {} // the fault of the next test
                other => panic!("{other:?}: it has become free"),
            }
        }
    }
    let worst = Duration::from_nanos(worst);
    figures(format!("after kill -9: theirs stays locked; ours is had within {worst:?}"));
    assert!(worst < PROMPT);
}

/// Sleeps until so many thousandths of a second have passed on the wall clock, or a few more.
fn sleep_until(thousandths: u32) {
    loop {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        if (thousandths..thousandths + 10).contains(&now.subsec_millis()) {
            return;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

/// One timed lock of a held mutex. Returns whether it refused to wait, which depends only on the nanoseconds
/// of the time at which it began.
fn is_refused(theirs: &Theirs, timeout: Duration) -> bool {
    let started = Instant::now();
    let result = theirs.try_lock(Timeout::Val(timeout));
    let carries = NANOSECONDS.with(Cell::get) + i64::from(timeout.subsec_nanos()) >= SECOND;
    if carries {
        assert_eq!(result, Err(libc::EINVAL));
    } else {
        assert_eq!(result, Err(libc::ETIMEDOUT));
        let slack = Duration::from_millis(1); // for a wall clock that is being adjusted
        assert!(started.elapsed() + slack >= timeout);
    }
    carries
}

#[test]
fn theirs_refuses_to_wait_past_the_end_of_a_second() {
    let _watchdog = Watchdog::new("the end of a second", Duration::from_secs(60) * rounds());
    let (theirs, ours) = (Theirs::create("carry"), own_mutex("carry"));
    let _theirs = theirs.mutex.lock().unwrap();
    let _ours = ours.lock(None).unwrap();
    let attempts = || {
        let ours = open(ours.name());
        let (mut refused, mut waited) = (0, 0);
        for _ in 0..2 * rounds() {
            for phase in [200, 955, 980] {
                sleep_until(phase);
                for _ in 0..3 {
                    let is_refused = is_refused(&theirs, SHORT);
                    refused += u32::from(is_refused);
                    waited += u32::from(!is_refused);
                }
                let started = Instant::now();
                let error = ours.lock(Some(Timeout::Val(SHORT))).unwrap_err();
                assert_eq!(error.code(), "ERR_MMFILE_TIMEOUT", "{phase} ms into a second");
                let took = started.elapsed();
                assert!(took >= SHORT && took < PROMPT, "{took:?}");
            }
        }
        // With a timeout of almost a second there is next to no moment at which it would wait.
        let almost = Duration::from_nanos(999_999_999);
        refused += (0..100).map(|_| u32::from(is_refused(&theirs, almost))).sum::<u32>();
        (refused, waited)
    };
    let (refused, waited) = std::thread::scope(|scope| scope.spawn(attempts).join().unwrap());
    figures(format!("theirs gave EINVAL {refused} times and waited {waited} times; ours waited"));
    assert!(refused > 100 && waited > 3);
}

/// Waits with a wall clock that was an hour ahead when the deadline was computed, which is the same as
/// setting it back during the wait. Returns whether it came back within half a second.
fn comes_back(ahead: i64, attempt: impl FnOnce() + Send, release: impl FnOnce()) -> bool {
    std::thread::scope(|scope| {
        let (tell, told) = channel();
        scope.spawn(move || {
            AHEAD.with(|seconds| seconds.set(ahead));
            attempt();
            AHEAD.with(|seconds| seconds.set(0));
            let _ = tell.send(()); // the receiver is gone if it came late
        });
        let came = told.recv_timeout(Duration::from_millis(500));
        release(); // so that the thread ends in any case
        came.is_ok()
    })
}

#[test]
fn theirs_waits_by_the_wall_clock_and_ours_does_not() {
    let _watchdog = Watchdog::new("the wall clock", Duration::from_secs(60));
    let (theirs, ours) = (Theirs::create("clock"), own_mutex("clock"));
    let hour = 3600;
    // A deadline that does not run into the fault of the test above: with a carry it would not wait.
    let attempt = || {
        while theirs.try_lock(Timeout::Val(SHORT)) == Err(libc::EINVAL) {}
    };
    let their_guard = theirs.mutex.lock().unwrap();
    let set_back = comes_back(hour, attempt, || drop(their_guard));
    assert!(!set_back, "50 ms have become an hour");

    let their_guard = theirs.mutex.lock().unwrap();
    let forward = || {
        AHEAD.with(|seconds| seconds.set(-hour));
        sleep_until(200);
        let (before, started) = (READ.with(Cell::get), Instant::now());
        assert_eq!(theirs.try_lock(Timeout::Val(SHORT)), Err(libc::ETIMEDOUT));
        assert_eq!(READ.with(Cell::get), before + 1, "it reads the wall clock");
        started.elapsed()
    };
    // Twice, since the machine may stand still once.
    let took = std::thread::scope(|scope| [(); 2].map(|()| scope.spawn(forward).join().unwrap()));
    let took = took[0].min(took[1]);
    assert!(took < SHORT, "50 ms have become {took:?}");
    drop(their_guard);

    for ahead in [hour, -hour] {
        let our_guard = ours.lock(None).unwrap();
        let attempt = || {
            let ours = open(ours.name());
            let (before, started) = (READ.with(Cell::get), Instant::now());
            assert_eq!(
                ours.lock(Some(Timeout::Val(SHORT))).unwrap_err().code(),
                "ERR_MMFILE_TIMEOUT"
            );
            assert!(started.elapsed() >= SHORT);
            assert_eq!(READ.with(Cell::get), before, "it never looks at the wall clock");
        };
        assert!(comes_back(ahead, attempt, || drop(our_guard)));
    }
}
