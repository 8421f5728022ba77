//! Kills at every step of a channel, in every role, with one and three survivors: what was acknowledged is at
//! every reader once and in order, what was not is whole or absent, each job is done once by a living member,
//! and nobody waits for the dead for longer than a tenth of a second.

use super::support::{self, Actor, Folder, Watchdog, hear, say};
use mmfile_core::*;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const ROLES: &[support::Role] = &[
    ("survivor", survivor),
    ("writer", |args| victim(args, writes)),
    ("batch", |args| victim(args, writes_batches)),
    ("filler", |args| victim(args, fills)),
    ("exclusive", |args| victim(args, writes_alone)),
    ("reader", |args| victim(args, reads)),
    ("lossy", |args| victim(args, reads_lossily)),
    ("member", |args| victim(args, works)),
    ("waiting", |args| victim(args, waits_for_room)),
    ("visitor", |args| victim(args, joins_and_leaves)),
    ("reaper", |args| victim(args, reaps)),
    ("evictor", |args| victim(args, evicts)),
    ("remover", |args| victim(args, removes)),
    ("sealer", |args| victim(args, seals)),
    ("prey", prey),
];

/// Who is killed, and where: the point, and which of its passings.
pub const KILLS: &[(&str, &[&str])] = &[
    (
        "writer",
        &[
            "send.locked",
            "send.locked:3",
            "ring.payload",
            "ring.header:2",
            "ring.padding",
            "ring.start",
            "ring.start:9",
            "ring.tail",
            "ring.tail:4",
            "send.unlocked",
            "ring.proposed",
            "ring.reclaimed",
            "release.before:2",
            "lock.taken:3",
        ],
    ),
    ("batch", &["ring.payload:2", "ring.header:5", "ring.start:2", "ring.tail:2", "ring.padding"]),
    ("filler", &["ring.header:2", "ring.start:2", "ring.tail:2", "send.unlocked:2"]),
    (
        "exclusive",
        &[
            "slot.filled",
            "slot.live",
            "writer.exclusive",
            "writer.reserved",
            "writer.reserved:3",
            "ring.payload",
            "ring.header:2",
            "ring.padding",
            "ring.start:3",
            "ring.tail:3",
            "ring.proposed",
            "ring.reclaimed",
            "leave.begun",
            "slot.freed",
        ],
    ),
    (
        "reader",
        &["slot.filled", "slot.live", "reader.released", "reader.released:3", "leave.begun"],
    ),
    ("lossy", &["lossy.copied", "lossy.copied:3"]),
    (
        "member",
        &[
            "slot.live",
            "claim.filled",
            "claim.filled:2",
            "claim.taken",
            "claim.taken:2",
            "claim.ended",
            "claim.ended:2",
            "claim.taken_over",
            "claim.given_back",
            "group.advanced",
            "leave.begun",
            "slot.freed",
        ],
    ),
    ("waiting", &["ticket.taken"]),
    ("visitor", &["group.created", "slot.filled", "slot.live:2", "slot.freed"]),
    ("reaper", &["reap.found", "claim.given_back", "slot.freed"]),
    ("evictor", &["slot.evicted", "claim.given_back"]),
    ("remover", &["slot.evicted", "slot.evicted:2", "group.emptied", "slot.freed"]),
    ("sealer", &["ring.seal", "ring.tail"]),
];

pub fn points() -> impl Iterator<Item = &'static str> {
    let killed = KILLS.iter().flat_map(|(_, points)| points.iter().copied());
    killed.chain(RECOVERING.iter().copied())
}

/// How many messages of this size fit.
const CAPACITY: u64 = 2048;
const SOON: Timeout = Timeout::Val(Duration::from_secs(20));
const NOW: Timeout = Timeout::Val(Duration::ZERO);
/// How long the dead may hold others back after the kernel has released what they had: a tenth of a second, and
/// what a machine with more processes than processors takes.
const LATE: Duration = Duration::from_millis(400);

fn open(place: &str) -> Channel {
    let options = OpenChannelOptions::default();
    match place.contains(std::path::MAIN_SEPARATOR) {
        true => Channel::open_file(place, &options).unwrap(),
        false => Channel::open_existing(place, &options).unwrap(),
    }
}

/// A message says who sent it and as which of its own.
fn value(who: &str, number: u64) -> Vec<u8> {
    let mut bytes = format!("{who} {number}.").into_bytes();
    bytes.resize(bytes.len() + (number * 37 % 170) as usize, b'#');
    bytes
}

fn victim(args: &[String], act: fn(&Channel)) {
    let channel = open(&args[0]);
    say("ready");
    hear();
    arm();
    act(&channel);
    say("survived");
}

fn writes(channel: &Channel) {
    for number in 0..40 {
        let index = channel.send(&value("victim", number), None, SOON).unwrap();
        say(format!("sent {index} {number}"));
    }
}

fn writes_batches(channel: &Channel) {
    for number in 0..20 {
        let values: Vec<_> = (0..3).map(|part| value("victim", number * 3 + part)).collect();
        let index = channel.send_all(&values, SOON).unwrap();
        (0..3).for_each(|part| say(format!("sent {} {}", index + part, number * 3 + part)));
    }
}

fn fills(channel: &Channel) {
    for number in 0..20 {
        let bytes = value("victim", number);
        let mut filling = channel.begin(200, SOON).unwrap();
        filling.target().unwrap().put(&bytes);
        let index = filling.commit(bytes.len() as u64).unwrap();
        say(format!("sent {index} {number}"));
    }
}

fn writes_alone(channel: &Channel) {
    let mut writer = channel.exclusive_writer(SOON).unwrap();
    let memory = channel.memory().unwrap().data;
    for number in 0..40 {
        let bytes = value("victim", number);
        let index = if number % 2 == 0 {
            writer.send(&bytes, None, SOON).unwrap()
        } else {
            let room = writer.reserve(200, SOON).unwrap();
            // SAFETY: the room has as many bytes, and is the writer's.
            unsafe {
                let at = memory.as_ptr().add(room.offset as usize);
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
            }
            writer.commit(bytes.len() as u64).unwrap()
        };
        say(format!("sent {index} {number}"));
    }
}

fn reads(channel: &Channel) {
    let mut reader = channel.reader(StartFrom::Oldest).unwrap();
    let mut held = Vec::new();
    for _ in 0..6 {
        let message = reader.receive(SOON, Duration::ZERO).unwrap();
        held.push(message);
        if held.len() > 2 {
            reader.release(held.remove(0).position);
        }
    }
}

fn reads_lossily(channel: &Channel) {
    let mut reader = channel.lossy_reader(StartFrom::Oldest, Lossy::Oldest).unwrap();
    let mut bytes = Vec::new();
    for _ in 0..6 {
        reader.receive(&mut bytes, SOON, Duration::ZERO).unwrap();
    }
}

fn works(channel: &Channel) {
    let mut member = channel.member("workers", 2).unwrap();
    let first = member.take(SOON, Duration::ZERO).unwrap();
    member.nak(&first).unwrap();
    for number in 0..6 {
        let job = member.take(SOON, Duration::ZERO).unwrap();
        say(format!("took {}", job.message.index));
        if number == 4 {
            continue;
        }
        member.ack(&job).unwrap();
        say(format!("done {}", job.message.index));
    }
    channel.flush().ok();
    let _ = channel.send(&vec![0; 500], None, NOW);
}

fn waits_for_room(channel: &Channel) {
    // It is full, and stays so.
    let mut reader = channel.reader(StartFrom::Oldest).unwrap();
    while channel.try_send(&value("victim", 0), None).unwrap().is_some() {}
    say("full");
    let _ = channel.send(&[1; 512], None, Timeout::Val(Duration::from_secs(1)));
    let _ = reader.try_receive();
}

fn joins_and_leaves(channel: &Channel) {
    channel.create_group("visitors", StartFrom::Oldest).unwrap();
    for _ in 0..3 {
        drop(channel.reader(StartFrom::Oldest).unwrap());
    }
}

/// Fills what the dead keep from being overwritten.
fn reaps(channel: &Channel) {
    for _ in 0..100 {
        let _ = channel.send(&value("victim", 0), None, Timeout::Val(Duration::from_millis(30)));
    }
}

fn evicts(channel: &Channel) {
    for row in channel.participants().unwrap() {
        if row.role == Role::Member {
            channel.evict(row.number).unwrap();
        }
    }
}

fn removes(channel: &Channel) {
    channel.remove_group("prey").unwrap();
}

fn seals(channel: &Channel) {
    channel.seal(SOON).unwrap();
}

/// Has a reader and a job, and dies with them when it is told to.
fn prey(args: &[String]) {
    let channel = open(&args[0]);
    let _reader = channel.reader(StartFrom::Oldest).unwrap();
    let mut member = channel.member(&args[1], 1).unwrap();
    let _job = member.take(SOON, Duration::ZERO).unwrap();
    say("holds");
    hear();
}

/// Reads everything from the beginning on, and says what.
fn survivor(args: &[String]) {
    let channel = open(&args[0]);
    let mut reader = channel.reader(StartFrom::Oldest).unwrap();
    say("ready");
    loop {
        match reader.receive(SOON, Duration::ZERO) {
            Ok(message) => {
                let text = String::from_utf8(reader.read(&message).unwrap()).unwrap();
                reader.release(message.position);
                let said = text.split_once('.').map_or("?", |(said, _)| said);
                say(format!("{} {said}", message.index));
                if said == "end 0" {
                    return;
                }
            }
            Err(Error::Sealed) => return say("sealed"),
            Err(error) => panic!("{error}"),
        }
    }
}

struct Scene {
    channel: Channel,
    place: String,
    _folder: Option<Folder>,
}

impl Scene {
    fn new(on_disk: bool) -> Self {
        let groups = vec!["workers".into()];
        let options = ChannelOptions { capacity: CAPACITY, groups, ..Default::default() };
        let folder = on_disk.then(|| Folder::new("channel-kills"));
        let channel = match &folder {
            None => Channel::create_new(&options).unwrap(),
            Some(folder) => Channel::create_file(folder.file("channel"), &options).unwrap(),
        };
        Self { place: channel.id().to_owned(), channel, _folder: folder }
    }

    fn start(&self, test: &str, role: &str, more: &[&str]) -> Actor {
        let args: Vec<&str> =
            [self.place.as_str()].into_iter().chain(more.iter().copied()).collect();
        Actor::start(test, role, &args)
    }
}

/// Sends something, at once but for the time that the dead may take.
fn send_soon(channel: &Channel, bytes: &[u8], what: &str) -> u64 {
    let begun = Instant::now();
    let index = channel.send(bytes, None, SOON).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(begun.elapsed() < LATE, "{what}: held back for {:?}", begun.elapsed());
    index
}

fn play(test: &str, role: &str, fault: &str, survivors: usize, on_disk: bool) {
    let what = format!("{role} at {fault}, {survivors} survivors, disk: {on_disk}");
    let scene = Scene::new(on_disk);
    let channel = &scene.channel;
    let mut others: Vec<Actor> =
        (1..survivors).map(|_| scene.start(test, "survivor", &[])).collect();
    let mut expected_sent = BTreeSet::new();
    others.iter_mut().for_each(|other| assert_eq!(other.expect(), "ready"));
    let mut reader = channel.reader(StartFrom::Oldest).unwrap();
    let mut member = channel.member("workers", 1).unwrap();
    for number in 0..8 {
        expected_sent.insert((
            channel.send(&value("early", number), None, SOON).unwrap(),
            format!("early {number}"),
        ));
    }
    let mut prey = match role {
        "reaper" | "evictor" => vec![scene.start(test, "prey", &["workers"])],
        "remover" => {
            channel.create_group("prey", StartFrom::Oldest).unwrap();
            vec![scene.start(test, "prey", &["prey"])]
        }
        _ => Vec::new(),
    };
    prey.iter_mut().for_each(|actor| assert_eq!(actor.expect(), "holds"));
    let mut command = support::command(test, role, &[&scene.place]);
    command.env("MMFILE_FAULT", format!("+{fault}"));
    let mut victim = Actor::spawn(command);
    assert_eq!(victim.expect(), "ready", "{what}");
    if role == "reaper" {
        prey.iter_mut().for_each(Actor::kill);
    }
    victim.tell("go");
    let mut jobs_done = BTreeSet::new();
    let (mut received, mut full) = (Vec::new(), false);
    // A thread hears the victim, so that this one can make room for it.
    let (lines, hears) = std::sync::mpsc::channel();
    let listener = std::thread::spawn(move || {
        while let Some(line) = victim.line() {
            let _ = lines.send(line);
        }
        victim
    });
    let mut drain = |received: &mut Vec<(u64, String)>| {
        while let Ok(Some(message)) = reader.try_receive() {
            let text = String::from_utf8(reader.read(&message).unwrap()).unwrap();
            reader.release(message.position);
            let said = text.split_once('.').map_or("?".into(), |(said, _)| said.to_owned());
            received.push((message.index, said));
        }
    };
    // The jobs of the others are done meanwhile, unless the victim is to have them.
    let work = |member: &mut Member, done: &mut BTreeSet<u64>| {
        loop {
            match member.try_take() {
                Ok(Some(job)) => {
                    let index = job.message.index;
                    assert!(done.insert(index), "{what}: job {index} again");
                    member.ack(&job).unwrap();
                }
                Err(Error::Evicted) => *member = channel.member("workers", 1).unwrap(),
                Ok(None) | Err(Error::Sealed) => return,
                Err(error) => panic!("{what}: {error}"),
            }
        }
    };
    let is_worker = role == "member";
    loop {
        match hears.recv_timeout(Duration::from_micros(200)) {
            Ok(line) => {
                let words: Vec<&str> = line.split(' ').collect();
                match words.as_slice() {
                    ["sent", index, number] => {
                        expected_sent.insert((index.parse().unwrap(), format!("victim {number}")));
                    }
                    ["done", index] => assert!(jobs_done.insert(index.parse().unwrap()), "{what}"),
                    ["full"] => full = true,
                    ["took", _] => {}
                    ["survived"] => panic!("{what}: it did not die"),
                    _ => panic!("{what}: {line}"),
                }
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            Err(_) => {}
        }
        if !matches!(role, "waiting" | "reaper") {
            drain(&mut received);
        }
        if !is_worker && !matches!(role, "waiting" | "reaper") {
            work(&mut member, &mut jobs_done);
        }
    }
    let mut victim = listener.join().unwrap();
    victim.wait_killed(&what);
    if !prey.is_empty() && role != "reaper" {
        prey.iter_mut().for_each(Actor::kill);
    }
    let _ = full;
    // From here on nobody is held back.
    drain(&mut received);
    let sealed = channel.is_sealed().unwrap();
    if role == "sealer" {
        assert_eq!(sealed, fault == "ring.tail", "{what}");
    }
    if is_worker {
        // What the victim had comes to a living member.
        let begun = Instant::now();
        while jobs_done.len() < channel.next_index().unwrap() as usize {
            match member.take(Timeout::Val(LATE), Duration::ZERO) {
                Ok(job) => {
                    let index = job.message.index;
                    // One that was acknowledged without its process having said so is done, too.
                    assert!(jobs_done.insert(index), "{what}: job {index} again");
                    member.ack(&job).unwrap();
                }
                Err(Error::Timeout { .. }) => break,
                Err(error) => panic!("{what}: {error}"),
            }
            if begun.elapsed() > LATE {
                break;
            }
        }
        let missing = channel.next_index().unwrap() as usize - jobs_done.len();
        // The victim may have acknowledged one, and died before it said so.
        let unsaid =
            usize::from(fault.starts_with("claim.ended") || fault.starts_with("group.adv"));
        assert!(missing <= unsaid, "{what}: {missing} jobs are not done");
    }
    if role == "visitor" {
        let _ = channel.remove_group("visitors");
    }
    work(&mut member, &mut jobs_done);
    if !sealed {
        for number in 0..40 {
            let index = send_soon(channel, &value("late", number), &what);
            expected_sent.insert((index, format!("late {number}")));
            drain(&mut received);
            work(&mut member, &mut jobs_done);
        }
        let mut writer = channel.exclusive_writer(SOON).unwrap();
        let index = writer.send(&value("alone", 0), None, SOON).unwrap();
        expected_sent.insert((index, "alone 0".into()));
        drop(writer);
        let index = send_soon(channel, &value("end", 0), &what);
        expected_sent.insert((index, "end 0".into()));
        drain(&mut received);
        work(&mut member, &mut jobs_done);
    }
    let next = channel.next_index().unwrap();
    let indices: Vec<u64> = received.iter().map(|(index, _)| *index).collect();
    assert_eq!(indices, (0..next).collect::<Vec<_>>(), "{what}: once and in order");
    let got: BTreeSet<(u64, String)> = received.iter().cloned().collect();
    assert!(expected_sent.is_subset(&got), "{what}: lost {:?}", expected_sent.difference(&got));
    for mut other in others {
        let mut theirs = Vec::new();
        while let Some(line) = other.line() {
            if line == "sealed" {
                break;
            }
            let (index, said) = line.split_once(' ').unwrap();
            theirs.push((index.parse::<u64>().unwrap(), said.to_owned()));
        }
        assert_eq!(theirs, received, "{what}: another reader");
        other.finish();
    }
    let rows = channel.participants().unwrap();
    let here = std::process::id();
    assert!(rows.iter().all(|row| row.pid.is_none_or(|pid| pid == here)), "{what}: {rows:?}");
    if role != "remover" && role != "visitor" {
        assert_eq!(channel.groups().unwrap(), ["workers"], "{what}");
    }
}

fn killed(test: &str, roles: &[&str]) {
    support::play(ROLES);
    let _watchdog = Watchdog::new(test, Duration::from_secs(180));
    for (role, points) in KILLS.iter().filter(|(role, _)| roles.contains(role)) {
        for fault in points.iter().filter(|fault| super::points::is_here(fault)) {
            for (survivors, on_disk) in [(1, false), (3, false), (1, true)] {
                play(test, role, fault, survivors, on_disk);
            }
        }
    }
}

#[test]
fn writers_are_killed() {
    killed("channels::writers_are_killed", &["writer", "batch", "filler", "sealer"]);
}

#[test]
fn exclusive_writers_are_killed() {
    killed("channels::exclusive_writers_are_killed", &["exclusive"]);
}

#[test]
fn readers_and_waiting_writers_are_killed() {
    let roles = ["reader", "lossy", "waiting", "visitor"];
    killed("channels::readers_and_waiting_writers_are_killed", &roles);
}

#[test]
fn members_are_killed() {
    killed("channels::members_are_killed", &["member"]);
}

#[test]
fn those_who_remove_others_are_killed() {
    let roles = ["reaper", "evictor", "remover"];
    killed("channels::those_who_remove_others_are_killed", &roles);
}

/// Where a process dies that opens a channel on disk after the machine's end.
const RECOVERING: &[&str] = &["recover.chained", "recover.forgotten"];

fn recoverer(args: &[String]) {
    drop(open(&args[0]));
}

#[test]
fn killed_while_recovering() {
    support::play(&[("recoverer", recoverer)]);
    let test = "channels::killed_while_recovering";
    for fault in RECOVERING {
        let scene = Scene::new(true);
        for number in 0..9 {
            scene.channel.send(&value("early", number), None, SOON).unwrap();
        }
        let Scene { channel, place, _folder } = scene;
        drop(channel);
        let mut bytes = std::fs::read(&place).unwrap();
        let session = bytes.len() - 4096 + 0x290;
        bytes[session] ^= 1;
        std::fs::write(&place, bytes).unwrap();
        for _ in 0..2 {
            let mut actor = Actor::start_with_fault(test, "recoverer", &[&place], fault);
            while actor.line().is_some() {}
            actor.wait_killed(fault);
        }
        let channel = open(&place);
        assert_eq!(channel.next_index().unwrap(), 9, "{fault}");
        let mut member = channel.member("workers", 1).unwrap();
        for index in 0..9 {
            let job = member.try_take().unwrap().unwrap();
            assert_eq!((job.message.index, job.attempt), (index, 1), "{fault}");
            member.ack(&job).unwrap();
        }
    }
}
