//! Some processes that have one file open, one more that gets killed, and a look at what is left.

use super::support::raw::{Raw, clean_frames};
use super::support::{self, Actor, DIGEST, digest, figures, hear, now, say};
use mmfile_core::*;
use std::time::Duration;

/// Waiting longer than this for the lock of a dead holder is a failure.
pub const LIMIT: Duration = Duration::from_millis(100);

/// What a test counted, printed at its end.
pub struct Figures {
    name: &'static str,
    pub kills: u64,
    pub recoveries: u64,
    /// The time from each death to each survivor's next lock, in nanoseconds.
    pub times: Vec<u64>,
}

impl Figures {
    pub fn new(name: &'static str) -> Self {
        Self { name, kills: 0, recoveries: 0, times: Vec::new() }
    }

    /// Prints them. On a busy machine a process that is not scheduled is late through no fault of
    /// the lock's, so one in a hundred may be, by less than a second.
    pub fn report(mut self) {
        self.times.sort_unstable();
        let at = |part: usize| self.times.get(self.times.len() * part / 100).copied().unwrap_or(0);
        let (most, worst) = (at(99), self.times.last().copied().unwrap_or(0));
        let (most, worst) = (Duration::from_nanos(most), Duration::from_nanos(worst));
        let Self { name, kills, recoveries, .. } = self;
        figures(format!(
            "{name}: {kills} kills, {recoveries} recoveries, 0 lost, 0 duplicated; \
             to the next lock {:?} (median), {worst:?} (worst of {})",
            Duration::from_nanos(at(50)),
            self.times.len()
        ));
        assert!(most < LIMIT && worst < Duration::from_secs(1), "{name}: the lock came late");
    }
}

/// What a victim `tag` appends as value `part` of its operation `number`.
pub fn payload(tag: u64, number: u64, part: u64) -> Vec<u8> {
    let mut bytes = format!("victim {tag}, operation {number}, value {part}").into_bytes();
    let length = bytes.len() as u64 + (tag * 31 + number * 17 + part * 7) % 200;
    bytes.resize(length as usize, b'#');
    bytes
}

/// What one operation of a victim appends.
pub fn operation(how: &str, tag: u64, number: u64) -> Vec<Vec<u8>> {
    let parts = if how == "append_all" { 3 } else { 1 };
    (0..parts).map(|part| payload(tag, number, part)).collect()
}

/// Appends slowly, so that others come to wait for the lock meanwhile.
struct Slow(Vec<u8>);

impl Payload for Slow {
    fn byte_length(&self) -> u64 {
        self.0.len() as u64
    }

    fn write_to(&self, mut target: Target<'_>) -> Result<()> {
        target.put(&self.0);
        say("inside");
        std::thread::sleep(Duration::from_millis(20));
        say(now());
        Ok(())
    }
}

fn open(args: &[String]) -> MmFile {
    let options = OpenOptions {
        prefixes: Prefixes::new(&args[0], &args[1]).unwrap(),
        lock_timeout: Duration::from_secs(5),
        ..Default::default()
    };
    MmFile::open_existing(&args[2], &options).unwrap()
}

/// Does one kind of thing until a fault point ends it.
pub fn victim(args: &[String]) {
    let file = open(args);
    let (how, tag) = (args[3].as_str(), args[4].parse().unwrap());
    for number in 0..9 {
        let values = operation(how, tag, number);
        match how {
            "append" => drop(file.append(&values[0]).unwrap()),
            "append_all" => drop(file.append_all(&values).unwrap()),
            "slow" => drop(file.append(&Slow(values[0].clone())).unwrap()),
            "seal" => file.seal().unwrap(),
            "len" => drop(file.len().unwrap()),
            "section" => {
                let guard = file.lock(None).unwrap();
                file.append(&values[0]).unwrap();
                say("inside");
                std::thread::sleep(Duration::from_millis(20));
                say(now());
                drop(guard);
            }
            "open" => {}
            other => panic!("{other}"),
        }
        say("did");
    }
}

/// Has the file open and does what it is told.
pub fn survivor(args: &[String]) {
    let options = CreateOptions {
        prefixes: Prefixes::new(&args[0], &args[1]).unwrap(),
        lock_timeout: Duration::from_secs(5),
        ..Default::default()
    };
    let capacity = args[3].parse().unwrap();
    if args.get(4).is_some_and(|how| how == "later") {
        say("ready");
        hear();
    }
    let file = MmFile::create_or_open(&args[2], capacity, &options).unwrap();
    say(if file.created() { "created" } else { "opened" });
    while let Some(line) = hear() {
        let (order, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let started = now();
        match order {
            "append" => {
                let answer = file.append(rest.as_bytes());
                let ended = now();
                let answer = answer.map_or_else(|e| e.code().into(), |index| index.to_string());
                say(format!("{answer} {started} {ended}"));
            }
            "wait" => {
                let timeout = Timeout::Val(Duration::from_secs(3));
                let waited = file.wait_for(rest.parse().unwrap(), timeout, Duration::ZERO);
                say(waited.map_or_else(|e| e.code().into(), |()| now().to_string()));
            }
            "state" => {
                let length = file.len().unwrap();
                let mut all = DIGEST;
                for index in 0..length {
                    all = digest(all, &file.read(index).unwrap());
                }
                let sealed = file.is_sealed().unwrap();
                say(format!("{length} {all} {sealed}"));
            }
            "recovered" => say(file.recovered()),
            other => panic!("{other}"),
        }
    }
    drop(file);
    say("closed");
}

pub struct Group {
    test: &'static str,
    pub prefixes: Prefixes,
    pub id: String,
    pub data: Raw,
    pub control: Raw,
    pub survivors: Vec<Actor>,
    /// What is in the file by now.
    pub expected: Vec<Vec<u8>>,
    pub sealed: bool,
    /// Whether there is no room for anything more.
    pub full: bool,
    recovered: u64,
    tag: u64,
}

impl Group {
    pub fn new(test: &'static str, survivors: usize, capacity: u64) -> Self {
        let prefixes = support::own_prefixes("kills");
        let id = "group".to_owned();
        let survivors: Vec<Actor> = (0..survivors)
            .map(|_| {
                let args = [prefixes.data(), prefixes.mutex(), &id, &capacity.to_string()];
                let mut actor = Actor::start(test, "survivor", &args);
                actor.expect();
                actor
            })
            .collect();
        let data = Raw::open(&format!("{}{id}", prefixes.data()));
        let control = Raw::open(&support::control_name(prefixes.mutex(), &id));
        let (expected, sealed, full, recovered, tag) = (Vec::new(), false, false, 0, 0);
        Self {
            test,
            prefixes,
            id,
            data,
            control,
            survivors,
            expected,
            sealed,
            full,
            recovered,
            tag,
        }
    }

    fn start(&mut self, how: &str, fault: &str) -> Actor {
        self.tag += 1;
        let tag = self.tag.to_string();
        let args = [self.prefixes.data(), self.prefixes.mutex(), &self.id, how, &tag];
        let mut command = support::command(self.test, "victim", &args);
        command.env("MMFILE_FAULT", fault);
        Actor::spawn(command)
    }

    /// Starts a victim that dies at `fault`. `whole` says whether what it was appending then is
    /// part of the file.
    pub fn kill(&mut self, how: &str, fault: &str, whole: bool) {
        let mut actor = self.start(how, fault);
        let mut did = 0;
        while let Some(line) = actor.line() {
            did += u64::from(line == "did");
        }
        actor.wait_killed(&format!("{how} at {fault}"));
        if how.starts_with("append") {
            for number in 0..did + u64::from(whole) {
                self.expected.extend(operation(how, self.tag, number));
            }
        }
    }

    /// As [`Self::kill`], while all survivors are waiting for the lock that the victim has.
    pub fn kill_with_waiters(&mut self, how: &str, fault: &str, whole: bool, into: &mut Figures) {
        let mut actor = self.start(how, fault);
        assert_eq!(actor.expect(), "inside");
        for (number, survivor) in self.survivors.iter_mut().enumerate() {
            survivor.tell(format_args!("append waited {number}"));
        }
        let died: u64 = actor.expect().parse().unwrap();
        while actor.line().is_some() {}
        actor.wait_killed(&format!("{how} at {fault}"));
        if whole {
            self.expected.push(payload(self.tag, 0, 0));
        }
        self.take_appended("waited", died, into);
    }

    /// Reads the survivors' answers to "append", and puts what they appended where it belongs.
    fn take_appended(&mut self, text: &str, died: u64, into: &mut Figures) {
        let first = self.expected.len();
        let mut appended = vec![None; self.survivors.len()];
        for (number, survivor) in self.survivors.iter_mut().enumerate() {
            let answer = survivor.expect();
            let parts: Vec<&str> = answer.split(' ').collect();
            let [start, end] = [1, 2].map(|at| parts[at].parse::<u64>().unwrap());
            into.times.push(end - start.max(died));
            if self.sealed || self.full {
                let code = if self.sealed { "ERR_MMFILE_SEALED" } else { "ERR_MMFILE_CAPACITY" };
                assert_eq!(parts[0], code);
                continue;
            }
            let index: usize = parts[0].parse().unwrap();
            let place = index.checked_sub(first).and_then(|at| appended.get_mut(at));
            let place = place.unwrap_or_else(|| panic!("appended at {index}, not from {first} on"));
            assert!(place.is_none(), "two got the index {index}");
            *place = Some(format!("{text} {number}").into_bytes());
        }
        self.expected.extend(appended.into_iter().flatten());
    }

    /// What must hold after a death: the survivors go on at once, and nothing is lost, there twice,
    /// half there, or left behind the end. `held` says whether the dead one had the lock.
    pub fn check(&mut self, what: &str, held: bool, into: &mut Figures) {
        into.kills += 1;
        self.check_reader(what);
        let died = now();
        for (number, survivor) in self.survivors.iter_mut().enumerate() {
            survivor.tell(format_args!("append after {number}"));
        }
        self.take_appended("after", died, into);
        self.check_contents(what);
        let recovered: u64 = self.survivors.iter_mut().map(|s| number(s, "recovered")).sum();
        assert_eq!(recovered - self.recovered, u64::from(held), "{what}: recovered");
        into.recoveries += recovered - self.recovered;
        self.recovered = recovered;
        self.check_newcomer(what);
        self.check_waiting(what);
    }

    /// One that may only read does not repair, sees nothing that is not whole, and does not hang.
    fn check_reader(&self, what: &str) {
        let options = OpenOptions {
            access: Access::Read,
            prefixes: self.prefixes.clone(),
            ..Default::default()
        };
        let file = MmFile::open_existing(&self.id, &options).unwrap();
        let length = file.len().unwrap() as usize;
        assert!(length <= self.expected.len(), "{what}: {length} segments before the repair");
        for (index, segment) in self.expected[..length].iter().enumerate() {
            assert_eq!(&file.read(index as u64).unwrap(), segment, "{what}: {index}");
        }
    }

    pub fn check_contents(&mut self, what: &str) {
        let frames = clean_frames(&self.data.bytes());
        assert!(frames.segments == self.expected, "{what}: {frames:?}\nnot\n{:?}", self.expected);
        let all = self.expected.iter().fold(DIGEST, |all, bytes| digest(all, bytes));
        let expected = format!("{} {all} {}", self.expected.len(), self.sealed);
        for survivor in &mut self.survivors {
            survivor.tell("state");
            assert_eq!(survivor.expect(), expected, "{what}");
        }
    }

    fn check_newcomer(&mut self, what: &str) {
        let options = OpenOptions { prefixes: self.prefixes.clone(), ..Default::default() };
        let file = MmFile::open_existing(&self.id, &options).unwrap();
        assert_eq!(file.len().unwrap(), self.expected.len() as u64, "{what}");
        assert_eq!(file.is_sealed().unwrap(), self.sealed, "{what}");
        if !self.sealed && !self.full {
            let index = file.append(b"new").unwrap();
            assert_eq!(file.read(index).unwrap(), b"new", "{what}");
            self.expected.push(b"new".to_vec());
        }
        assert_eq!(file.recovered(), 0, "{what}");
    }

    fn check_waiting(&mut self, what: &str) {
        if self.full && !self.sealed {
            return;
        }
        let next = self.expected.len();
        let last = self.survivors.len() - 1;
        self.survivors[last].tell(format_args!("wait {next}"));
        if self.sealed {
            assert_eq!(self.survivors[last].expect(), "ERR_MMFILE_SEALED", "{what}");
            return;
        }
        let options = OpenOptions { prefixes: self.prefixes.clone(), ..Default::default() };
        let file = MmFile::open_existing(&self.id, &options).unwrap();
        file.append(b"awaited").unwrap();
        self.expected.push(b"awaited".to_vec());
        let appended = now();
        let woken: u64 = self.survivors[last].expect().parse().unwrap();
        let late = Duration::from_nanos(woken.saturating_sub(appended));
        assert!(late < Duration::from_millis(500), "{what}: woken after {late:?}");
    }

    /// Lets everybody go; nothing may be left then.
    pub fn end(self) {
        for survivor in self.survivors {
            survivor.finish();
        }
        assert_eq!(support::left_behind(self.prefixes.data().trim_end_matches("data-")), [""; 0]);
    }
}

pub fn number(actor: &mut Actor, order: &str) -> u64 {
    actor.tell(order);
    actor.expect().parse().unwrap()
}
