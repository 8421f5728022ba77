//! Channels on disk: what survives every process, and what survives the machine.

use super::*;
use std::path::PathBuf;

const RING_SESSION: usize = 0x290;
const RING_TAIL: usize = 0x0c0;
const RING_OLDEST: usize = 0x1c0;

struct Disk {
    _folder: Folder,
    path: PathBuf,
}

impl Disk {
    fn new() -> Self {
        let folder = Folder::new("channel-disk");
        Self { path: folder.file("channel"), _folder: folder }
    }

    fn create(&self) -> Channel {
        let options = ChannelOptions {
            capacity: 1 << 16,
            groups: vec!["workers".into()],
            ..Default::default()
        };
        Channel::create_file(&self.path, &options).unwrap()
    }

    fn open(&self) -> Channel {
        Channel::open_file(&self.path, &OpenChannelOptions::default()).unwrap()
    }

    /// Changes the file's bytes; no process has it open.
    fn edit(&self, change: impl FnOnce(&mut Vec<u8>, usize)) {
        let mut bytes = std::fs::read(&self.path).unwrap();
        let control = bytes.len() - 4096;
        change(&mut bytes, control);
        std::fs::write(&self.path, bytes).unwrap();
    }

    /// The machine went down, and came up again.
    fn restart(&self, lost: impl FnOnce(&mut Vec<u8>, usize)) {
        self.edit(|bytes, control| {
            lost(bytes, control);
            bytes[control + RING_SESSION] ^= 1;
        });
    }
}

fn value(number: u64) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(8 + (number * 37 % 300) as usize, number as u8);
    bytes
}

/// Takes and acknowledges; gives the indices.
fn work(channel: &Channel, most: usize) -> Vec<u64> {
    let mut member = channel.member("workers", 1).unwrap();
    let mut done = Vec::new();
    while done.len() < most {
        let job = match member.try_take() {
            Ok(Some(job)) => job,
            Ok(None) | Err(Error::Sealed) => break,
            Err(error) => panic!("{error}"),
        };
        let index = job.message.index;
        assert_eq!(member.read(&job).unwrap(), value(index));
        member.ack(&job).unwrap();
        done.push(index);
    }
    done
}

#[test]
fn messages_positions_and_groups_survive_every_process() {
    let disk = Disk::new();
    let channel = disk.create();
    for number in 0..100 {
        channel.try_send(&value(number), None).unwrap().unwrap();
    }
    assert_eq!(work(&channel, 40).len(), 40);
    let mut member = channel.member("workers", 1).unwrap();
    let kept = member.try_take().unwrap().unwrap();
    assert_eq!((kept.message.index, kept.attempt), (40, 1));
    std::mem::forget(member); // as if the process had been killed
    channel.leave();
    let channel = disk.open();
    assert_eq!((channel.next_index().unwrap(), channel.groups().unwrap().len()), (100, 1));
    assert_eq!(channel.newest().unwrap(), Some((99, value(99))));
    let mut member = channel.member("workers", 1).unwrap();
    let again = member.try_take().unwrap().unwrap();
    assert_eq!((again.message.index, again.attempt), (40, 2));
    drop(member);
    assert_eq!(work(&channel, 1000), (40..100).collect::<Vec<_>>());
    channel.seal(NOW).unwrap();
    drop(channel);
    let channel = disk.open();
    assert!(channel.is_sealed().unwrap());
    assert_eq!(code(channel.try_send(b"x", None)), "ERR_MMFILE_SEALED");
}

/// Several laps, and what of them reached the disk in full.
#[test]
fn everything_is_there_after_the_machine_s_end_if_the_disk_has_it() {
    for sealed in [false, true] {
        let disk = Disk::new();
        let channel = disk.create();
        for number in 0..5000 {
            channel.try_send(&value(number), None).unwrap().unwrap();
            if number < 4900 {
                assert_eq!(work(&channel, 1), [number]);
            }
        }
        if sealed {
            channel.seal(NOW).unwrap();
        }
        channel.flush().unwrap();
        let oldest = channel.oldest_index().unwrap();
        drop(channel);
        // Not even the words of the control block can be believed.
        disk.restart(|bytes, control| {
            if sealed {
                bytes[control + RING_TAIL..][..16].fill(0x55);
                bytes[control + RING_OLDEST..][..4].fill(0x55);
            }
        });
        let channel = disk.open();
        assert_eq!(channel.next_index().unwrap(), 5000);
        assert!(channel.oldest_index().unwrap() <= oldest.max(4900));
        assert_eq!(channel.newest().unwrap(), Some((4999, value(4999))));
        assert_eq!(channel.is_sealed().unwrap(), sealed);
        assert_eq!(work(&channel, 1000), (4900..5000).collect::<Vec<_>>());
        assert_eq!(channel.try_send(b"x", None).ok().flatten(), (!sealed).then_some(5000));
    }
}

#[test]
fn flushed_messages_survive_any_other_loss() {
    let disk = Disk::new();
    let channel = disk.create();
    for number in 0..100 {
        channel.try_send(&value(number), None).unwrap().unwrap();
    }
    assert_eq!(work(&channel, 50).len(), 50);
    channel.flush().unwrap();
    let flushed = channel.next_index().unwrap();
    let mut reader = channel.reader(StartFrom::New).unwrap();
    let mut places = Vec::new();
    for number in 100..260 {
        channel.try_send(&value(number), None).unwrap().unwrap();
        places.push(reader.try_receive().unwrap().unwrap());
    }
    drop(reader);
    drop(channel);
    // The first message after the flush did not reach the disk; of those behind it, the longer chain did.
    let place = places[0];
    disk.restart(|bytes, _| bytes[place.offset as usize..][..8].fill(0xee));
    let channel = disk.open();
    assert_eq!(channel.next_index().unwrap(), flushed);
    assert_eq!(work(&channel, 1000), (50..100).collect::<Vec<_>>());
    assert_eq!(channel.try_send(&value(100), None).unwrap(), Some(100));
    assert_eq!(work(&channel, 1000), [100]);
}

#[test]
fn a_group_continues_inside_the_remaining_messages() {
    let disk = Disk::new();
    let channel = disk.create();
    for number in 0..20 {
        channel.try_send(&value(number), None).unwrap().unwrap();
    }
    channel.flush().unwrap();
    for number in 20..40 {
        channel.try_send(&value(number), None).unwrap().unwrap();
    }
    assert_eq!(work(&channel, 40).len(), 40);
    let mut reader = channel.reader(StartFrom::Index(30)).unwrap();
    let place = reader.try_receive().unwrap().unwrap();
    drop((reader, channel));
    disk.restart(|bytes, _| bytes[place.offset as usize - 16..][..8].fill(0));
    let channel = disk.open();
    assert_eq!(channel.next_index().unwrap(), 30, "the flushed ones and those next to them");
    assert_eq!(work(&channel, 40), [0; 0], "it had done with all of them");
    channel.try_send(&value(30), None).unwrap();
    assert_eq!(work(&channel, 40), [30]);
}

#[test]
fn a_copy_is_another_file() {
    let disk = Disk::new();
    let channel = disk.create();
    for number in 0..30 {
        channel.try_send(&value(number), None).unwrap().unwrap();
    }
    let copy = Disk::new();
    // As cp would, of a channel that is open.
    std::fs::copy(&disk.path, &copy.path).unwrap();
    let other = copy.open();
    assert_eq!(other.next_index().unwrap(), 30);
    assert_eq!(work(&other, 100).len(), 30);
    assert_eq!(work(&channel, 100).len(), 30);
}

#[test]
fn every_bit_that_is_lost_loses_a_message_at_most() {
    let disk = Disk::new();
    let channel = disk.create();
    for number in 0..60 {
        channel.try_send(&value(number), None).unwrap().unwrap();
    }
    drop(channel);
    let mut random = support::Random::new(7);
    for _ in 0..200 {
        let whole = std::fs::read(&disk.path).unwrap();
        disk.restart(|bytes, _| {
            let at = random.below(12_000) as usize;
            bytes[at] ^= 1 << random.below(8);
        });
        let channel = disk.open();
        let mut reader = channel.reader(StartFrom::Oldest).unwrap();
        for (index, bytes) in drain(&mut reader) {
            assert_eq!(bytes, value(index), "a message that was never sent");
        }
        drop((reader, channel));
        std::fs::write(&disk.path, whole).unwrap();
    }
}

/// Windows cuts no file that is mapped.
#[test]
#[cfg(unix)]
fn a_channel_that_is_cut_ends_waits() {
    for exclusive in [false, true] {
        let disk = Disk::new();
        let channel = disk.create();
        let other = disk.open();
        let bytes = vec![1; 16_000];
        while channel.try_send(&bytes, None).unwrap().is_some() {}
        let reader = channel.lossy_reader(StartFrom::New, Lossy::Oldest).unwrap();
        let waiting = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            let wait = || {
                let mut writer = exclusive.then(|| other.exclusive_writer(NOW).unwrap());
                waiting.wait();
                code(match &mut writer {
                    Some(writer) => writer.send(&bytes, None, SOON),
                    None => other.send(&bytes, None, SOON),
                })
            };
            let thread = scope.spawn(wait);
            waiting.wait();
            std::thread::sleep(Duration::from_millis(50));
            let cut = std::fs::OpenOptions::new().write(true).open(&disk.path).unwrap();
            cut.set_len(0).unwrap();
            assert_eq!(thread.join().unwrap(), "ERR_MMFILE_CORRUPT");
        });
        assert_eq!(code(channel.exclusive_writer(NOW)), "ERR_MMFILE_CORRUPT");
        let spun = reader.waiter().wait(SOON, Duration::from_millis(50));
        assert_eq!(code(spun), "ERR_MMFILE_CORRUPT");
    }
}

#[test]
#[cfg(unix)]
fn a_group_reports_a_damaged_message() {
    use std::os::unix::fs::FileExt;
    for sealed in [false, true] {
        let disk = Disk::new();
        let channel = disk.create();
        channel.try_send_all(&[[1; 10], [2; 10]]).unwrap().unwrap();
        if sealed {
            channel.seal(NOW).unwrap();
        }
        // The kind of the second record, behind 16 bytes of header, 10 of payload and 8 of trailer.
        let file = std::fs::OpenOptions::new().write(true).open(&disk.path).unwrap();
        file.write_all_at(&[0xee; 4], 48 + 4).unwrap();
        let mut member = channel.member("workers", 1).unwrap();
        let job = member.try_take().unwrap().unwrap();
        member.ack(&job).unwrap();
        assert_eq!(code(member.try_take()), "ERR_MMFILE_CORRUPT");
        assert_eq!(code(member.take(NOW, Duration::ZERO)), "ERR_MMFILE_CORRUPT");
    }
}
