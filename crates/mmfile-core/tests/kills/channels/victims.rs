//! The operations of a process on a channel until it is killed.

use super::*;

pub fn victim(args: &[String], act: fn(&Channel)) {
    let channel = open(&args[0]);
    say("ready");
    hear();
    arm();
    act(&channel);
    say("survived");
}

pub fn writes(channel: &Channel) {
    for number in 0..40 {
        let index = channel.send(&value("victim", number), None, SOON).unwrap();
        say(format!("sent {index} {number}"));
    }
}

pub fn writes_batches(channel: &Channel) {
    for number in 0..20 {
        let values: Vec<_> = (0..3).map(|part| value("victim", number * 3 + part)).collect();
        let index = channel.send_all(&values, SOON).unwrap();
        (0..3).for_each(|part| say(format!("sent {} {}", index + part, number * 3 + part)));
    }
}

pub fn fills(channel: &Channel) {
    for number in 0..20 {
        let bytes = value("victim", number);
        let mut filling = channel.begin(200, SOON).unwrap();
        filling.target().unwrap().put(&bytes);
        let index = filling.commit(bytes.len() as u64).unwrap();
        say(format!("sent {index} {number}"));
    }
}

pub fn writes_alone(channel: &Channel) {
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

pub fn reads(channel: &Channel) {
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

pub fn reads_lossily(channel: &Channel) {
    let mut reader = channel.lossy_reader(StartFrom::Oldest, Lossy::Oldest).unwrap();
    let mut bytes = Vec::new();
    for _ in 0..6 {
        reader.receive(&mut bytes, SOON, Duration::ZERO).unwrap();
    }
}

pub fn works(channel: &Channel) {
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

pub fn waits_for_room(channel: &Channel) {
    // It is full, and stays so.
    let mut reader = channel.reader(StartFrom::Oldest).unwrap();
    while channel.try_send(&value("victim", 0), None).unwrap().is_some() {}
    say("full");
    let _ = channel.send(&[1; 512], None, Timeout::Val(Duration::from_secs(1)));
    let _ = reader.try_receive();
}

pub fn joins_and_leaves(channel: &Channel) {
    channel.create_group("visitors", StartFrom::Oldest).unwrap();
    for _ in 0..3 {
        drop(channel.reader(StartFrom::Oldest).unwrap());
    }
}

/// Fills what the dead keep from being overwritten.
pub fn reaps(channel: &Channel) {
    for _ in 0..100 {
        let _ = channel.send(&value("victim", 0), None, Timeout::Val(Duration::from_millis(30)));
    }
}

pub fn evicts(channel: &Channel) {
    for row in channel.participants().unwrap() {
        if row.role == Role::Member {
            channel.evict(row.number).unwrap();
        }
    }
}

pub fn removes(channel: &Channel) {
    channel.remove_group("prey").unwrap();
}

pub fn seals(channel: &Channel) {
    channel.seal(SOON).unwrap();
}

/// Has a reader and a job, and dies with them on command.
pub fn prey(args: &[String]) {
    let channel = open(&args[0]);
    let _reader = channel.reader(StartFrom::Oldest).unwrap();
    let mut member = channel.member(&args[1], 1).unwrap();
    let _job = member.take(SOON, Duration::ZERO).unwrap();
    say("holds");
    hear();
}
