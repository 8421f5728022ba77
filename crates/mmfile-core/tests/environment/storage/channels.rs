//! Channels there: what cannot be stored is an error, and what was sent before is received after.

use super::*;

const NOW: Timeout = Timeout::Val(Duration::ZERO);

fn create(disk: &Disk) -> Channel {
    let options =
        ChannelOptions { capacity: CAPACITY, groups: vec!["g".into()], ..Default::default() };
    Channel::create_file(disk.file("a"), &options).unwrap()
}

fn open(disk: &Disk, name: &str) -> Result<Channel> {
    Channel::open_file(disk.file(name), &OpenChannelOptions::default())
}

/// Whether it worked. The only other outcome is that there is no room.
fn did<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error @ Error::NoSpace { .. }) => {
            assert_eq!(error.code(), NO_SPACE);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The contents of the message with that index: mostly zeros, which a copy leaves out.
fn message(index: u64) -> Vec<u8> {
    let mut bytes = number(index);
    bytes.resize(40_000, 0);
    bytes
}

fn send(channel: &Channel, most: u64) -> u64 {
    let flushed = |index| channel.flush().map(|()| index);
    (0..most)
        .map_while(|_| {
            let index = did(channel.next_index()).unwrap();
            let sent = did(channel.try_send(&message(index)[..], None)).flatten();
            did(flushed(index));
            sent.inspect(|got| assert_eq!(*got, index))
        })
        .count() as u64
}

/// Takes and acknowledges what there is: from which index on.
fn work(channel: &Channel, mut next: u64) -> u64 {
    let Some(mut member) = did(channel.member("g", 1)) else { return next };
    while let Some(Some(job)) = did(member.try_take()) {
        assert_eq!(job.message.index, next);
        assert!(member.read(&job).unwrap() == message(next), "message {next}");
        if did(member.ack(&job)).is_none() {
            return next; // it goes to another one
        }
        next += 1;
    }
    next
}

/// All that a program does with one, over and over.
fn use_it(channel: &Channel, next: &mut u64) {
    send(channel, 3);
    if let Some(mut reader) = did(channel.reader(StartFrom::Oldest)) {
        while let Some(Some(read)) = did(reader.try_receive()) {
            assert!(reader.read(&read).unwrap() == message(read.index));
            reader.release(read.position);
        }
    }
    let mut lossy = channel.lossy_reader(StartFrom::Oldest, Lossy::Oldest).unwrap();
    let mut bytes = Vec::new();
    while let Some(Some(index)) = did(lossy.try_receive(&mut bytes)) {
        assert!(bytes == message(index));
    }
    if let Some(mut writer) = did(channel.exclusive_writer(NOW)) {
        let index = did(channel.next_index()).unwrap();
        let (bytes, full) = (message(index), |error: &Error| matches!(error, Error::Full { .. }));
        match writer.reserve(bytes.len() as u64, NOW) {
            Err(error) if full(&error) => {}
            reserved => {
                if did(reserved).is_some() {
                    // The writable pages are written to the disk meanwhile.
                    did(channel.flush());
                    if did(writer.provide()).is_some() {
                        writer.abort();
                    }
                }
            }
        }
        did(writer.try_send(&bytes[..], None));
    }
    let filling = channel.begin(100, NOW);
    if !matches!(filling, Err(Error::Full { .. }))
        && let Some(mut filling) = did(filling)
    {
        did(channel.flush());
        did(filling.target().map(|_| ()));
    }
    did(channel.create_group("h", StartFrom::New));
    let _ = channel.remove_group("h");
    let _ = channel.room_waiter(CAPACITY / 8).wait(NOW, Duration::ZERO);
    *next = work(channel, *next);
    did(channel.flush());
}

/// Once there is room again, nothing is missing, and sends work.
fn goes_on(disk: &Disk, channel: Channel, mut next: u64) {
    disk.empty();
    next = work(&channel, next);
    assert_eq!(send(&channel, 3), 3);
    let end = work(&channel, next);
    assert_eq!((end, channel.next_index().unwrap()), (next + 3, next + 3));
    drop(channel);
    assert_eq!(open(disk, "a").unwrap().next_index().unwrap(), end);
}

fn used_when_it_is_full(disk: &Disk, channel: Channel) {
    disk.fill();
    let mut next = 0;
    for _ in 0..disk.many() / 10 {
        use_it(&channel, &mut next);
    }
    say(format_args!("{next} of {} received", channel.next_index().unwrap()));
    goes_on(disk, channel, next);
}

pub fn channel_written_again_and_again(disk: &Disk) {
    let channel = create(disk);
    assert_eq!(send(&channel, 5), 5);
    if disk.shares_blocks() {
        let _ = disk.share("a", "b");
    }
    used_when_it_is_full(disk, channel);
}

pub fn channel_with_holes(disk: &Disk) {
    let channel = create(disk);
    assert_eq!(send(&channel, 5), 5);
    let raw = std::fs::OpenOptions::new().write(true).open(disk.file("a")).unwrap();
    let flags = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: touches no memory.
    let dug = unsafe { libc::fallocate(raw.as_raw_fd(), flags, 1 << 20, 2 << 20) };
    assert_eq!(dug, 0);
    used_when_it_is_full(disk, channel);
}

pub fn copied_channel_with_holes(disk: &Disk) {
    let channel = create(disk);
    assert_eq!(send(&channel, 5), 5);
    drop(channel);
    disk.copy_without_zeros("a", "b");
    disk.fill();
    for _ in 0..2 {
        let read = OpenChannelOptions { access: Access::Read, ..Default::default() };
        if let Some(reader) = did(Channel::open_file(disk.file("b"), &read)) {
            let mut lossy = reader.lossy_reader(StartFrom::Oldest, Lossy::Oldest).unwrap();
            let mut bytes = Vec::new();
            while let Some(Some(index)) = did(lossy.try_receive(&mut bytes)) {
                assert!(bytes == message(index));
            }
        }
        if let Some(channel) = did(open(disk, "b")) {
            use_it(&channel, &mut 0);
        }
    }
    disk.empty();
    let channel = open(disk, "b").unwrap();
    assert!(work(&channel, 0) >= 5);
}
