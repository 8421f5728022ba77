//! Readers: where they begin, which messages they hold, which ones lossy readers miss.

use super::*;

#[test]
fn a_reader_begins_at_the_given_position() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        for number in 0..100u8 {
            channel.try_send(&[number; 20], None).unwrap();
        }
        let oldest = channel.oldest_index().unwrap();
        assert!(oldest > 0);
        let first = |from| {
            let mut reader = channel.reader(from).unwrap();
            reader.try_receive().unwrap().map(|message| message.index)
        };
        assert_eq!(first(StartFrom::New), None);
        assert_eq!(first(StartFrom::Oldest), Some(oldest));
        assert_eq!(first(StartFrom::Newest), Some(99));
        assert_eq!(first(StartFrom::Index(oldest + 3)), Some(oldest + 3));
        assert_eq!(first(StartFrom::Index(100)), None);
        let lost = channel.reader(StartFrom::Index(oldest - 1)).unwrap_err();
        assert_eq!(lost, Error::Lost { index: oldest - 1, oldest });
        assert!(channel.participants().unwrap().is_empty(), "a slot is left");
        let mut future = channel.reader(StartFrom::Index(105)).unwrap();
        for number in 100..110u8 {
            channel.try_send(&[number; 20], None).unwrap();
        }
        let indices: Vec<u64> = drain(&mut future).iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, [105, 106, 107, 108, 109]);
    });
}

#[test]
fn views_are_released_in_any_order() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut reader = channel.reader(StartFrom::New).unwrap();
        for number in 0..6u8 {
            channel.try_send(&[number; 100], None).unwrap();
        }
        let mut messages = Vec::new();
        assert_eq!(reader.try_receive_all(100, &mut messages).unwrap(), 6);
        for at in [3, 1, 2, 5] {
            reader.release(messages[at].position);
            reader.release(messages[at].position);
        }
        while channel.try_send(&[9; 100], None).unwrap().is_some() {}
        for (at, message) in messages.iter().enumerate() {
            assert_eq!(reader.read(message).unwrap(), vec![at as u8; 100], "overwritten");
            if at == 0 {
                break; // the others are released, or are not: 4 is held as well
            }
        }
        assert_eq!(reader.read(&messages[4]).unwrap(), vec![4; 100]);
        reader.release(messages[0].position);
        let mut sent = 0;
        while channel.try_send(&[9; 100], None).unwrap().is_some() {
            sent += 1;
        }
        assert!((3..=5).contains(&sent), "{sent}");
        assert_eq!(reader.read(&messages[4]).unwrap(), vec![4; 100]);
        reader.release_through(messages[5].position);
        assert!(channel.try_send(&[9; 100], None).unwrap().is_some());
    });
}

#[test]
fn a_lossy_reader_holds_no_writer_back_and_counts() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut all = channel.lossy_reader(StartFrom::Oldest, Lossy::Oldest).unwrap();
        let mut newest = channel.lossy_reader(StartFrom::Oldest, Lossy::Newest).unwrap();
        let mut bytes = Vec::new();
        assert_eq!(all.try_receive(&mut bytes).unwrap(), None);
        for number in 0..100u64 {
            channel.try_send(&number.to_le_bytes(), None).unwrap().unwrap();
        }
        let mut received = 0;
        let mut next = channel.oldest_index().unwrap();
        assert_eq!(all.lag().unwrap(), 100);
        while let Some(index) = all.try_receive(&mut bytes).unwrap() {
            assert_eq!((index, bytes.as_slice()), (next, next.to_le_bytes().as_slice()));
            (received, next) = (received + 1, next + 1);
        }
        assert_eq!((all.missed() + received, next), (100, 100));
        assert_eq!(newest.try_receive(&mut bytes).unwrap(), Some(99));
        assert_eq!((newest.missed(), newest.try_receive(&mut bytes).unwrap()), (99, None));
        channel.seal(NOW).unwrap();
        assert_eq!(code(all.try_receive(&mut bytes)), "ERR_MMFILE_SEALED");
        assert_eq!(code(newest.try_receive(&mut bytes)), "ERR_MMFILE_SEALED");
    });
}

#[test]
fn a_channel_that_drops_is_never_full() {
    everywhere(|place| {
        let options = ChannelOptions { on_full: OnFull::DropOldest, ..small() };
        let channel = place.create(&options).unwrap();
        assert_eq!(code(channel.reader(StartFrom::New)), "ERR_MMFILE_UNSUPPORTED");
        assert_eq!(code(channel.create_group("g", StartFrom::New)), "ERR_MMFILE_UNSUPPORTED");
        let mut reader = channel.lossy_reader(StartFrom::New, Lossy::Oldest).unwrap();
        for number in 0..1000u64 {
            assert_eq!(channel.try_send(&[0; 200], None).unwrap(), Some(number));
        }
        let mut bytes = Vec::new();
        assert!(reader.try_receive(&mut bytes).unwrap().unwrap() > 990);
    });
}

#[test]
fn an_evicted_reader_is_told() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut reader = place.open().reader(StartFrom::Oldest).unwrap();
        while channel.try_send(&[0; 100], None).unwrap().is_some() {}
        let message = reader.try_receive().unwrap().unwrap();
        channel.evict(reader.number()).unwrap();
        assert!(channel.participants().unwrap().is_empty());
        assert!(channel.try_send(&[0; 100], None).unwrap().is_some());
        assert_eq!(code(reader.try_receive()), "ERR_MMFILE_EVICTED");
        assert_eq!(code(reader.read(&message)), "ERR_MMFILE_EVICTED");
        reader.release(message.position);
        assert_eq!(code(reader.receive(SOON, Duration::ZERO)), "ERR_MMFILE_EVICTED");
        channel.evict(reader.number()).unwrap();
        drop(reader);
    });
}

#[test]
fn a_waiting_reader_is_woken() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut reader = place.open().reader(StartFrom::New).unwrap();
        let receive = move || {
            let message = reader.receive(SOON, Duration::ZERO).unwrap();
            reader.release(message.position);
        };
        is_woken(receive, || assert!(channel.try_send(b"x", None).unwrap().is_some()));
    });
}

#[test]
fn a_cancelled_wait_ends() {
    let channel = Channel::create_new(&small()).unwrap();
    let reader = channel.reader(StartFrom::New).unwrap();
    let waiter = reader.waiter();
    let theirs = waiter.clone();
    std::thread::scope(|scope| {
        let waits = scope.spawn(move || theirs.wait(SOON, Duration::ZERO));
        std::thread::sleep(Duration::from_millis(10));
        waiter.cancel();
        assert_eq!(code(waits.join().unwrap()), "ERR_MMFILE_CLOSED");
    });
    assert_eq!(code(reader.waiter().wait(NOW, Duration::ZERO)), "ERR_MMFILE_TIMEOUT");
}

#[test]
fn slots_are_limited_and_come_back() {
    everywhere(|place| {
        let channel = place.create(&ChannelOptions { max_participants: 3, ..small() }).unwrap();
        let readers: Vec<Reader> =
            (0..3).map(|_| channel.reader(StartFrom::New).unwrap()).collect();
        assert_eq!(code(channel.reader(StartFrom::New)), "ERR_MMFILE_NO_SPACE");
        assert_eq!(channel.participants().unwrap().len(), 3);
        drop(readers);
        assert!(channel.reader(StartFrom::New).is_ok());
    });
}
