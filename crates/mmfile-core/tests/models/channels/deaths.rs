//! Writers, readers and members that die at any step.

use super::groups::take;
use super::*;

const WRITER_DEATHS: [&str; 8] = [
    "send.locked",
    "ring.payload",
    "ring.header",
    "ring.start",
    "ring.tail",
    "ring.proposed",
    "ring.reclaimed",
    "release.before",
];

fn a_sender_dies<const AT: usize>() {
    let (victim, writer, third) = three_channels(4, false, false);
    let mut reader = here(4, None, move || {
        let mut reader = third.reader(StartFrom::Newest).unwrap();
        receive(&mut reader, &mut Some(3), true);
        (reader, third)
    })
    .unwrap();
    let dies = process(2, Some(WRITER_DEATHS[AT]), move || send(&victim));
    let lives = process(3, None, move || (send(&writer).unwrap(), writer));
    // The other one may have made enough room for two.
    let has_died = dies.end().is_none();
    assert!(has_died || WRITER_DEATHS[AT].starts_with("ring.pro") || AT == 6, "it did not die");
    let (index, writer) = lives.end().unwrap();
    here(4, None, move || {
        let next = reader.1.next_index().unwrap();
        assert!(next == index + 1 || (next, index) == (6, 4), "{next}, {index}");
        let mut expected = Some(4);
        receive(&mut reader.0, &mut expected, true);
        assert_eq!(expected, Some(next));
        drop((reader, writer));
    })
    .unwrap();
}

#[test]
fn a_sender_may_die() {
    holds("death of a sender with the lock", 1, a_sender_dies::<0>);
    holds("death of a sender after the payload", 1, a_sender_dies::<1>);
    holds("death of a sender after the header", 1, a_sender_dies::<2>);
    holds("death of a sender after the start", 1, a_sender_dies::<3>);
    holds("death of a sender after the tail", 1, a_sender_dies::<4>);
    holds("death of a sender that made room", 1, a_sender_dies::<5>);
    holds("death of a sender that has room", 1, a_sender_dies::<6>);
    holds("death of a sender before the release", 1, a_sender_dies::<7>);
}

fn a_reader_dies_while_another_waits<const AT: usize>() {
    let (writer, second, third) = three_channels(4, false, false);
    let dies = process(3, Some(["slot.filled", "slot.live", "reader.released"][AT]), move || {
        let mut reader = open_channel().reader(StartFrom::Oldest).unwrap();
        let message = reader.try_receive().unwrap().unwrap();
        reader.release(message.position);
    });
    assert!(dies.end().is_none(), "it did not die");
    let writes = process(2, None, move || {
        for index in 4..8 {
            assert_eq!(send_and_wait(&writer), index);
        }
        assert_eq!(writer.participants().unwrap(), []);
        writer
    });
    end((writes.end(), second, third));
}

#[test]
fn a_dead_reader_holds_no_writer_back() {
    holds("death of a reader before it counts", 1, a_reader_dies_while_another_waits::<0>);
    holds("death of a reader that counts", 1, a_reader_dies_while_another_waits::<1>);
    holds("death of a reader that released", 1, a_reader_dies_while_another_waits::<2>);
}

const MEMBER_DEATHS: [&str; 5] =
    ["claim.filled", "claim.taken", "claim.ended", "group.advanced", "leave.begun"];

fn a_member_dies<const AT: usize>() {
    let (second, other, third) = three_channels(2, true, false);
    let dies = process(2, Some(MEMBER_DEATHS[AT]), move || {
        let mut member = open_channel().member("g", 1).unwrap();
        if let Some(job) = member.try_take().unwrap() {
            member.ack(&job).unwrap();
        }
        let _ = member.try_take().unwrap();
    });
    let mut member = here(3, None, move || other.member("g", 1).unwrap()).unwrap();
    let lives = process(3, None, move || {
        let early = take(&mut member);
        early.iter().for_each(|job| member.ack(job).unwrap());
        (early, member)
    });
    // The other one may have taken everything before.
    let has_died = dies.end().is_none();
    let (early, mut member) = lives.end().unwrap();
    here(3, None, move || {
        let late = take(&mut member);
        let mut all: Vec<u64> = early.iter().chain(&late).map(|job| job.message.index).collect();
        all.sort_unstable();
        // One may have been acknowledged by the dead one.
        assert!(matches!(all.as_slice(), [0, 1] | [1] | [0]), "{all:?}");
        if has_died && AT < 2 {
            assert_eq!(all, [0, 1]);
        }
        late.iter().for_each(|job| member.ack(job).unwrap());
        assert_eq!(member.lag().unwrap(), 0);
        drop((member, second, third));
    })
    .unwrap();
}

#[test]
fn a_member_may_die() {
    holds("death of a member that claims", 1, a_member_dies::<0>);
    holds("death of a member that has claimed", 1, a_member_dies::<1>);
    holds("death of a member that acknowledges", 1, a_member_dies::<2>);
    holds("death of a member that moves the cursor", 1, a_member_dies::<3>);
    holds("death of a member that leaves", 1, a_member_dies::<4>);
}
