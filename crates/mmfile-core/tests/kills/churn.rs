//! Processes that open and close one file all the time, while some of them are killed: there is
//! never more than one file of that name, and in the end there is none.

use super::support::{self, Actor, Random, Watchdog, figures, left_behind, now, rounds, say};
use mmfile_core::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const ROLES: &[support::Role] = &[("visitor", visitor)];
const VISITORS: usize = 4;
const KILLS: u64 = 200;

/// Opens or makes the file, marks it if nobody has, looks whether it stays the same file for as long
/// as it has it open, and closes it.
fn visitor(args: &[String]) {
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let options = CreateOptions { prefixes, ..Default::default() };
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
            let started = Instant::now();
            let file = MmFile::create_or_open("churn", 1 << 14, &options).unwrap();
            worst = worst.max(started.elapsed());
            made += u64::from(file.created());
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
            if random.below(4) == 0 {
                std::thread::sleep(Duration::from_micros(random.below(300)));
            }
            let again = MmFile::create_or_open("churn", 1 << 14, &options).unwrap();
            assert!(!again.created(), "there are two files of one name");
            assert_eq!(again.read(0).unwrap(), mark, "there are two files of one name");
            drop(file);
            assert_eq!(again.read(0).unwrap(), mark);
            visits += 1;
            drop(again);
            // Away for longer than there, so that each of them is often the last one or the first.
            if random.below(3) != 0 {
                std::thread::sleep(Duration::from_micros(random.below(2500)));
            }
        }
    });
    say(format_args!("{visits} {made} {}", worst.as_micros()));
}

#[test]
fn opened_and_closed_all_the_time() {
    support::play(ROLES);
    let test = "churn::opened_and_closed_all_the_time";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120) * rounds());
    let prefixes = support::own_prefixes("churn");
    let start = || {
        let mut actor = Actor::start(test, "visitor", &[prefixes.data(), prefixes.mutex()]);
        assert_eq!(actor.expect(), "ready");
        actor
    };
    let mut random = Random::new(now());
    let mut visitors: Vec<Actor> = (0..VISITORS).map(|_| start()).collect();
    let kills = KILLS * u64::from(rounds());
    for _ in 0..kills {
        std::thread::sleep(Duration::from_micros(random.below(6000)));
        let mut actor = visitors.remove(random.below(VISITORS as u64) as usize);
        let ended = actor.child.try_wait().unwrap();
        assert!(ended.is_none(), "a visitor ended by itself: {ended:?}");
        actor.kill();
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
    let common = prefixes.data().trim_end_matches("data-");
    let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
    drop(MmFile::create_new(10, &options).unwrap());
    assert_eq!(left_behind(common), [""; 0]);
    figures(format!(
        "opening and closing: {kills} kills; the last {VISITORS} visitors made {visits} visits and \
         {made} files, and waited {worst} µs at most"
    ));
}
