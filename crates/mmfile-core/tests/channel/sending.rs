//! Sending: indices, room, and what a full channel says.

use super::*;

#[test]
fn messages_have_indices_without_gaps() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let other = place.open();
        let mut reader = other.reader(StartFrom::New).unwrap();
        for number in 0..1000u64 {
            let value = vec![number as u8; (number % 200) as usize];
            assert_eq!(channel.send(&value, Some(number), SOON).unwrap(), number);
            assert_eq!(drain(&mut reader), [(number, value)]);
        }
        assert_eq!(channel.next_index().unwrap(), 1000);
        assert!(channel.oldest_index().unwrap() > 900);
        assert_eq!(code(channel.try_send(b"x", Some(7))), "ERR_MMFILE_SEGMENT_ORDER");
    });
}

#[test]
fn without_readers_the_oldest_goes() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        for number in 0..500u64 {
            assert_eq!(channel.try_send(&[0; 100], None).unwrap(), Some(number));
            assert!(channel.oldest_index().unwrap() <= number);
            assert_eq!(channel.newest().unwrap(), Some((number, vec![0; 100])));
        }
        let kept = 500 - channel.oldest_index().unwrap();
        assert!((5..=8).contains(&kept), "{kept} messages of 112 bytes in 1024");
    });
}

#[test]
fn a_reader_holds_writers_back_and_is_named() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut slow = place.open().reader(StartFrom::Oldest).unwrap();
        let mut sent = 0;
        while channel.try_send(&[1; 48], None).unwrap().is_some() {
            sent += 1;
        }
        assert!((12..=16).contains(&sent), "{sent} messages of 64 bytes in 1024");
        let Err(Error::Full { slowest: Some(slowest) }) = channel.send(&[1; 48], None, NOW) else {
            panic!("not full");
        };
        assert_eq!((slowest.number, slowest.role), (slow.number(), Role::Reader));
        assert_eq!((slowest.next_index, slowest.lag), (0, sent));
        assert_eq!(slowest.pid, Some(std::process::id()));
        let message = slow.try_receive().unwrap().unwrap();
        assert_eq!(channel.try_send(&[1; 48], None).unwrap(), None, "not released yet");
        slow.release(message.position);
        let second = slow.try_receive().unwrap().unwrap();
        slow.release(second.position); // the first one's place may be kept for a seal
        assert_eq!(channel.try_send(&[1; 48], None).unwrap(), Some(sent));
        drop(slow);
        assert_eq!(channel.try_send(&[1; 48], None).unwrap(), Some(sent + 1));
    });
}

#[test]
fn a_message_may_have_a_quarter_of_the_capacity() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        assert_eq!((channel.capacity(), channel.max_byte_length()), (1024, 256));
        let mut reader = channel.reader(StartFrom::New).unwrap();
        for size in [256, 0, 256, 1, 255, 256, 256, 17, 256, 256] {
            channel.try_send(&vec![7; size], None).unwrap().expect("it fits");
            assert_eq!(drain(&mut reader).len(), 1);
        }
        assert_eq!(code(channel.try_send(&[0; 257], None)), "ERR_MMFILE_CAPACITY");
    });
}

#[test]
fn several_are_sent_at_once_or_none() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut reader = channel.reader(StartFrom::New).unwrap();
        let values = [vec![1; 30], vec![], vec![2; 100]];
        assert_eq!(channel.try_send_all(&values).unwrap(), Some(0));
        let received: Vec<_> = drain(&mut reader).into_iter().map(|(_, value)| value).collect();
        assert_eq!(received, values);
        assert_eq!(channel.try_send_all::<Vec<u8>>(&[]).unwrap(), Some(3));
        assert_eq!(code(channel.try_send_all(&[[0; 100]; 3])), "ERR_MMFILE_CAPACITY");
        assert_eq!(channel.newest().unwrap(), Some((2, vec![2; 100])));
    });
}

#[test]
fn a_message_is_filled_in_place_or_not_at_all() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut reader = channel.reader(StartFrom::New).unwrap();
        let mut filling = channel.begin(100, NOW).unwrap();
        filling.target().unwrap().put(b"in place");
        assert_eq!(filling.commit(8).unwrap(), 0);
        drop(channel.begin(100, NOW).unwrap());
        assert_eq!(code(channel.begin(10, NOW).unwrap().commit(11)), "ERR_INVALID_ARG_VALUE");
        assert_eq!(channel.try_send(b"next", None).unwrap(), Some(1));
        let expected = [(0, b"in place".to_vec()), (1, b"next".to_vec())];
        assert_eq!(drain(&mut reader), expected);
    });
}

#[test]
fn a_try_without_room_asks_no_reader_to_wake_it() {
    let channel = Channel::create_new(&small()).unwrap();
    let mut slow = channel.reader(StartFrom::New).unwrap();
    let (_, at) = CHANNEL_LAYOUT.iter().find(|(name, _)| *name == "ROOM_WAITING").unwrap();
    let memory = channel.memory().unwrap().control;
    // SAFETY: an aligned word of the mapped control block.
    let waits = || unsafe { memory.as_ptr().add(*at as usize).cast::<u32>().read_volatile() };
    while channel.try_send(&[0; 100], None).unwrap().is_some() {}
    assert!(channel.try_begin(200).unwrap().is_none());
    assert_eq!(waits(), 0);
    let mut writer = channel.exclusive_writer(NOW).unwrap();
    drain(&mut slow); // which takes the request of becoming the writer
    while writer.try_send(&[0; 100], None).unwrap().is_some() {}
    assert!(writer.try_reserve(200).unwrap().is_none());
    assert_eq!(waits(), 0);
    assert_eq!(code(writer.try_reserve(1 << 20)), "ERR_MMFILE_CAPACITY");
    drain(&mut slow);
    assert!(writer.try_reserve(200).unwrap().is_some());
}

#[test]
fn a_sender_waits_for_room() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut reader = place.open().reader(StartFrom::Oldest).unwrap();
        while channel.try_send(&[0; 100], None).unwrap().is_some() {}
        let next = channel.next_index().unwrap();
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| channel.send(&[9; 200], None, SOON).unwrap());
            std::thread::sleep(Duration::from_millis(20));
            let mut received = drain(&mut reader);
            assert!(received.len() as u64 >= next);
            assert_eq!(sender.join().unwrap(), next);
            received.extend(drain(&mut reader));
            assert_eq!(received.last(), Some(&(next, vec![9; 200])));
        });
    });
}

/// Small messages would take the room of a large one forever.
#[test]
fn a_large_message_is_not_starved() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut reader = place.open().reader(StartFrom::Oldest).unwrap();
        while channel.try_send(&[0; 16], None).unwrap().is_some() {}
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let other = place.open();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let _ = other.try_send(&[0; 16], None).unwrap();
                }
            });
            let large = scope.spawn(|| {
                let sent = channel.send(&[9; 256], None, SOON);
                stop.store(true, std::sync::atomic::Ordering::Relaxed);
                sent.unwrap()
            });
            let limit = std::time::Instant::now();
            let found = loop {
                let message = reader.receive(SOON, Duration::ZERO).unwrap();
                reader.release(message.position);
                if message.byte_length == 256 {
                    break message.index;
                }
                assert!(limit.elapsed() < Duration::from_secs(15), "starved");
            };
            assert_eq!(large.join().unwrap(), found);
        });
    });
}

#[test]
fn a_sealed_channel_takes_no_more() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut reader = place.open().reader(StartFrom::Oldest).unwrap();
        channel.try_send(b"last", None).unwrap();
        channel.seal(NOW).unwrap();
        channel.seal(NOW).unwrap();
        assert_eq!(code(channel.try_send(b"more", None)), "ERR_MMFILE_SEALED");
        assert!(channel.is_sealed().unwrap());
        assert_eq!(channel.newest().unwrap(), Some((0, b"last".to_vec())));
        assert_eq!(channel.next_index().unwrap(), 1);
        assert_eq!(drain_sealed(&mut reader), [(0, b"last".to_vec())]);
        let mut late = channel.reader(StartFrom::New).unwrap();
        assert_eq!(code(late.receive(SOON, Duration::ZERO)), "ERR_MMFILE_SEALED");
        let mut oldest = channel.reader(StartFrom::Oldest).unwrap();
        assert_eq!(drain_sealed(&mut oldest).len(), 1);
    });
}

/// The messages that a reader receives up to the end.
pub fn drain_sealed(reader: &mut Reader) -> Vec<(u64, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        match reader.try_receive() {
            Ok(Some(message)) => {
                all.push((message.index, reader.read(&message).unwrap()));
                reader.release(message.position);
            }
            Ok(None) => panic!("no end"),
            Err(Error::Sealed) => return all,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_handle_that_may_read_sends_nothing() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        channel.try_send(b"one", None).unwrap();
        let options = OpenChannelOptions { access: Access::Read, ..Default::default() };
        let other = place.open_with(&options).unwrap();
        assert_eq!(code(other.try_send(b"x", None)), "ERR_MMFILE_READ_ONLY");
        assert_eq!(code(other.seal(NOW)), "ERR_MMFILE_READ_ONLY");
        assert_eq!(code(other.reader(StartFrom::New)), "ERR_MMFILE_READ_ONLY");
        assert_eq!(code(other.create_group("g", StartFrom::New)), "ERR_MMFILE_READ_ONLY");
        assert_eq!(code(other.exclusive_writer(NOW)), "ERR_MMFILE_READ_ONLY");
        // Sending says so: there is nothing to wait for.
        assert_eq!(code(other.room_waiter(10).wait(NOW, Duration::ZERO)), "none");
        assert_eq!(other.newest().unwrap(), Some((0, b"one".to_vec())));
        let mut lossy = other.lossy_reader(StartFrom::Oldest, Lossy::Oldest).unwrap();
        let mut bytes = Vec::new();
        assert_eq!(lossy.try_receive(&mut bytes).unwrap(), Some(0));
        assert_eq!(bytes, b"one");
        channel.try_send(b"two", None).unwrap();
        assert_eq!(lossy.receive(&mut bytes, SOON, Duration::ZERO).unwrap(), 1);
    });
}

#[test]
fn a_writer_that_waits_for_room_is_woken() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut reader = place.open().reader(StartFrom::New).unwrap();
        let send = || {
            while channel.try_send(&[0; 200], None).unwrap().is_some() {}
            channel.send(&[0; 200], None, SOON).unwrap();
        };
        is_woken(send, || assert!(!drain(&mut reader).is_empty()));
    });
}
