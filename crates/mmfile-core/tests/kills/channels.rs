//! Kills at every step of a channel, in every role, with one and three survivors: every reader gets messages
//! whose send had returned once and in order; others are whole or absent; each job is done once by a living
//! member; and no process waits for a dead one for longer than a tenth of a second.

mod recovering;
mod victims;

use super::support::{self, Actor, Folder, PROMPT, Watchdog, hear, say};
use mmfile_core::*;
use recovering::RECOVERING;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use victims::*;

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

fn open(place: &str) -> Channel {
    let options = OpenChannelOptions::default();
    match place.contains(std::path::MAIN_SEPARATOR) {
        true => Channel::open_file(place, &options).unwrap(),
        false => Channel::open_existing(place, &options).unwrap(),
    }
}

/// A message contains its sender and the sender's count.
fn value(who: &str, number: u64) -> Vec<u8> {
    let mut bytes = format!("{who} {number}.").into_bytes();
    bytes.resize(bytes.len() + (number * 37 % 170) as usize, b'#');
    bytes
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
    assert!(begun.elapsed() < PROMPT, "{what}: held back for {:?}", begun.elapsed());
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
    let mut received = Vec::new();
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
                    ["full"] | ["took", _] => {}
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
    // From here on no process is held back.
    drain(&mut received);
    let sealed = channel.is_sealed().unwrap();
    if role == "sealer" {
        assert_eq!(sealed, fault == "ring.tail", "{what}");
    }
    if is_worker {
        // The victim may have acknowledged one, and died before it said so.
        let unsaid =
            usize::from(fault.starts_with("claim.ended") || fault.starts_with("group.adv"));
        let begun = Instant::now();
        // The victim's other jobs go to a living member.
        while jobs_done.len() + unsaid < channel.next_index().unwrap() as usize {
            let job = member.take(SOON, Duration::ZERO);
            let job = job.unwrap_or_else(|error| panic!("{what}: jobs are not done: {error}"));
            assert!(jobs_done.insert(job.message.index), "{what}: {job:?} again");
            member.ack(&job).unwrap();
        }
        assert!(begun.elapsed() < PROMPT, "{what}: held back for {:?}", begun.elapsed());
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
fn killed_while_removing_others() {
    let roles = ["reaper", "evictor", "remover"];
    killed("channels::killed_while_removing_others", &roles);
}
