//! Some processes that have one file open, one more that is killed, and checks of the rest.

use super::figures::Figures;
use super::place::{Place, Staging};
use super::support::raw::{OFF_LOCK_WORD, Raw, clean_frames, wait_for_queue};
use super::support::{self, Actor, DIGEST, PROMPT, digest, hear, now, say};
use super::victim::{Role, operation, payload};
use mmfile_core::*;
use std::time::Duration;

/// Keeps the file open and executes commands.
pub fn survivor(args: &[String]) {
    let (place, args) = Place::of(args);
    let options = place.create_options(&args[0], Lifetime::LastProcess);
    let capacity = args[1].parse().unwrap();
    if args.get(2).is_some_and(|how| how == "later") {
        say("ready");
        hear();
    }
    let file = MmFile::create_or_open(&args[0], capacity, &options).unwrap();
    say(if file.is_creator() { "created" } else { "opened" });
    let mut guard = None;
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
                let waited =
                    file.wait_for(rest.parse().unwrap(), Timeout::Val(PROMPT), Duration::ZERO);
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
            "hold" => {
                guard = Some(file.lock(None).unwrap());
                say("holding");
            }
            "release" => drop(guard.take()),
            "rouse" => std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::thread::sleep(Duration::from_millis(2));
                    file.append(b"roused").unwrap();
                });
                let waited =
                    file.wait_for(rest.parse().unwrap(), Timeout::Val(PROMPT), Duration::ZERO);
                say(waited.map_or_else(|e| e.code().into(), |()| now().to_string()));
            }),
            other => panic!("{other}"),
        }
    }
    drop(file);
    say("closed");
}

pub struct Group {
    test: &'static str,
    pub place: Place,
    pub id: String,
    pub data: Raw,
    pub control: Raw,
    pub survivors: Vec<Actor>,
    /// The file's current contents.
    pub expected: Vec<Vec<u8>>,
    pub sealed: bool,
    /// Whether there is no room for anything more.
    pub full: bool,
    recovered: u64,
    tag: u64,
    /// The victim that created the file, its next operation, and the point where it dies.
    founder: Option<(Actor, String, String)>,
}

impl Group {
    /// A file that one of the survivors made.
    pub fn new(test: &'static str, survivors: usize, capacity: u64) -> Self {
        Self::with(test, survivors, capacity, Role::Opener, "", "")
    }

    /// A file of which the victim that is killed first has that role.
    pub fn with(
        test: &'static str,
        survivors: usize,
        capacity: u64,
        role: Role,
        how: &str,
        fault: &str,
    ) -> Self {
        Self::at(test, survivors, capacity, role, how, fault, Staging::Named)
    }

    /// The same at a place of some kind.
    pub fn at(
        test: &'static str,
        survivors: usize,
        capacity: u64,
        role: Role,
        how: &str,
        fault: &str,
        staging: Staging,
    ) -> Self {
        let place = Place::new(staging, "group");
        let id = "group".to_owned();
        let size = capacity.to_string();
        let founder = (role != Role::Opener).then(|| {
            let args = [&id, how, "1", role.name(), &size];
            let mut actor = place.start(test, "victim", &args, fault);
            assert_eq!(actor.expect(), "made");
            (actor, how.to_owned(), fault.to_owned())
        });
        let mut survivors: Vec<Actor> =
            (0..survivors).map(|_| place.start(test, "survivor", &[&id, &size], "none")).collect();
        survivors.iter_mut().for_each(|survivor| drop(survivor.expect()));
        let (data, control) = place.raw(&id, capacity);
        // The one that made the file has the first tag.
        let tag = u64::from(founder.is_some());
        let (expected, sealed, full, recovered) = (Vec::new(), false, false, 0);
        Self {
            test,
            place,
            id,
            data,
            control,
            survivors,
            expected,
            sealed,
            full,
            recovered,
            tag,
            founder,
        }
    }

    /// Starts a victim, or has the one go on that made the file.
    fn start(&mut self, how: &str, fault: &str) -> (Actor, u64) {
        if let Some((mut actor, its_how, its_fault)) = self.founder.take() {
            assert_eq!((how, fault), (&*its_how, &*its_fault));
            actor.tell("go on");
            return (actor, 1);
        }
        self.start_opener(how, fault)
    }

    fn start_opener(&mut self, how: &str, fault: &str) -> (Actor, u64) {
        self.tag += 1;
        let tag = self.tag.to_string();
        let actor = self.place.start(self.test, "victim", &[&self.id, how, &tag], fault);
        (actor, self.tag)
    }

    /// Starts a victim that dies at `fault`. `whole` says whether what it was appending then is
    /// part of the file.
    pub fn kill(&mut self, how: &str, fault: &str, whole: bool) {
        let victim = self.start(how, fault);
        self.see_killed(victim, how, fault, whole);
    }

    /// As [`Self::kill`], of one that opened the file, while the one that made it lives.
    pub fn kill_opener(&mut self, how: &str, fault: &str, whole: bool) {
        let victim = self.start_opener(how, fault);
        self.see_killed(victim, how, fault, whole);
    }

    fn see_killed(&mut self, victim: (Actor, u64), how: &str, fault: &str, whole: bool) {
        let (mut actor, tag) = victim;
        let mut did = 0;
        while let Some(line) = actor.line() {
            did += u64::from(line == "did");
        }
        actor.wait_killed(&format!("{how} at {fault}"));
        if !matches!(how, "seal" | "len" | "open") {
            for number in 0..did + u64::from(whole) {
                self.expected.extend(operation(how, tag, number));
            }
        }
    }

    /// As [`Self::kill`], while all survivors are waiting for the lock that the victim has.
    pub fn kill_with_waiters(&mut self, how: &str, fault: &str, whole: bool, into: &mut Figures) {
        let (mut actor, tag) = self.start(how, fault);
        assert_eq!(actor.expect(), "inside");
        for (number, survivor) in self.survivors.iter_mut().enumerate() {
            survivor.tell(format_args!("append waited {number}"));
        }
        wait_for_queue(&self.control);
        actor.tell("go on");
        let died: u64 = actor.expect().parse().unwrap();
        while actor.line().is_some() {}
        actor.wait_killed(&format!("{how} at {fault}"));
        if whole {
            self.expected.push(payload(tag, 0, 0));
        }
        self.take_appended("waited", died, into);
    }

    /// Kills one that comes for the lock, which a survivor has, with all others behind it; the lock is let go
    /// meanwhile. `waits` says whether that one comes to wait before it dies.
    pub fn kill_in_queue(&mut self, fault: &str, waits: bool, into: &mut Figures) {
        self.survivors[0].tell("hold");
        assert_eq!(self.survivors[0].expect(), "holding");
        let (mut actor, _) = self.start("queue", fault);
        assert_eq!(actor.expect(), "queueing");
        if waits {
            wait_for_queue(&self.control);
        }
        for (number, survivor) in self.survivors.iter_mut().enumerate().skip(1) {
            survivor.tell(format_args!("append queued {number}"));
        }
        self.survivors[0].tell("release");
        self.survivors[0].tell("append queued 0");
        assert_eq!(actor.line(), None, "{fault}");
        actor.wait_killed(&format!("in the queue at {fault}"));
        let died = now();
        self.take_appended("queued", died, into);
    }

    /// Reads the survivors' replies to "append", and records their segments.
    fn take_appended(&mut self, text: &str, died: u64, into: &mut Figures) {
        let first = self.expected.len();
        let mut appended = vec![None; self.survivors.len()];
        for (number, survivor) in self.survivors.iter_mut().enumerate() {
            let answer = survivor.expect();
            let parts: Vec<&str> = answer.split(' ').collect();
            let [start, end] = [1, 2].map(|at| parts[at].parse::<u64>().unwrap());
            into.times.push(end.saturating_sub(start.max(died)));
            if self.sealed || self.full {
                let code = if self.sealed { "ERR_MMFILE_SEALED" } else { "ERR_MMFILE_CAPACITY" };
                assert_eq!(parts[0], code);
                continue;
            }
            let index: usize = parts[0].parse().unwrap();
            let place = index.checked_sub(first).and_then(|at| appended.get_mut(at));
            let place = place.unwrap_or_else(|| panic!("appended at {index}, not from {first} on"));
            // Two that got one index.
            into.duplicated += u64::from(place.is_some());
            *place = Some(format!("{text} {number}").into_bytes());
        }
        self.expected.extend(appended.into_iter().flatten());
    }

    /// Makes the lock free without a repair, as a foreign program does.
    pub fn forget_death(&self) {
        let lock = format!("{}{}", self.place.prefixes.mutex(), self.id);
        support::forget_death(&lock, self.control.at(OFF_LOCK_WORD).cast());
    }

    /// The conditions after a death: the survivors continue at once, and nothing is lost, duplicated,
    /// half-written, or left behind the end. `held` says whether the dead process had the lock.
    pub fn check(&mut self, what: &str, held: bool, into: &mut Figures) {
        into.kills += 1;
        self.check_reader(what);
        let died = now();
        for (number, survivor) in self.survivors.iter_mut().enumerate() {
            survivor.tell(format_args!("append after {number}"));
        }
        self.take_appended("after", died, into);
        self.check_contents(what, into);
        let recovered: u64 = self.survivors.iter_mut().map(|s| number(s, "recovered")).sum();
        assert_eq!(recovered - self.recovered, u64::from(held), "{what}: recovered");
        into.recoveries += recovered - self.recovered;
        self.recovered = recovered;
        self.check_newcomer(what);
        self.check_waiting(what);
    }

    /// One that may only read does not repair, sees nothing that is not whole, and does not hang.
    fn check_reader(&self, what: &str) {
        let options = OpenOptions { access: Access::Read, ..self.place.open_options() };
        let file = MmFile::open_existing(&self.id, &options).unwrap();
        let length = file.len().unwrap() as usize;
        assert!(length <= self.expected.len(), "{what}: {length} segments before the repair");
        for (index, segment) in self.expected[..length].iter().enumerate() {
            assert_eq!(&file.read(index as u64).unwrap(), segment, "{what}: {index}");
        }
    }

    pub fn check_contents(&mut self, what: &str, into: &mut Figures) {
        let frames = clean_frames(&self.data.bytes());
        let same = into.compare(&self.expected, &frames.segments);
        let ((lost, twice), expected) = (into.amiss(), &self.expected);
        assert!(same, "{what}: {lost} lost, {twice} duplicated: {frames:?}\nnot\n{expected:?}");
        let all = self.expected.iter().fold(DIGEST, |all, bytes| digest(all, bytes));
        let expected = format!("{} {all} {}", self.expected.len(), self.sealed);
        for survivor in &mut self.survivors {
            survivor.tell("state");
            assert_eq!(survivor.expect(), expected, "{what}");
        }
    }

    fn check_newcomer(&mut self, what: &str) {
        let file = self.place.open(&self.id).unwrap();
        assert_eq!(file.len().unwrap(), self.expected.len() as u64, "{what}");
        assert_eq!(file.is_sealed().unwrap(), self.sealed, "{what}");
        // The dead are no peers.
        let mut pids: Vec<u32> = file.peers().iter().map(|peer| peer.pid).collect();
        let living = self.survivors.iter().map(|survivor| survivor.child.id());
        let mut expected: Vec<u32> = living.chain([std::process::id()]).collect();
        pids.sort_unstable();
        expected.sort_unstable();
        assert_eq!(pids, expected, "{what}: peers");
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
        for survivor in &mut self.survivors {
            survivor.tell(format_args!("wait {next}"));
        }
        if self.sealed {
            for survivor in &mut self.survivors {
                assert_eq!(survivor.expect(), "ERR_MMFILE_SEALED", "{what}");
            }
            return;
        }
        let file = self.place.open(&self.id).unwrap();
        file.append(b"awaited").unwrap();
        self.expected.push(b"awaited".to_vec());
        let appended = now();
        for survivor in &mut self.survivors {
            let woken: u64 = survivor.expect().parse().unwrap();
            let late = Duration::from_nanos(woken.saturating_sub(appended));
            assert!(late < PROMPT, "{what}: woken after {late:?}");
        }
    }

    /// All survivors close it; nothing may be left then.
    pub fn end(self) {
        for survivor in self.survivors {
            survivor.finish();
        }
        assert_eq!(self.place.names(), [""; 0]);
    }
}

pub fn number(actor: &mut Actor, order: &str) -> u64 {
    actor.tell(order);
    actor.expect().parse().unwrap()
}
