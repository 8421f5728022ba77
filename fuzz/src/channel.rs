//! A channel, and another mapping that writes anything into its ring, tables and control block between our operations.

use crate::input::Input;
use crate::object::{self, Object};
use crate::{ID, LOCK_TIMEOUT, prefixes, timed};
use mmfile_core::{
    Access, Channel, ChannelOptions, FileId, Lossy, LossyReader, Member, OnFull,
    OpenChannelOptions, Reader, StartFrom, Timeout,
};
use std::time::Duration;

const NOW: Timeout = Timeout::Val(Duration::ZERO);
const SOON: Timeout = Timeout::Val(Duration::from_micros(100));
const RING: usize = 1024;

struct Parties {
    channel: Channel,
    other: Channel,
    reader: Option<Reader>,
    lossy: LossyReader,
    member: Option<Member>,
}

fn open(access: Access) -> mmfile_core::Result<Channel> {
    let defaults = OpenChannelOptions::default();
    let options =
        OpenChannelOptions { access, lock_timeout: LOCK_TIMEOUT, prefixes: prefixes(), ..defaults };
    Channel::open_existing(ID, &options)
}

/// A script: writes through a second mapping, and our operations in between.
pub fn channel(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let drops = input.byte() % 4 == 0;
    let options = ChannelOptions {
        id: Some(FileId::parse(ID).expect("a name")),
        capacity: RING as u64,
        max_participants: 4,
        on_full: if drops { OnFull::DropOldest } else { OnFull::Wait },
        groups: if drops { Vec::new() } else { vec!["g".into()] },
        lock_timeout: LOCK_TIMEOUT,
        prefixes: prefixes(),
        ..ChannelOptions::default()
    };
    let channel = Channel::create_new(&options).expect("nothing has that name");
    for number in 0..u64::from(input.byte() % 12) {
        let sent = channel.try_send(&[number as u8; 40], Some(number));
        assert_eq!(sent.expect("nothing is wrong yet"), Some(number));
    }
    let mut parties = Parties {
        other: open(Access::ReadWrite).expect("it is there"),
        reader: channel.reader(StartFrom::Oldest).ok(),
        lossy: channel.lossy_reader(StartFrom::Oldest, Lossy::Oldest).expect("it reads"),
        member: channel.member("g", 2).ok(),
        channel,
    };
    let name = format!("{}{ID}", prefixes().channel());
    let object = Object::open(&name);
    let mut steps = 0;
    while !input.is_empty() && steps < 64 {
        steps += 1;
        let step = input.byte();
        match step & 15 {
            // A header in the ring, a slot, a claim, the ring's words, anything.
            0 => object.put(usize::from(input.byte() % 64) * 16, &input.take(8)),
            1 => object.put(RING + usize::from(input.byte()) * 4, &input.take(4)),
            2 => object.put(object.control() + usize::from(input.byte()) * 4, &input.take(4)),
            3 => object.put(object.control() + usize::from(input.short() % 1024), &input.take(8)),
            // Positions near the valid ones.
            4 => {
                let near = u32::from(input.byte() % 96).wrapping_sub(16);
                let at = object.control() + 0xc0 + usize::from(input.byte() % 64) * 4;
                object.put(at, &near.to_le_bytes());
            }
            _ => operate(step, &mut parties, &mut input),
        }
    }
    drop(parties);
    object::unlink(&name);
}

/// One operation: 5 to 15 in the lower half of `step`.
fn operate(step: u8, parties: &mut Parties, input: &mut Input<'_>) {
    let channel = if step & 16 == 0 { &parties.channel } else { &parties.other };
    let most = channel.max_byte_length();
    match step & 15 {
        5 => drop(timed("send", || channel.try_send(&vec![step; input.byte().into()], None))),
        6 => drop(timed("send", || channel.try_send_all(&[[1; 9], [2; 9]]))),
        7 => drop(timed("send", || channel.send(&vec![step; 200], None, SOON))),
        8 => timed("receive", || {
            let Some(reader) = &mut parties.reader else { return };
            let mut messages = Vec::new();
            let _ = reader.try_receive_all(usize::from(input.byte() % 8), &mut messages);
            for message in messages {
                assert!(message.byte_length <= RING as u64);
                assert!(message.offset + message.byte_length <= RING as u64);
                let _ = reader.read(&message);
                if step & 32 == 0 {
                    reader.release(message.position);
                }
            }
            let _ = reader.lag();
            let _ = reader.waiter().wait(NOW, Duration::ZERO);
        }),
        9 => timed("receive lossily", || {
            let mut bytes = Vec::new();
            while let Ok(Some(_)) = parties.lossy.try_receive(&mut bytes) {
                assert!(bytes.len() as u64 <= most.max(RING as u64));
                if input.byte() == 0 {
                    break;
                }
            }
            let _ = (parties.lossy.lag(), parties.lossy.missed());
        }),
        10 => timed("take", || {
            let Some(member) = &mut parties.member else { return };
            let mut jobs = Vec::new();
            let _ = member.try_take_all(usize::from(input.byte() % 4), &mut jobs);
            for job in &jobs {
                assert!(job.message.offset + job.message.byte_length <= RING as u64);
                let _ = member.read(job);
                let _ = if step & 32 == 0 { member.ack(job) } else { member.nak(job) };
            }
            let _ = member.lag();
        }),
        11 => timed("newest", || {
            if let Ok(Some((_, bytes))) = channel.newest() {
                assert!(bytes.len() <= RING);
            }
            let _ = (channel.next_index(), channel.oldest_index(), channel.is_sealed());
        }),
        12 => timed("participants", || {
            if let Ok(rows) = channel.participants() {
                assert!(rows.len() <= 4);
                if step & 32 != 0
                    && let Some(row) = rows.first()
                {
                    let _ = channel.evict(row.number);
                }
            }
            let _ = (channel.groups(), channel.peers());
        }),
        13 => timed("exclusive writer", || {
            let Ok(mut writer) = channel.exclusive_writer(NOW) else { return };
            let _ = writer.try_send(&[8; 30], None);
            if let Ok(place) = writer.reserve(50, NOW) {
                assert!(place.offset + place.byte_length <= RING as u64);
                let _ = writer.commit(20);
            }
            let _ = writer.make_room(input.byte().into());
        }),
        14 => timed("open", || {
            if let Ok(late) = open(if step & 32 == 0 { Access::ReadWrite } else { Access::Read }) {
                let _ = late.newest();
                let _ = late.reader(StartFrom::Index(input.byte().into()));
                let _ = late.create_group("h", StartFrom::Oldest);
                let _ = late.remove_group("h");
            }
        }),
        _ => {
            if input.byte() == 0 {
                let _ = timed("seal", || channel.seal(NOW));
            } else {
                let filling = timed("begin", || channel.begin(60, NOW));
                drop(filling.map(|filling| filling.commit(input.byte().into())));
            }
        }
    }
}
