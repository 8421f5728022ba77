//! Every word of a channel, in the control block, the ring and the tables, at its extremes, and all of them
//! changing while others use them: errors or data, never a crash, a hang or foreign memory.

use super::LOCK_TIMEOUT;
use super::support::{Random, Watchdog, rounds};
use mmfile_core::*;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const NOW: Timeout = Timeout::Val(Duration::ZERO);
const SOON: Timeout = Timeout::Val(Duration::from_millis(3));
const RING: u64 = 1024;
const SLOTS: u64 = 4;

struct Prey {
    channel: Channel,
    object: File,
    size: u64,
    good: Vec<u8>,
}

impl Prey {
    fn new() -> Self {
        let prey = Self::without_messages();
        for number in 0..9u8 {
            prey.channel.try_send(&[number; 40], None).unwrap().unwrap();
        }
        let mut member = prey.channel.member("g", 2).unwrap();
        let job = member.try_take().unwrap().unwrap();
        member.ack(&job).unwrap();
        drop(member);
        prey.renewed()
    }

    fn without_messages() -> Self {
        let options = ChannelOptions {
            capacity: RING,
            max_participants: SLOTS as u32,
            groups: vec!["g".into()],
            lock_timeout: LOCK_TIMEOUT,
            ..Default::default()
        };
        let channel = Channel::create_new(&options).unwrap();
        let folder = std::env::var("MMFILE_DIRECTORY").ok().filter(|path| !path.is_empty());
        let folder = folder.unwrap_or_else(|| "/dev/shm".into());
        let path = format!("{folder}/mmfile-channel-{}", channel.id());
        let object = File::options().read(true).write(true).open(path).unwrap();
        let size = object.metadata().unwrap().len();
        Self { channel, object, size, good: vec![0; size as usize] }.renewed()
    }

    /// The current bytes are the ones to restore.
    fn renewed(mut self) -> Self {
        self.object.read_exact_at(&mut self.good, 0).unwrap();
        self
    }

    fn control(&self) -> u64 {
        self.size - 4096
    }

    fn put(&self, at: u64, bytes: &[u8]) {
        self.object.write_all_at(bytes, at).unwrap();
    }

    fn restore(&self) {
        self.put(0, &self.good);
    }

    fn open(&self, access: Access) -> Result<Channel> {
        let options =
            OpenChannelOptions { access, lock_timeout: LOCK_TIMEOUT, ..Default::default() };
        Channel::open_existing(self.channel.id(), &options)
    }
}

/// All operations on a channel; each returns data or an error.
fn use_it(channel: &Channel, calls: &mut u64) {
    let mut bytes = Vec::new();
    let mut did = |good: bool| *calls += u64::from(good) + 1;
    did(channel.next_index().is_ok());
    did(channel.oldest_index().is_ok());
    did(channel.is_sealed().is_ok());
    did(channel.newest().is_ok());
    did(channel.participants().is_ok());
    did(channel.groups().is_ok());
    did(channel.peers().is_empty());
    let places = [StartFrom::Oldest, StartFrom::Newest, StartFrom::New, StartFrom::Index(5)];
    for (from, lossy) in places.into_iter().zip([Lossy::Oldest, Lossy::Newest].repeat(2)) {
        if let Ok(mut reader) = channel.lossy_reader(from, lossy) {
            for _ in 0..12 {
                did(reader.try_receive(&mut bytes).is_ok());
            }
            did(reader.lag().is_ok());
        }
    }
    for from in places {
        if let Ok(mut reader) = channel.reader(from) {
            let mut messages = Vec::new();
            did(reader.try_receive_all(20, &mut messages).is_ok());
            for message in &messages {
                did(reader.read(message).is_ok());
            }
            messages.iter().rev().for_each(|message| reader.release(message.position));
            did(reader.waiter().wait(NOW, Duration::ZERO).is_ok());
            did(reader.lag().is_ok());
        }
    }
    did(channel.create_group("h", StartFrom::Oldest).is_ok());
    for group in ["g", "h"] {
        if let Ok(mut member) = channel.member(group, 3) {
            let mut jobs = Vec::new();
            did(member.try_take_all(9, &mut jobs).is_ok());
            for (at, job) in jobs.iter().enumerate() {
                did(member.read(job).is_ok());
                did(if at % 2 == 0 { member.ack(job) } else { member.nak(job) }.is_ok());
            }
            did(member.waiter().wait(NOW, Duration::ZERO).is_ok());
            did(member.lag().is_ok());
        }
    }
    did(channel.try_send(&[7; 60], None).is_ok());
    did(channel.send(&[7; 250], None, SOON).is_ok());
    did(channel.try_send_all(&[[1; 9], [2; 9]]).is_ok());
    if let Ok(filling) = channel.begin(90, NOW) {
        did(filling.commit(80).is_ok());
    }
    did(channel.room_waiter(100).wait(NOW, Duration::ZERO).is_ok());
    if let Ok(mut writer) = channel.exclusive_writer(NOW) {
        did(writer.try_send(&[8; 30], None).is_ok());
        if writer.reserve(50, NOW).is_ok() {
            did(writer.commit(20).is_ok());
        }
        did(writer.make_room(100).is_ok());
    }
    for number in 1..4 {
        did(channel.evict(number).is_ok());
    }
    did(channel.remove_group("h").is_ok());
    did(channel.seal(NOW).is_ok());
}

fn extremes() -> Vec<u32> {
    let ends = [0, 16, 64, 1 << 16, 1 << 31, u32::MAX - 64];
    ends.into_iter().flat_map(|end: u32| [end.wrapping_sub(1), end, end + 1]).collect()
}

#[test]
fn every_word_of_a_channel_at_every_extreme() {
    let _watchdog = Watchdog::new("every word of a channel", Duration::from_secs(200));
    let prey = Prey::new();
    let mut calls = 0;
    let tables = RING..RING + SLOTS * 128;
    let claims = tables.end..tables.end + 96;
    let control = prey.control();
    let block = control + 0xb0..control + 0x2d0;
    for at in (0..300).chain(tables).chain(claims).chain(block).step_by(4) {
        for value in extremes() {
            prey.put(at, &value.to_le_bytes());
            use_it(&prey.channel, &mut calls);
            prey.restore();
        }
        // A word, and a long one where there may be one.
        let ones = &[u8::MAX; 8][..if at % 8 == 0 { 8 } else { 4 }];
        for access in [Access::ReadWrite, Access::Read] {
            prey.put(at, ones);
            if let Ok(late) = prey.open(access) {
                use_it(&late, &mut calls);
            }
            let _ = list(&ListOptions::default());
            prey.restore();
        }
    }
    assert_eq!(prey.channel.next_index().unwrap(), 9);
    assert_eq!(prey.channel.try_send(b"after", None).unwrap(), Some(9));
    assert!(calls > 100_000);
}

#[test]
fn every_word_of_a_channel_without_messages() {
    let _watchdog = Watchdog::new("a channel without messages", Duration::from_secs(100));
    let prey = Prey::without_messages();
    let control = prey.control();
    let mut calls = 0;
    for at in (control + 0xb0..control + 0x2d0).step_by(4) {
        for value in extremes() {
            prey.put(at, &value.to_le_bytes());
            use_it(&prey.channel, &mut calls);
            prey.restore();
        }
    }
    assert_eq!(prey.channel.try_send(b"first", None).unwrap(), Some(0));
}

#[test]
fn a_channel_that_changes_while_it_is_used() {
    let _watchdog = Watchdog::new("a channel that changes", Duration::from_secs(100) * rounds());
    let prey = Prey::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = Random::new(11);
            let object = &prey.object;
            while !stop.load(Ordering::Relaxed) {
                let control = prey.control();
                for _ in 0..40 {
                    let at = match random.below(4) {
                        0 => random.below(RING / 4) * 4,
                        1 => RING + random.below(SLOTS * 128 / 4) * 4,
                        2 => RING + SLOTS * 128 + random.below(24) * 4,
                        _ => control + 0xc0 + random.below(0x190 / 4) * 4,
                    };
                    let value = match random.below(3) {
                        0 => random.below(80) as u32,
                        1 => random.next() as u32,
                        _ => 1 << random.below(32),
                    };
                    let _ = object.write_all_at(&value.to_le_bytes(), at);
                }
                if random.below(8) == 0 {
                    // The locks, too.
                    let _ = object.write_all_at(&[0; 64], control + 0x80);
                    let _ = object.write_all_at(&[0; 64], control + 0x200);
                    prey.restore();
                }
                std::thread::sleep(Duration::from_micros(20));
            }
        });
        let begun = Instant::now();
        let mut calls = 0;
        while begun.elapsed() < Duration::from_secs(3) * rounds() {
            use_it(&prey.channel, &mut calls);
            if let Ok(late) = prey.open(Access::ReadWrite) {
                use_it(&late, &mut calls);
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert!(calls > 1000, "{calls}");
    });
}
