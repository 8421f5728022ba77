//! A foreign program dies with the lock and we go on; we die with it and the foreign program does.

use super::support::raw::{Raw, clean_frames};
use super::support::{self, Actor, PROMPT, Watchdog, figures, hear, now, rounds, say};
use super::{Own, check_order, open, origins, payload};
use mmfile_core::*;
use std::time::Duration;

const ROLES: &[support::Role] = &[("holder", holder)];
const LIMIT: Duration = Duration::from_millis(100);
const OWNER_DIED: &str = "130";

/// On a busy machine a process that is not scheduled is late through no fault of the lock's.
fn report(name: &str, kills: u32, mut times: Vec<u64>) {
    times.sort_unstable();
    let at = |place: usize| Duration::from_nanos(times[place]);
    let (median, worst) = (at(times.len() / 2), at(times.len() - 1));
    figures(format!(
        "{name}: {kills} kills; to the next lock {median:?} (median), {worst:?} (worst)"
    ));
    assert!(median < LIMIT && worst < PROMPT, "{name}: {median:?}, {worst:?}");
}

/// Sends `SIGKILL` to a process that another one has started, and returns the time.
fn kill(process: i32) -> u64 {
    let killed = now();
    // SAFETY: touches no memory; the process waits for its death and was not reaped.
    assert_eq!(unsafe { libc::kill(process, libc::SIGKILL) }, 0);
    killed
}

/// The file's contents after a foreign writer was killed at a stage of an append.
fn left_at(stage: u32, number: u32) -> Option<Vec<u8>> {
    let whole = payload(7, number);
    let written = match stage {
        0 => return None, // nothing
        1 => 0,           // the size word, which makes it a segment
        2 => whole.len() / 2,
        _ => whole.len(),
    };
    let mut left = whole[..written].to_vec();
    left.resize(whole.len(), 0);
    Some(left)
}

#[test]
fn the_package_continues_when_a_foreign_holder_is_killed() {
    let test = "kills::the_package_continues_when_a_foreign_holder_is_killed";
    let kills = 80 * rounds();
    let _watchdog = Watchdog::new(test, Duration::from_secs(120) * rounds());
    let own = Own::new("their-kill", u64::from(kills) * 4 * 52);
    let mut python = own.python();
    let survivors = [own.open(), own.open()];
    let mut expected = Vec::new();
    let mut times = Vec::new();
    for number in 0..kills {
        let stage = number % 4;
        python.tell(format_args!("hold {stage} 7 {number}"));
        let answer = python.expect();
        let process = answer.strip_prefix("holds ").and_then(|rest| rest.strip_suffix(" 0"));
        let process = process.unwrap_or_else(|| panic!("{answer}")).parse().unwrap();
        // Every second time they are waiting already, else they come later.
        let early = number / 4 % 2 == 0;
        let indexes = std::thread::scope(|scope| {
            let wait = |survivor: u32| {
                let file = &survivors[survivor as usize];
                scope.spawn(move || (file.append(&payload(survivor, number)).unwrap(), now()))
            };
            let waiting = early.then(|| [wait(0), wait(1)]);
            std::thread::sleep(Duration::from_millis(4));
            let killed = kill(process);
            let waiting = waiting.unwrap_or_else(|| [wait(0), wait(1)]);
            waiting.map(|thread| {
                let (index, done) = thread.join().unwrap();
                times.push(done - killed);
                index
            })
        });
        expected.extend(left_at(stage, number));
        let order = if indexes[0] < indexes[1] { [0, 1] } else { [1, 0] };
        expected.extend(order.map(|survivor| payload(survivor, number)));
        assert_eq!(*indexes.iter().max().unwrap(), expected.len() as u64 - 1);
        let recovered: u64 = survivors.iter().map(MmFile::recovered).sum();
        assert_eq!(recovered, u64::from(number) + 1, "a death that was not counted");
    }
    python.tell("append 8 0 1");
    assert_eq!(python.expect(), "did 0", "we have repaired it for foreign programs too");
    expected.push(payload(8, 0));
    for (index, segment) in expected.iter().enumerate() {
        assert_eq!(own.file().read(index as u64).unwrap(), *segment);
    }
    let raw = Raw::data(&own.prefixes, own.file().id());
    assert_eq!(clean_frames(&raw.bytes()).segments, expected);
    python.finish();
    drop(survivors);
    report("foreign holders", kills, times);
}

/// Writes half of itself and waits for its death.
struct Half(Vec<u8>);

impl Payload for Half {
    fn byte_length(&self) -> u64 {
        self.0.len() as u64
    }

    fn write_to(&self, mut target: Target<'_>) -> Result<()> {
        target.put(&self.0[..self.0.len() / 2]);
        say("holds");
        hear();
        Ok(())
    }
}

/// Takes the lock in one of our ways, does something, and waits for its death.
fn holder(args: &[String]) {
    let file = open(args);
    let number = args[4].parse().unwrap();
    if args[3] == "operation" {
        file.append(&Half(payload(7, number))).unwrap();
    }
    let _guard = file.lock(None).unwrap();
    if args[3] == "appended" {
        file.append(&payload(7, number)).unwrap();
    }
    say("holds");
    hear();
}

#[test]
fn a_foreign_program_continues_when_a_holder_of_the_package_is_killed() {
    support::play(ROLES);
    let test = "kills::a_foreign_program_continues_when_a_holder_of_the_package_is_killed";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120) * rounds());
    let kills = 60 * rounds();
    let own = Own::new("our-kill", u64::from(kills) * 3 * 52);
    let mut python = own.python();
    let survivor = own.open();
    let mut times = Vec::new();
    let mut appended = [0u32; 3];
    let mut append = |writer: usize| {
        appended[writer] += 1;
        (writer as u32, appended[writer] - 1)
    };
    for number in 0..kills {
        let how = ["operation", "section", "appended"][number as usize % 3];
        let whole = how == "appended";
        let at = if whole { append(2).1 } else { 0 }.to_string();
        let args = [&own.args()[..], &[how, &at]].concat();
        let mut actor = Actor::start(test, "holder", &args);
        assert_eq!(actor.expect(), "holds");
        python.tell("take");
        std::thread::sleep(Duration::from_millis(4));
        let killed = now();
        actor.kill();
        let answer = python.expect();
        let (code, taken) = answer.split_once(' ').unwrap();
        assert_eq!(code, OWNER_DIED, "killed in {how}");
        times.push(taken.parse::<u64>().unwrap() - killed);
        // It may clear up and append before it lets us in, or leave all that to us.
        if number / 3 % 2 == 0 {
            let (writer, number) = append(0);
            python.tell("clear");
            python.tell(format_args!("append_inside {writer} {number}"));
        }
        python.tell("unlock");
        python.tell("take");
        assert!(python.expect().starts_with("0 "), "marked consistent");
        python.tell("unlock");
        let (writer, number) = append(1);
        survivor.append(&payload(writer, number)).unwrap();
        assert_eq!(survivor.recovered(), 0, "the foreign program was told, not we");
    }
    let seen = origins(own.file());
    let of = |writer: u32| seen.iter().filter(|o| o.starts_with(&format!("{writer}:"))).count();
    let renamed: Vec<String> = seen.iter().map(|o| o.replacen("7:", "2:", 1)).collect();
    for (writer, count) in (0..).zip(appended) {
        let of_dead = if writer == 2 { of(7) } else { of(writer) };
        assert_eq!(of_dead, count as usize, "of {writer}");
        let own: Vec<String> =
            renamed.iter().filter(|o| o.starts_with(&format!("{writer}:"))).cloned().collect();
        check_order(&own, &[writer], count);
    }
    let raw = Raw::data(&own.prefixes, own.file().id());
    assert_eq!(clean_frames(&raw.bytes()).segments.len(), seen.len());
    python.finish();
    drop(survivor);
    report("our holders", kills, times);
}
