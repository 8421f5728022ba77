//! Groups: every message to one member, again until it is acknowledged.

use super::*;

fn with_group(place: &Place) -> Channel {
    let options = ChannelOptions { groups: vec!["workers".into()], ..small() };
    place.create(&options).unwrap()
}

#[test]
fn each_message_goes_to_one_member() {
    everywhere(|place| {
        let channel = with_group(place);
        let other = place.open();
        for number in 0..10u8 {
            channel.try_send(&[number; 10], None).unwrap().unwrap();
        }
        let mut one = channel.member("workers", 1).unwrap();
        let mut two = other.member("workers", 3).unwrap();
        let mut seen = Vec::new();
        loop {
            let before = seen.len();
            for member in [&mut one, &mut two] {
                let Some(job) = member.try_take().unwrap() else { continue };
                assert_eq!(job.attempt, 1);
                let index = job.message.index;
                assert_eq!(member.read(&job).unwrap(), vec![index as u8; 10]);
                seen.push(index);
                member.ack(&job).unwrap();
                assert_eq!(code(member.ack(&job)), "ERR_MMFILE_EVICTED", "twice");
            }
            if seen.len() == before {
                break;
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<u64>>());
        assert_eq!((one.try_take().unwrap(), one.lag().unwrap()), (None, 0));
    });
}

#[test]
fn unacknowledged_jobs_go_to_another_member() {
    everywhere(|place| {
        let channel = with_group(place);
        channel.try_send_all(&[b"a", b"b", b"c"]).unwrap();
        let mut one = channel.member("workers", 3).unwrap();
        let first = one.try_take().unwrap().unwrap();
        assert_eq!((first.message.index, first.attempt), (0, 1));
        let mut two = place.open().member("workers", 1).unwrap();
        assert_eq!(two.try_take().unwrap(), None, "the others are fetched");
        one.nak(&first).unwrap();
        let again = two.try_take().unwrap().unwrap();
        assert_eq!((again.message.index, again.attempt), (0, 2));
        assert_eq!(code(one.ack(&first)), "ERR_MMFILE_EVICTED");
        drop(one);
        two.ack(&again).unwrap();
        let mut jobs = Vec::new();
        assert_eq!(two.try_take_all(10, &mut jobs).unwrap(), 2);
        let found: Vec<_> = jobs.iter().map(|job| (job.message.index, job.attempt)).collect();
        assert_eq!(found, [(1, 1), (2, 1)], "fetching counts as no attempt");
        drop(two);
        let mut three = channel.member("workers", 10).unwrap();
        let job = three.try_take().unwrap().unwrap();
        assert_eq!((job.message.index, job.attempt), (1, 2));
    });
}

#[test]
fn a_group_holds_writers_back_without_members() {
    everywhere(|place| {
        let channel = with_group(place);
        while channel.try_send(&[0; 100], None).unwrap().is_some() {}
        let Err(Error::Full { slowest: Some(slowest) }) = channel.send(&[0; 100], None, NOW) else {
            panic!("not full");
        };
        assert_eq!((slowest.role, slowest.group.as_deref()), (Role::Group, Some("workers")));
        assert_eq!(slowest.pid, None);
        let mut member = channel.member("workers", 1).unwrap();
        let job = member.try_take().unwrap().unwrap();
        assert_eq!(channel.try_send(&[0; 100], None).unwrap(), None);
        member.ack(&job).unwrap();
        assert!(channel.try_send(&[0; 100], None).unwrap().is_some());
        channel.remove_group("workers").unwrap();
        assert_eq!(code(member.try_take()), "ERR_MMFILE_EVICTED");
        assert!(channel.try_send(&[0; 100], None).unwrap().is_some());
        assert_eq!(code(channel.remove_group("workers")), "ERR_MMFILE_NOT_FOUND");
    });
}

#[test]
fn an_unknown_group_is_refused_by_name() {
    everywhere(|place| {
        let channel = with_group(place);
        let Err(error) = channel.member("wokers", 1) else { panic!("joined") };
        assert_eq!(error.code(), "ERR_MMFILE_NOT_FOUND");
        assert!(error.to_string().contains("'workers'"), "{error}");
        assert!(!channel.create_group("workers", StartFrom::New).unwrap());
        assert!(channel.create_group("others", StartFrom::New).unwrap());
        assert_eq!(channel.groups().unwrap(), ["workers", "others"]);
        assert_eq!(code(channel.create_group("", StartFrom::New)), "ERR_INVALID_ARG_VALUE");
        let past = StartFrom::Index(9);
        assert_eq!(code(channel.create_group("past", past)), "ERR_INVALID_ARG_VALUE");
    });
}

#[test]
fn a_sealed_group_ends_when_all_is_acknowledged() {
    everywhere(|place| {
        let channel = with_group(place);
        channel.try_send_all(&[b"a", b"b"]).unwrap();
        channel.seal(NOW).unwrap();
        let mut one = channel.member("workers", 2).unwrap();
        let mut two = place.open().member("workers", 2).unwrap();
        let a = one.try_take().unwrap().unwrap();
        let b = one.try_take().unwrap().unwrap();
        assert_eq!(two.try_take().unwrap(), None);
        one.ack(&a).unwrap();
        assert_eq!(two.try_take().unwrap(), None, "one is not acknowledged");
        std::thread::scope(|scope| {
            let waits = scope.spawn(move || code(two.take(SOON, Duration::ZERO)));
            std::thread::sleep(Duration::from_millis(20));
            one.ack(&b).unwrap();
            assert_eq!(waits.join().unwrap(), "ERR_MMFILE_SEALED");
        });
        assert_eq!(code(one.try_take()), "ERR_MMFILE_SEALED");
    });
}

#[test]
fn an_evicted_member_has_nothing_any_more() {
    everywhere(|place| {
        let channel = with_group(place);
        channel.try_send_all(&[b"a", b"b"]).unwrap();
        let mut one = channel.member("workers", 2).unwrap();
        let job = one.try_take().unwrap().unwrap();
        channel.evict(one.number()).unwrap();
        let mut two = place.open().member("workers", 1).unwrap();
        let taken = two.try_take().unwrap().unwrap();
        assert_eq!((taken.message.index, taken.attempt), (0, 2));
        assert_eq!(code(one.ack(&job)), "ERR_MMFILE_EVICTED");
        assert_eq!(code(one.read(&job)), "ERR_MMFILE_EVICTED");
        assert_eq!(code(one.try_take()), "ERR_MMFILE_EVICTED");
        let row = channel.participants().unwrap();
        let group = row.iter().find(|row| row.role == Role::Group).unwrap();
        assert_eq!(code(channel.evict(group.number)), "ERR_INVALID_ARG_VALUE");
    });
}

#[test]
fn members_share_a_stream_of_jobs() {
    everywhere(|place| {
        let channel = with_group(place);
        let done = std::sync::atomic::AtomicU64::new(0);
        const JOBS: u64 = 2000;
        std::thread::scope(|scope| {
            for number in 0..3 {
                let (place, done) = (&place, &done);
                scope.spawn(move || {
                    let mut member = place.open().member("workers", 1 + number * 3).unwrap();
                    loop {
                        match member.take(SOON, Duration::ZERO) {
                            Ok(job) => {
                                let value = member.read(&job).unwrap();
                                let expected = job.message.index.to_le_bytes();
                                assert_eq!(value, expected);
                                if job.message.index % 7 == 3 && job.attempt == 1 {
                                    member.nak(&job).unwrap();
                                    continue;
                                }
                                member.ack(&job).unwrap();
                                done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            }
                            Err(Error::Sealed) => break,
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
            for number in 0..JOBS {
                channel.send(&number.to_le_bytes(), None, SOON).unwrap();
            }
            channel.seal(SOON).unwrap();
        });
        assert_eq!(done.into_inner(), JOBS);
    });
}
