//! Channels: a ring of eight units, in which four messages fill everything. A message's value is its index, so
//! that one that was overwritten, lost or repeated is seen.

mod deaths;
mod groups;

use super::*;
use mmfile_core::{
    Channel, ChannelOptions, Job, Lossy, LossyReader, Member, OnFull, OpenChannelOptions, Reader,
    StartFrom, Timeout,
};
use std::time::Duration;

const NOW: Timeout = Timeout::Val(Duration::ZERO);

fn channel_options() -> ChannelOptions {
    ChannelOptions {
        id: Some(FileId::parse(ID).unwrap()),
        capacity: 128,
        max_participants: 3,
        ..ChannelOptions::default()
    }
}

fn open_channel() -> Channel {
    Channel::open_existing(ID, &OpenChannelOptions::default()).unwrap()
}

/// A channel with so many messages, and two more handles on it, made by a process that has long done so.
fn three_channels(messages: u64, group: bool, drops: bool) -> (Channel, Channel, Channel) {
    here(9, None, move || {
        let on_full = if drops { OnFull::DropOldest } else { OnFull::Wait };
        let groups = if group { vec!["g".into()] } else { Vec::new() };
        let options = ChannelOptions { on_full, groups, ..channel_options() };
        let first = Channel::create_new(&options).unwrap();
        for index in 0..messages {
            assert_eq!(send(&first), Some(index));
        }
        (first, open_channel(), open_channel())
    })
    .unwrap()
}

/// Sends the next index, if there is room.
fn send(channel: &Channel) -> Option<u64> {
    loop {
        let index = channel.next_index().unwrap();
        let value = u32::try_from(index).unwrap().to_le_bytes();
        match channel.try_send(&value, Some(index)) {
            Ok(sent) => return sent,
            Err(Error::MessageOrder { .. }) => {} // another one was quicker
            Err(error) => panic!("{error}"),
        }
    }
}

/// Sends the next index as soon as there is room; the only one that does.
fn send_and_wait(channel: &Channel) -> u64 {
    let index = channel.next_index().unwrap();
    let value = u32::try_from(index).unwrap().to_le_bytes();
    channel.send(&value, Some(index), Timeout::Infinite).unwrap()
}

fn value_of(bytes: &[u8]) -> u64 {
    u32::from_le_bytes(bytes.try_into().expect("four bytes")).into()
}

/// Receives what is there; each message has its index as its value, and they follow one another.
fn receive(reader: &mut Reader, next: &mut Option<u64>, release: bool) {
    while let Some(message) = reader.try_receive().unwrap() {
        assert!(next.is_none_or(|next| next == message.index), "lost or repeated");
        assert_eq!(value_of(&reader.read(&message).unwrap()), message.index, "overwritten");
        *next = Some(message.index + 1);
        if release {
            reader.release(message.position);
        }
    }
}

fn end(channels: impl Send + 'static) {
    here(9, None, || drop(channels)).unwrap();
}

// ---- publishing

fn a_writer_and_a_reader() {
    let (writer, other, third) = three_channels(0, false, false);
    let mut reader = here(3, None, move || other.reader(StartFrom::New).unwrap()).unwrap();
    let writes = process(2, None, move || {
        assert_eq!((send(&writer), send(&writer)), (Some(0), Some(1)));
        writer
    });
    let reads = process(3, None, move || {
        receive(&mut reader, &mut Some(0), true);
        reader
    });
    let (writer, mut reader) = (writes.end().unwrap(), reads.end().unwrap());
    here(3, None, move || {
        let mut next = Some(reader.next_index());
        receive(&mut reader, &mut next, true);
        assert_eq!(next, Some(2));
        drop(reader);
    })
    .unwrap();
    end((writer, third));
}

#[test]
fn a_reader_sees_whole_messages() {
    holds("channel: send, receive", 2, a_writer_and_a_reader);
}

#[test]
fn a_payload_behind_the_tail_is_found() {
    finds(Fault::PayloadUnordered, 2, a_writer_and_a_reader);
}

fn two_senders() {
    let (one, two, third) = three_channels(3, false, false);
    let first = process(2, None, move || (send(&one).unwrap(), one));
    let second = process(3, None, move || (send(&two).unwrap(), two));
    let ((a, one), (b, two)) = (first.end().unwrap(), second.end().unwrap());
    here(4, None, move || {
        assert_eq!(a + b, 3 + 4, "one index for both");
        assert_eq!(third.next_index().unwrap(), 5);
        let (index, bytes) = third.newest().unwrap().unwrap();
        assert_eq!((index, value_of(&bytes)), (4, 4));
        drop((one, two, third));
    })
    .unwrap();
}

#[test]
fn senders_get_an_index_each() {
    holds("channel: send, send", 2, two_senders);
}

fn the_newest_of_a_full_ring() {
    let (writer, other, third) = three_channels(4, false, false);
    let writes = process(2, None, move || {
        assert_eq!((send(&writer), send(&writer)), (Some(4), Some(5)));
        writer
    });
    let reads = process(3, None, move || {
        let (index, bytes) = other.newest().unwrap().unwrap();
        assert_eq!(value_of(&bytes), index, "overwritten");
        assert!(other.next_index().unwrap() > index);
        other
    });
    end((writes.end(), reads.end(), third));
}

#[test]
fn the_newest_message_is_whole() {
    holds("channel: send, newest", 2, the_newest_of_a_full_ring);
}

// ---- joining and reclaiming

fn a_reader_joins_a_full_ring() {
    let (writer, other, third) = three_channels(4, false, false);
    let writes = process(2, None, move || {
        // Whether there is room depends on when the other one joins.
        let sent = [send(&writer), send(&writer)].into_iter().flatten().count() as u64;
        (sent, writer)
    });
    let joins = process(3, None, move || {
        let mut reader = other.reader(StartFrom::Oldest).unwrap();
        let mut next = None;
        receive(&mut reader, &mut next, false);
        (reader, next)
    });
    let ((sent, writer), (mut reader, mut next)) = (writes.end().unwrap(), joins.end().unwrap());
    here(3, None, move || {
        receive(&mut reader, &mut next, true);
        assert_eq!(next, Some(4 + sent), "a message did not come");
        drop(reader);
    })
    .unwrap();
    end((writer, third));
}

#[test]
fn nothing_that_a_joining_reader_needs_is_overwritten() {
    holds("channel: send to a full ring, join", 2, a_reader_joins_a_full_ring);
}

#[test]
fn joining_without_a_fence_is_found() {
    finds(Fault::NoFence, 2, a_reader_joins_a_full_ring);
}

fn a_reader_leaves_a_full_ring() {
    let (writer, other, third) = three_channels(4, false, false);
    let mut reader = here(3, None, move || other.reader(StartFrom::Oldest).unwrap()).unwrap();
    let writes = process(2, None, move || {
        assert_eq!(send_and_wait(&writer), 4);
        writer
    });
    let leaves = process(3, None, move || {
        let message = reader.try_receive().unwrap().unwrap();
        assert_eq!(value_of(&reader.read(&message).unwrap()), 0, "overwritten");
        reader.release(message.position);
        reader
    });
    let (writer, mut reader) = (writes.end().unwrap(), leaves.end().unwrap());
    here(3, None, move || {
        receive(&mut reader, &mut Some(1), true);
        drop(reader);
    })
    .unwrap();
    end((writer, third));
}

#[test]
fn a_writer_that_waits_for_room_is_woken() {
    holds("channel: wait for room, release", 2, a_reader_leaves_a_full_ring);
}

#[test]
fn a_release_without_a_fence_is_found() {
    finds(Fault::NoFence, 2, a_reader_leaves_a_full_ring);
}

// ---- waiting for messages

fn a_reader_waits() {
    let (writer, other, third) = three_channels(0, false, false);
    let mut reader = here(3, None, move || other.reader(StartFrom::New).unwrap()).unwrap();
    let waits = process(3, None, move || {
        let message = reader.receive(Timeout::Infinite, Duration::ZERO).unwrap();
        assert_eq!(value_of(&reader.read(&message).unwrap()), 0);
        drop(reader);
    });
    let writes = process(2, None, move || (send(&writer), writer));
    waits.end().unwrap();
    end((writes.end(), third));
}

#[test]
fn a_waiting_reader_is_woken() {
    holds("channel: wait for a message, send", 2, a_reader_waits);
}

#[test]
fn a_wait_without_a_fence_is_found() {
    finds(Fault::NoFence, 2, a_reader_waits);
}

fn a_seal_ends_a_wait() {
    let (writer, other, third) = three_channels(0, false, false);
    let mut reader = here(3, None, move || other.reader(StartFrom::New).unwrap()).unwrap();
    let waits = process(3, None, move || {
        let received = reader.receive(Timeout::Infinite, Duration::ZERO);
        assert!(matches!(received, Err(Error::Sealed)));
        drop(reader);
    });
    let seals = process(2, None, move || writer.seal(NOW).map(|()| writer));
    waits.end().unwrap();
    end((seals.end().unwrap().unwrap(), third));
}

#[test]
fn a_seal_ends_waits_for_messages() {
    holds("channel: wait for a message, seal", 2, a_seal_ends_a_wait);
}

/// A writer without room asks who is dead; the reader is not.
fn a_living_reader() {
    let (writer, other, third) = three_channels(4, false, false);
    let mut reader = here(3, None, move || other.reader(StartFrom::Oldest).unwrap()).unwrap();
    let writes = process(2, None, move || (send(&writer), writer));
    let reads = process(3, None, move || {
        let message = reader.try_receive().unwrap().unwrap();
        assert_eq!(value_of(&reader.read(&message).unwrap()), 0, "overwritten");
        reader
    });
    let ((sent, writer), reader) = (writes.end().unwrap(), reads.end().unwrap());
    assert_eq!(sent, None, "the reader was taken for dead");
    end((writer, reader, third));
}

#[test]
fn the_living_are_not_reaped() {
    holds("channel: send to a full ring, read", 2, a_living_reader);
}

#[test]
fn reaping_without_asking_for_locks_is_found() {
    finds(Fault::LocksUnasked, 2, a_living_reader);
}

/// There is a slot for each of three readers. A fourth one asks which of them is dead: none, while they live.
fn all_slots_are_taken() {
    let (writer, other, third) = three_channels(1, false, false);
    let mut reader = here(3, None, move || other.reader(StartFrom::Oldest).unwrap()).unwrap();
    let others = here(4, None, || {
        let more = [third.reader(StartFrom::New).unwrap(), third.reader(StartFrom::New).unwrap()];
        (more, third)
    })
    .unwrap();
    let joins = process(2, None, move || (writer.reader(StartFrom::New).is_ok(), writer));
    let reads = process(3, None, move || {
        let read = reader.try_receive().is_ok_and(|message| message.is_some());
        (read, reader)
    });
    let ((joined, writer), (read, reader)) = (joins.end().unwrap(), reads.end().unwrap());
    assert!(!joined && read, "a slot was given away while its reader lives");
    end((writer, reader, others));
}

#[test]
fn slots_of_the_living_are_not_given_away() {
    holds("channel: join without a free slot, read", 2, all_slots_are_taken);
}

#[test]
fn a_slot_that_is_given_away_without_asking_for_locks_is_found() {
    finds(Fault::LocksUnasked, 2, all_slots_are_taken);
}

/// A reader that has died makes room for a new one, which gets its slot and everything from the oldest message on.
fn a_slot_of_a_dead_reader() {
    let (writer, other, third) = three_channels(2, false, false);
    let others = here(4, None, || {
        let more = [third.reader(StartFrom::New).unwrap(), third.reader(StartFrom::New).unwrap()];
        (more, third)
    })
    .unwrap();
    let dies = process(3, Some("reader.released"), || {
        let mut reader = open_channel().reader(StartFrom::Oldest).unwrap();
        let message = reader.try_receive().unwrap().unwrap();
        reader.release(message.position);
    });
    assert!(dies.end().is_none(), "it did not die");
    let joins = process(2, None, move || {
        let mut reader = other.reader(StartFrom::Oldest).unwrap();
        receive(&mut reader, &mut Some(0), true);
        reader
    });
    let sends = process(5, None, move || (send(&writer), writer));
    let (mut reader, (sent, writer)) = (joins.end().unwrap(), sends.end().unwrap());
    assert_eq!(sent, Some(2));
    here(2, None, move || {
        let mut next = Some(reader.next_index());
        receive(&mut reader, &mut next, true);
        assert_eq!(next, Some(3));
        drop(reader);
    })
    .unwrap();
    end((writer, others));
}

#[test]
fn a_dead_readers_slot_is_used_again() {
    holds("death of a reader whose slot another one gets", 1, a_slot_of_a_dead_reader);
}

// ---- lossy reading

fn a_lossy_reader(reader: &mut LossyReader) -> u64 {
    let (mut bytes, mut next) = (Vec::new(), reader.next_index());
    while let Some(index) = reader.try_receive(&mut bytes).unwrap() {
        assert_eq!(value_of(&bytes), index, "overwritten while it was read");
        assert!(index >= next, "repeated");
        next = index + 1;
    }
    next
}

fn what_is_overwritten_while_it_is_read() {
    let (writer, other, third) = three_channels(4, false, true);
    let mut reader =
        here(3, None, move || other.lossy_reader(StartFrom::Oldest, Lossy::Oldest).unwrap())
            .unwrap();
    let writes = process(2, None, move || {
        assert_eq!(send(&writer), Some(4));
        writer
    });
    let reads = process(3, None, move || {
        a_lossy_reader(&mut reader);
        reader
    });
    let (writer, mut reader) = (writes.end().unwrap(), reads.end().unwrap());
    here(3, None, move || {
        assert_eq!(a_lossy_reader(&mut reader), 5);
        assert!(reader.missed() <= 3);
        drop(reader);
    })
    .unwrap();
    end((writer, third));
}

#[test]
fn a_lossy_reader_sees_whole_messages() {
    holds("channel: overwrite, read lossily", 2, what_is_overwritten_while_it_is_read);
}

#[test]
fn reading_lossily_without_a_fence_is_found() {
    finds(Fault::NoFence, 2, what_is_overwritten_while_it_is_read);
}
