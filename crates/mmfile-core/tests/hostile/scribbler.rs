//! A process that changes all bytes of an object all the time, while others use them.

use super::calls::Calls;
use super::support::raw::{CONTROL_SIZE, OFF_PARTICIPANTS, Raw};
use super::support::{self, Actor, Random, Watchdog, rounds, say};
use super::{Prey, listing, number, open, own_prefixes, size_word};
use mmfile_core::*;
use std::time::{Duration, Instant};

const ROLES: &[support::Role] = &[("scribbler", scribbler), ("target", target)];
const CAPACITY: u64 = 1 << 16;

/// Writes where it hurts, until it is killed.
fn scribbler(args: &[String]) {
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let (data, control) = (Raw::data(&prefixes, &args[2]), Raw::control(&prefixes, &args[2]));
    let mut random = Random::new(args[3].parse().unwrap());
    let used = 0x150 / 4;
    let header = control.bytes()[..0x80].to_vec();
    say("begins");
    loop {
        for _ in 0..50 {
            let anywhere = random.below(CAPACITY - 4) as usize;
            let near = random.below(2000) as usize;
            match random.below(11) {
                0 => data.set_word(anywhere, size_word(&mut random, CAPACITY)),
                1 | 2 => data.set_word(near, size_word(&mut random, 100)),
                3 => data.put(near, &[random.next() as u8; 300]),
                4 => data.put(0, &[0; 4000]),
                // The fields that identify the file are restored soon, so that it can be opened.
                5 => match random.below(100) {
                    0 => control.set_word(random.below(32) as usize * 4, random.next() as u32),
                    1..10 => control.put(0, &header),
                    _ => {}
                },
                // The lock is free, the file is empty, and it is not sealed.
                6 => control.put(0x80, &[0; 0x60]),
                7 => {
                    let at = 0x80 + random.below(16) as usize * 4;
                    control.set_word(at, random.next() as u32);
                }
                8 => control.put(0x80, &[random.next() as u8; 64]),
                9 => {
                    let rows = (CONTROL_SIZE - OFF_PARTICIPANTS) as u64 / 8;
                    let row = OFF_PARTICIPANTS + random.below(rows) as usize * 8;
                    control.put(row, &random.next().to_le_bytes());
                }
                _ => {
                    let at = (32 + random.below(used - 32) as usize) / 2 * 8;
                    control.put(at, &number(&mut random, CAPACITY).to_le_bytes());
                }
            }
        }
        std::thread::sleep(Duration::from_micros(20));
    }
}

/// Uses the file in every way at once, for so many milliseconds.
fn target(args: &[String]) {
    let _watchdog = Watchdog::new("the target", Duration::from_secs(30) * rounds());
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let end = Instant::now() + Duration::from_millis(args[3].parse().unwrap());
    let files = [Access::ReadWrite, Access::ReadWrite, Access::Read]
        .map(|access| open(&prefixes, &args[2], access).unwrap());
    say("ready");
    let [writer, other, reader] = &files;
    type Use = fn(&mut Calls, &MmFile, &mut Random);
    let uses: [(&MmFile, Use); 5] = [
        (reader, Calls::read_everything),
        (writer, Calls::write),
        (other, Calls::everything),
        (writer, Calls::wait),
        (reader, Calls::wait),
    ];
    let totals = std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (number, (file, act)) in uses.into_iter().enumerate() {
            threads.push(scope.spawn(move || {
                let (mut calls, mut random) = (Calls::default(), Random::new(number as u64));
                while Instant::now() < end {
                    act(&mut calls, file, &mut random);
                }
                calls
            }));
        }
        let (prefixes, id) = (&prefixes, &args[2]);
        threads.push(scope.spawn(move || {
            let (mut calls, mut random) = (Calls::default(), Random::new(99));
            while Instant::now() < end {
                let access = [Access::ReadWrite, Access::Read][random.below(2) as usize];
                let file = calls.open(|| open(prefixes, id, access));
                file.inspect(|file| calls.everything(file, &mut random));
                assert!(list(&listing(prefixes)).unwrap().len() <= 1);
                assert_eq!(sweep(&listing(prefixes)).unwrap(), [], "others have it open");
            }
            calls
        }));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let names = ["reading", "writing", "everything", "waiting", "waiting to read", "opening"];
    for (name, calls) in names.iter().zip(&totals) {
        calls.report(&format!("under a scribbler, {name}"));
    }
    drop(files);
    say(totals.iter().map(|calls| calls.count).min().unwrap());
}

#[test]
fn a_scribbler_crashes_no_process() {
    support::play(ROLES);
    let test = "scribbler::a_scribbler_crashes_no_process";
    let prefixes = own_prefixes("scribbler");
    let prey = Prey::new(&prefixes, CAPACITY);
    let id = prey.file().id().to_owned();
    let time = (3000 * rounds()).to_string();
    let mut target = Actor::start(test, "target", &[prefixes.data(), prefixes.mutex(), &id, &time]);
    assert_eq!(target.expect(), "ready");
    let mut scribblers = ["1", "2"].map(|seed| {
        let mut actor =
            Actor::start(test, "scribbler", &[prefixes.data(), prefixes.mutex(), &id, seed]);
        assert_eq!(actor.expect(), "begins");
        actor
    });
    let fewest: u64 = target.expect().parse().unwrap();
    target.finish(); // which would tell of a crash
    scribblers.iter_mut().for_each(Actor::kill);
    assert!(fewest > 100, "only {fewest} calls of a kind");
    // Its name is there still, since it was open all the time.
    assert_eq!(support::left_behind(&id).len(), 1);
}
