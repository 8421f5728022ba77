//! Members of a group that take, acknowledge and wait for jobs, and one that is evicted.

use super::*;

pub fn take(member: &mut Member) -> Vec<Job> {
    let mut jobs = Vec::new();
    while let Some(job) = member.try_take().unwrap() {
        assert_eq!(value_of(&member.read(&job).unwrap()), job.message.index, "overwritten");
        jobs.push(job);
    }
    jobs
}

fn two_members_take() {
    let (one, two, third) = three_channels(2, true, false);
    let start = |number, channel: Channel| {
        process(number, None, move || {
            let mut member = channel.member("g", 1).unwrap();
            let jobs = take(&mut member);
            jobs.iter().for_each(|job| member.ack(job).unwrap());
            (jobs, member)
        })
    };
    let (one, two) = (start(2, one), start(3, two));
    let ((a, one), (b, two)) = (one.end().unwrap(), two.end().unwrap());
    let mut all: Vec<u64> = a.iter().chain(&b).map(|job| job.message.index).collect();
    all.sort_unstable();
    assert_eq!(all, [0, 1], "each to one of them");
    end((one, two, third));
}

#[test]
fn each_job_goes_to_one_member() {
    holds("channel: take, take", 1, two_members_take);
}

/// A member acknowledges a job while another participant evicts it and a third takes the job.
fn an_evicted_member_acknowledges() {
    let (one, two, third) = three_channels(1, true, false);
    let (mut member, job) = here(2, None, move || {
        let mut member = one.member("g", 1).unwrap();
        let job = member.try_take().unwrap().unwrap();
        (member, job)
    })
    .unwrap();
    let number = member.number();
    let acks = process(2, None, move || (member.ack(&job).is_ok(), member));
    let takes = process(3, None, move || {
        two.evict(number).unwrap();
        let mut member = two.member("g", 1).unwrap();
        let taken = take(&mut member);
        let acknowledged = taken.iter().filter(|job| member.ack(job).is_ok()).count();
        (acknowledged, member)
    });
    let ((acked, member), (taken, other)) = (acks.end().unwrap(), takes.end().unwrap());
    assert_eq!(usize::from(acked) + taken, 1, "acknowledged by both, or by none");
    end((member, other, third));
}

#[test]
fn a_job_is_acknowledged_once() {
    holds("channel: acknowledge, evict and take over", 3, an_evicted_member_acknowledges);
}

#[test]
fn taking_over_blindly_is_found() {
    finds(Fault::BlindExchange, 3, an_evicted_member_acknowledges);
}

fn a_member_waits() {
    let (writer, other, third) = three_channels(0, true, false);
    let mut member = here(3, None, move || other.member("g", 1).unwrap()).unwrap();
    let waits = process(3, None, move || {
        let job = member.take(Timeout::Infinite, Duration::ZERO).unwrap();
        member.ack(&job).unwrap();
        drop(member);
    });
    let writes = process(2, None, move || (send(&writer), writer));
    waits.end().unwrap();
    end((writes.end(), third));
}

#[test]
fn a_waiting_member_is_woken() {
    holds("channel: wait for a job, send", 2, a_member_waits);
}

fn two_members_wait() {
    let (writer, one, two) = three_channels(0, true, false);
    let start = |number, channel: Channel| {
        let mut member = here(number, None, move || channel.member("g", 1).unwrap()).unwrap();
        process(number, None, move || {
            let job = member.take(Timeout::Infinite, Duration::ZERO).unwrap();
            (job, member)
        })
    };
    let (one, two) = (start(3, one), start(4, two));
    let writes = process(2, None, move || ((send(&writer), send(&writer)), writer));
    end((one.end(), two.end(), writes.end()));
}

#[test]
fn one_member_wakes_the_next() {
    holds("channel: wait for a job, the same, send two", 0, two_members_wait);
}
