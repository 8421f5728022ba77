//! Random programs against a plain model of a channel: the messages sent, those that each reader and member
//! gets, and exactly when there is room.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};

const UNITS: u64 = 64;

#[derive(Debug, Clone)]
enum Step {
    Send(u16),
    SendAll(Vec<u8>),
    Fill(u16, bool),
    Alone(u16),
    Join(StartFrom),
    Leave(usize),
    Receive(usize),
    Release(usize, usize),
    Group,
    Member,
    Resign(usize),
    Take(usize),
    Ack(usize, usize),
    Nak(usize, usize),
    Lossy,
    Reopen,
    Seal,
}

fn step() -> impl Strategy<Value = Step> {
    let from = prop_oneof![
        Just(StartFrom::New),
        Just(StartFrom::Oldest),
        Just(StartFrom::Newest),
        (0..40u64).prop_map(StartFrom::Index),
    ];
    prop_oneof![
        12 => (0..270u16).prop_map(Step::Send),
        2 => prop::collection::vec(0..60u8, 0..4).prop_map(Step::SendAll),
        2 => (0..257u16, any::<bool>()).prop_map(|(length, commits)| Step::Fill(length, commits)),
        1 => (0..257u16).prop_map(Step::Alone),
        2 => from.prop_map(Step::Join),
        1 => any::<usize>().prop_map(Step::Leave),
        9 => any::<usize>().prop_map(Step::Receive),
        9 => any::<(usize, usize)>().prop_map(|(reader, at)| Step::Release(reader, at)),
        1 => Just(Step::Group),
        1 => Just(Step::Member),
        1 => any::<usize>().prop_map(Step::Resign),
        6 => any::<usize>().prop_map(Step::Take),
        6 => any::<(usize, usize)>().prop_map(|(member, at)| Step::Ack(member, at)),
        2 => any::<(usize, usize)>().prop_map(|(member, at)| Step::Nak(member, at)),
        2 => Just(Step::Lossy),
        1 => Just(Step::Reopen),
        1 => Just(Step::Seal),
    ]
}

/// A message as the model knows it: its bytes, and its units, counted from the channel's beginning on.
#[derive(Debug, Clone)]
struct Sent {
    bytes: Vec<u8>,
    start: u64,
    end: u64,
}

#[derive(Debug, Default)]
struct Group {
    /// The index of the next message that no member had.
    next: u64,
    /// Behind the last that a member had, in units.
    position: (u64, u64),
    returned: BTreeMap<u64, u32>,
    /// Held by members, with their attempts.
    held: BTreeMap<u64, u32>,
}

struct Plain {
    sent: Vec<Sent>,
    tail: u64,
    trailer: u64,
    sealed: bool,
    group: Option<Group>,
}

impl Plain {
    fn units_of(&self, length: u64) -> u64 {
        (16 + length + self.trailer).div_ceil(16)
    }

    /// Where records of so many units would be.
    fn place(&self, units: u64) -> (u64, u64) {
        Self::place_behind(self.tail, units)
    }

    fn place_behind(tail: u64, units: u64) -> (u64, u64) {
        let rest = UNITS - tail % UNITS;
        let start = if units <= rest { tail } else { tail + rest };
        (start, start + units)
    }

    /// Whether there is room for a message and a seal behind it, when participants need everything from
    /// `needed` on.
    fn has_room(&self, units: u64, needed: Option<u64>) -> bool {
        let newest = self.sent.last().map_or(self.tail, |it| it.start);
        let end = Self::place_behind(self.place(units).1, self.units_of(0)).1;
        end - needed.unwrap_or(newest).min(newest) <= UNITS
    }

    /// Whether there may be room, and whether there must be: the oldest position may be before padding or behind it.
    fn room(&self, units: u64, needed: Option<(u64, u64)>) -> (bool, bool) {
        let (low, high) = needed.unzip();
        (self.has_room(units, high), self.has_room(units, low))
    }

    fn add(&mut self, values: &[Vec<u8>]) {
        let units: u64 = values.iter().map(|it| self.units_of(it.len() as u64)).sum();
        let mut start = self.place(units).0;
        for bytes in values {
            let end = start + self.units_of(bytes.len() as u64);
            self.sent.push(Sent { bytes: bytes.clone(), start, end });
            start = end;
        }
        self.tail = start;
    }

    /// Where the oldest message is looked for: behind the one before it, which may be padding.
    fn behind(&self, index: u64) -> (u64, u64) {
        let low = index.checked_sub(1).map_or(0, |before| self.sent[before as usize].end);
        (low, self.sent.get(index as usize).map_or(self.tail, |it| it.start))
    }

    /// The group's first message that is not acknowledged.
    fn needed_by_group(&self) -> Option<(u64, u64)> {
        let group = self.group.as_ref()?;
        let first = group.returned.keys().chain(group.held.keys()).min();
        Some(first.map_or(group.position, |index| {
            let start = self.sent[*index as usize].start;
            (start, start)
        }))
    }
}

/// A reader, and what it holds.
struct Reading {
    reader: Reader,
    next: u64,
    /// Behind the last that it received.
    position: (u64, u64),
    held: VecDeque<(Message, bool)>,
}

impl Reading {
    fn needed(&self, plain: &Plain) -> (u64, u64) {
        let first = self.held.front();
        first.map_or(self.position, |(it, _)| {
            let start = plain.sent[it.index as usize].start;
            (start, start)
        })
    }
}

struct Working {
    member: Member,
    jobs: Vec<Job>,
}

fn bytes_of(index: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| (index * 7 + at) as u8).collect()
}

fn run(steps: &[Step], place: &Place) {
    let mut channel = place.create(&small()).unwrap();
    assert_eq!(channel.capacity(), UNITS * 16);
    let on_disk = place.folder.is_some();
    let trailer = if on_disk { 8 } else { 0 };
    let mut plain = Plain { sent: Vec::new(), tail: 0, trailer, sealed: false, group: None };
    let mut readers: Vec<Reading> = Vec::new();
    let mut members: Vec<Working> = Vec::new();
    for step in steps {
        let needed =
            readers.iter().map(|it| it.needed(&plain)).chain(plain.needed_by_group()).min();
        match step {
            Step::Send(length) => {
                let bytes = bytes_of(plain.sent.len(), usize::from(*length));
                let result = channel.try_send(&bytes, None);
                check_send(&mut plain, &[bytes], needed, result);
            }
            Step::SendAll(lengths) => {
                let first = plain.sent.len();
                let values: Vec<_> = (first..)
                    .zip(lengths)
                    .map(|(index, length)| bytes_of(index, usize::from(*length)))
                    .collect();
                let result = channel.try_send_all(&values);
                check_send(&mut plain, &values, needed, result);
            }
            Step::Fill(length, commits) => {
                let bytes = bytes_of(plain.sent.len(), usize::from(*length) / 2);
                let whole = plain.units_of(u64::from(*length));
                match channel.begin(u64::from(*length), NOW) {
                    Ok(mut filling) => {
                        assert!(!plain.sealed && plain.room(whole, needed).0);
                        if *commits {
                            filling.target().unwrap().put(&bytes);
                            let index = filling.commit(bytes.len() as u64).unwrap();
                            assert_eq!(index, plain.sent.len() as u64);
                            // It begins where the room for all of it was.
                            let start = plain.place(whole).0;
                            plain.tail = start;
                            plain.add(&[bytes]);
                        }
                    }
                    Err(Error::Sealed) => assert!(plain.sealed),
                    Err(Error::Full { .. }) => assert!(!plain.room(whole, needed).1),
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Alone(length) => {
                let bytes = bytes_of(plain.sent.len(), usize::from(*length));
                let mut writer = channel.exclusive_writer(NOW).unwrap();
                assert_eq!(code(channel.try_send(b"x", None)), "ERR_MMFILE_LOCK_HELD");
                let result = writer.try_send(&bytes, None);
                check_send(&mut plain, &[bytes], needed, result);
            }
            Step::Join(from) => {
                let (oldest, next) =
                    (channel.oldest_index().unwrap(), channel.next_index().unwrap());
                let first = match from {
                    StartFrom::New => next,
                    StartFrom::Oldest => oldest,
                    StartFrom::Newest => next.saturating_sub(1),
                    StartFrom::Index(index) => *index,
                };
                match channel.reader(*from) {
                    Ok(reader) => {
                        assert_eq!(reader.next_index(), first);
                        let start = plain.sent.get(first as usize).map(|it| it.start);
                        let at = match from {
                            StartFrom::Oldest => plain.behind(first),
                            _ => {
                                let start = start.unwrap_or(plain.tail);
                                (start, start)
                            }
                        };
                        readers.push(Reading {
                            reader,
                            next: first,
                            position: at,
                            held: VecDeque::new(),
                        });
                    }
                    Err(Error::Lost { index, oldest: left }) => {
                        assert_eq!((index, left), (first, oldest));
                        assert!(first < oldest);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Leave(at) if !readers.is_empty() => {
                let at = at % readers.len();
                readers.swap_remove(at);
            }
            Step::Receive(at) if !readers.is_empty() => {
                let at = at % readers.len();
                let reading = &mut readers[at];
                match reading.reader.try_receive() {
                    Ok(Some(message)) => {
                        assert_eq!(message.index, reading.next);
                        let sent = &plain.sent[message.index as usize];
                        assert_eq!(reading.reader.read(&message).unwrap(), sent.bytes);
                        reading.next = message.index + 1;
                        reading.position = (sent.end, sent.end);
                        reading.held.push_back((message, false));
                    }
                    Ok(None) => {
                        assert!(!plain.sealed && reading.next >= plain.sent.len() as u64);
                        // Messages that it passed over are released.
                        reading.position = (plain.tail, plain.tail);
                    }
                    Err(Error::Sealed) => {
                        assert!(plain.sealed && reading.next >= plain.sent.len() as u64);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Release(at, which) if !readers.is_empty() => {
                let at = at % readers.len();
                let reading = &mut readers[at];
                let Some(which) = which.checked_rem(reading.held.len()) else { continue };
                let (message, released) = &mut reading.held[which];
                *released = true;
                let position = message.position;
                reading.reader.release(position);
                while reading.held.front().is_some_and(|(_, released)| *released) {
                    reading.held.pop_front();
                }
            }
            Step::Group => {
                let made = channel.create_group("workers", StartFrom::Oldest).unwrap();
                assert_eq!(made, plain.group.is_none());
                if made {
                    let next = channel.oldest_index().unwrap();
                    let position = plain.behind(next);
                    plain.group = Some(Group { next, position, ..Default::default() });
                }
            }
            Step::Member => match channel.member("workers", 1) {
                Ok(member) => members.push(Working { member, jobs: Vec::new() }),
                Err(error) => assert!(plain.group.is_none(), "{error}"),
            },
            Step::Resign(at) if !members.is_empty() => {
                let working = members.swap_remove(at % members.len());
                let group = plain.group.as_mut().unwrap();
                for job in &working.jobs {
                    let index = job.message.index;
                    let attempts = group.held.remove(&index).unwrap();
                    group.returned.insert(index, attempts);
                }
            }
            Step::Take(at) if !members.is_empty() => {
                let at = at % members.len();
                let working = &mut members[at];
                let group = plain.group.as_mut().unwrap();
                match working.member.try_take() {
                    Ok(Some(job)) => {
                        let index = job.message.index;
                        let attempts = match group.returned.first_key_value() {
                            Some((first, attempts)) => {
                                let (first, attempts) = (*first, *attempts);
                                assert_eq!(index, first, "the oldest that was given back");
                                group.returned.remove(&first);
                                attempts
                            }
                            None => {
                                assert_eq!(index, group.next);
                                group.next += 1;
                                let end = plain.sent[index as usize].end;
                                group.position = (end, end);
                                0
                            }
                        };
                        assert_eq!(job.attempt, attempts + 1);
                        group.held.insert(index, job.attempt);
                        let bytes = working.member.read(&job).unwrap();
                        assert_eq!(bytes, plain.sent[index as usize].bytes);
                        working.jobs.push(job);
                    }
                    Ok(None) => assert!(
                        group.returned.is_empty()
                            && group.next >= plain.sent.len() as u64
                            && (!plain.sealed || !group.held.is_empty())
                    ),
                    Err(Error::Sealed) => assert!(
                        plain.sealed
                            && group.held.is_empty()
                            && group.returned.is_empty()
                            && group.next >= plain.sent.len() as u64
                    ),
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Ack(at, which) | Step::Nak(at, which) if !members.is_empty() => {
                let at = at % members.len();
                let working = &mut members[at];
                let Some(which) = which.checked_rem(working.jobs.len()) else { continue };
                let job = working.jobs.swap_remove(which);
                let group = plain.group.as_mut().unwrap();
                let attempts = group.held.remove(&job.message.index).unwrap();
                if matches!(step, Step::Ack(..)) {
                    working.member.ack(&job).unwrap();
                } else {
                    working.member.nak(&job).unwrap();
                    group.returned.insert(job.message.index, attempts);
                }
            }
            Step::Lossy => {
                let mut bytes = Vec::new();
                let mut lossy = channel.lossy_reader(StartFrom::Oldest, Lossy::Oldest).unwrap();
                let mut next = channel.oldest_index().unwrap();
                while let Ok(Some(index)) = lossy.try_receive(&mut bytes) {
                    assert_eq!(index, next);
                    assert_eq!(bytes, plain.sent[index as usize].bytes);
                    next += 1;
                }
                assert_eq!((next, lossy.missed()), (plain.sent.len() as u64, 0));
            }
            Step::Reopen if on_disk => {
                readers.clear();
                if let Some(group) = &mut plain.group {
                    let held = std::mem::take(&mut group.held);
                    group.returned.extend(held);
                }
                members.clear();
                drop(channel);
                channel = place.open();
            }
            Step::Seal => {
                channel.seal(NOW).unwrap(); // there is always room for it
                plain.sealed = true;
            }
            _ => {}
        }
        assert_eq!(channel.next_index().unwrap(), plain.sent.len() as u64);
        assert_eq!(channel.is_sealed().unwrap(), plain.sealed);
        let newest = channel.newest().unwrap();
        let expected = plain.sent.last().map(|it| (plain.sent.len() as u64 - 1, it.bytes.clone()));
        assert_eq!(newest, expected);
    }
}

fn check_send(
    plain: &mut Plain,
    values: &[Vec<u8>],
    needed: Option<(u64, u64)>,
    result: Result<Option<u64>>,
) {
    let units: u64 = values.iter().map(|it| plain.units_of(it.len() as u64)).sum();
    let most = plain.units_of(256);
    let fits = values.iter().all(|it| it.len() <= 256) && units <= most;
    match result {
        Ok(Some(index)) => {
            assert_eq!(index, plain.sent.len() as u64);
            if !values.is_empty() {
                assert!(fits && !plain.sealed && plain.room(units, needed).0, "more than fits");
                plain.add(values);
            }
        }
        Ok(None) => assert!(!plain.room(units, needed).1, "full although there is room"),
        Err(Error::Sealed) => assert!(plain.sealed),
        Err(Error::TooLong { .. }) => assert!(!fits),
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400 * support::rounds(), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn random_programs_in_memory(steps in prop::collection::vec(step(), 1..120)) {
        run(&steps, &Place { folder: None, id: FileId::random().as_str().to_owned() });
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 100 * support::rounds(), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn random_programs_on_disk(steps in prop::collection::vec(step(), 1..120)) {
        run(&steps, &Place { folder: Some(Folder::new("channel-model")), id: String::new() });
    }
}
