//! The exclusive writer and its reservation.

use super::*;

#[test]
fn no_other_handle_sends() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let other = place.open();
        let mut writer = channel.exclusive_writer(NOW).unwrap();
        for handle in [&channel, &other] {
            let error = handle.try_send(b"x", None).unwrap_err();
            assert_eq!(error, Error::ExclusiveWriter { pid: Some(std::process::id()) });
            assert_eq!(code(handle.seal(NOW)), "ERR_MMFILE_LOCK_HELD");
            assert_eq!(code(handle.exclusive_writer(NOW)), "ERR_MMFILE_LOCK_HELD");
        }
        let mut reader = other.reader(StartFrom::New).unwrap();
        for number in 0..200u64 {
            assert_eq!(writer.try_send(&[1; 30], Some(number)).unwrap(), Some(number));
            assert_eq!(drain(&mut reader).len(), 1);
        }
        assert_eq!(code(writer.try_send(b"x", Some(7))), "ERR_MMFILE_SEGMENT_ORDER");
        assert_eq!(channel.participants().unwrap().len(), 2);
        drop(writer);
        assert_eq!(other.try_send(b"x", None).unwrap(), Some(200));
        let mut writer = other.exclusive_writer(NOW).unwrap();
        writer.seal(NOW).unwrap();
        assert_eq!(code(writer.try_send(b"x", None)), "ERR_MMFILE_SEALED");
    });
}

#[test]
fn a_reservation_is_filled_whenever() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let mut reader = place.open().reader(StartFrom::New).unwrap();
        let mut writer = channel.exclusive_writer(NOW).unwrap();
        for number in 0..50u64 {
            let room = writer.reserve(200, NOW).unwrap();
            assert_eq!((room.index, room.offset % 16), (number, 0));
            assert_eq!(code(writer.reserve(1, NOW)), "ERR_MMFILE_LOCK_HELD");
            assert_eq!(code(writer.try_send(b"x", None)), "ERR_MMFILE_LOCK_HELD");
            let data = channel.memory().unwrap().data;
            // SAFETY: the room is the writer's, and inside the data.
            unsafe {
                data.as_ptr().add(room.offset as usize).write_bytes(number as u8, 200);
            }
            assert_eq!(reader.try_receive().unwrap(), None);
            assert_eq!(code(writer.commit(201)), "ERR_INVALID_ARG_VALUE");
            assert_eq!(writer.commit(100 + number).unwrap(), number);
            assert_eq!(drain(&mut reader), [(number, vec![number as u8; 100 + number as usize])]);
            writer.reserve(200, NOW).unwrap();
            writer.abort();
        }
        assert_eq!(code(writer.commit(1)), "ERR_MMFILE_CLOSED");
    });
}

#[test]
fn a_second_one_waits() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let writer = channel.exclusive_writer(NOW).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| place.open().exclusive_writer(SOON).map(drop));
            std::thread::sleep(Duration::from_millis(20));
            drop(writer);
            second.join().unwrap().unwrap();
        });
    });
}

#[test]
fn a_receiver_that_requires_the_writer_notices_its_end() {
    everywhere(|place| {
        let channel = place.create(&small()).unwrap();
        let reader = place.open().reader(StartFrom::New).unwrap();
        let waiter = reader.waiter();
        waiter.require_peer(RequirePeer::None, true);
        assert_eq!(code(waiter.wait(NOW, Duration::ZERO)), "ERR_MMFILE_TIMEOUT", "there was none");
        let writer = channel.exclusive_writer(NOW).unwrap();
        assert_eq!(code(waiter.wait(NOW, Duration::ZERO)), "ERR_MMFILE_TIMEOUT");
        drop(writer);
        assert_eq!(code(waiter.wait(SOON, Duration::ZERO)), "ERR_MMFILE_PEER_GONE");
    });
}
