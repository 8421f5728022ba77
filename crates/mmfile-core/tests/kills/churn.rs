//! Processes that open and close one file or one mutex all the time, while some of them are killed: there is
//! never more than one object of that name, and in the end there is none.

use super::place::{Place, Staging, report_panics};
use super::support::{self, Actor, Folder, PROMPT, Random, Watchdog, figures, now, rounds, say};
use mmfile_core::*;
use std::io::{Read, Seek, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const ROLES: &[support::Role] = &[("visitor", visitor), ("locker", locker)];
const VISITORS: usize = 4;
const KILLS: u64 = 200;

/// Opens and closes until it is stopped, and prints how often, how often it created the object, and how long
/// the slowest opening took.
fn visit_all_the_time(mut visit: impl FnMut(&mut Random) -> (bool, Duration)) {
    report_panics();
    let mut random = Random::new(now());
    let stop = AtomicBool::new(false);
    let (mut visits, mut made, mut worst) = (0u64, 0u64, Duration::ZERO);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            support::hear();
            stop.store(true, Ordering::Relaxed);
        });
        say("ready");
        while !stop.load(Ordering::Relaxed) {
            let (is_creator, took) = visit(&mut random);
            made += u64::from(is_creator);
            worst = worst.max(took);
            visits += 1;
        }
    });
    say(format_args!("{visits} {made} {}", worst.as_micros()));
}

/// Opens or creates the file, marks it if it has no mark, checks that it stays the same file for as long
/// as it has it open, and closes it.
fn visitor(args: &[String]) {
    let (place, _) = Place::of(args);
    visit_all_the_time(|random| {
        let started = Instant::now();
        let file = place.create_or_open("churn").unwrap();
        let (took, is_creator) = (started.elapsed(), file.is_creator());
        match file.write(0, &random.next().to_le_bytes()) {
            Ok(()) | Err(Error::SegmentOrder { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let mark = file.read(0).unwrap();
        let value = random.next().to_le_bytes();
        match file.append(&value) {
            Ok(index) => assert_eq!(file.read(index).unwrap(), value),
            Err(Error::Capacity { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        match random.below(8) {
            0 | 1 => std::thread::sleep(Duration::from_micros(random.below(300))),
            2 => drop(sweep(&place.list_options()).unwrap()),
            3 => drop(list(&place.list_options()).unwrap()),
            _ => {}
        }
        let again = place.create_or_open("churn").unwrap();
        assert!(!again.is_creator(), "there are two files of one name");
        assert_eq!(again.read(0).unwrap(), mark, "there are two files of one name");
        drop(file);
        assert_eq!(again.read(0).unwrap(), mark);
        drop(again);
        // Away for longer than there, so that each of them is often the last one or the first.
        if random.below(3) != 0 {
            std::thread::sleep(Duration::from_micros(random.below(2500)));
        }
        (is_creator, took)
    });
}

/// Opens or creates the mutex and takes it. While it has it, no other process gets in.
fn locker(args: &[String]) {
    let (place, args) = Place::of(args);
    let inside = std::fs::File::options().read(true).write(true).open(&args[0]).unwrap();
    let me = std::process::id().to_le_bytes();
    visit_all_the_time(|random| {
        let started = Instant::now();
        let mutex = NamedMutex::open("churn", &place.mutex_options()).unwrap();
        let is_creator = mutex.is_creator();
        let guard = mutex.lock(Some(Timeout::Val(PROMPT))).unwrap();
        let took = started.elapsed();
        (&inside).rewind().and_then(|()| (&inside).write_all(&me)).unwrap();
        std::thread::sleep(Duration::from_micros(random.below(100)));
        let mut other = [0; 4];
        (&inside).rewind().and_then(|()| (&inside).read_exact(&mut other)).unwrap();
        assert_eq!(other, me, "two processes have the mutex");
        drop(guard);
        if random.below(4) == 0 {
            sweep(&place.list_options()).unwrap();
        }
        drop(mutex);
        std::thread::sleep(Duration::from_micros(random.below(1500)));
        (is_creator, took)
    });
}

#[test]
fn opened_and_closed_all_the_time() {
    support::play(ROLES);
    let test = "churn::opened_and_closed_all_the_time";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120) * rounds());
    for staging in Staging::ALL {
        let place = Place::new(*staging, "churn");
        churn(test, &place, "visitor", "");
    }
}

#[test]
fn a_mutex_opened_and_closed_all_the_time() {
    support::play(ROLES);
    let test = "churn::a_mutex_opened_and_closed_all_the_time";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120) * rounds());
    let folder = Folder::new("kills-inside");
    std::fs::write(folder.file("inside"), [0; 4]).unwrap();
    for staging in Staging::ALL {
        let place = Place::new(*staging, "churn");
        churn(test, &place, "locker", folder.file("inside").to_str().unwrap());
    }
}

fn churn(test: &str, place: &Place, role: &str, arg: &str) {
    let start = || {
        let mut actor = place.start(test, role, &[arg], "none");
        assert_eq!(actor.expect(), "ready");
        actor
    };
    let mut random = Random::new(now());
    let mut visitors: Vec<Actor> = (0..VISITORS).map(|_| start()).collect();
    let kills = KILLS * u64::from(rounds()) / Staging::ALL.len() as u64;
    for _ in 0..kills {
        std::thread::sleep(Duration::from_micros(random.below(6000)));
        let mut actor = visitors.remove(random.below(VISITORS as u64) as usize);
        let ended = actor.child.try_wait().unwrap();
        assert!(ended.is_none(), "a visitor ended by itself: {ended:?}");
        actor.kill();
        assert_eq!(actor.line(), None);
        visitors.push(start());
    }
    let (mut visits, mut made, mut worst) = (0, 0, 0);
    for mut actor in visitors {
        actor.tell("stop");
        let numbers: Vec<u64> =
            actor.expect().split(' ').map(|number| number.parse().unwrap()).collect();
        visits += numbers[0];
        made += numbers[1];
        worst = worst.max(numbers[2]);
        actor.finish();
    }
    place.sweep_leaves_nothing("churn");
    figures(format!(
        "opening and closing, {role}, {:?}: {kills} kills; the last {VISITORS} made {visits} visits and \
         {made} objects, and waited {worst} µs at most",
        place.staging
    ));
}
