//! Waiting for segments, and iterating over them.

use super::*;

#[test]
fn a_wait_ends_when_another_thread_appends() {
    let file = new(1000);
    let other = open(&file);
    for spin in [Duration::ZERO, Duration::from_millis(50)] {
        let index = file.len().unwrap();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| other.wait_for(index, Timeout::Infinite, spin));
            std::thread::sleep(Duration::from_millis(20));
            file.append("now").unwrap();
            waits.join().unwrap().unwrap();
        });
    }
    let started = Instant::now();
    let limit = Timeout::Val(Duration::from_millis(50));
    assert_eq!(code(other.wait_for(99, limit, Duration::ZERO)), "ERR_MMFILE_TIMEOUT");
    assert!(started.elapsed() >= Duration::from_millis(50));
    let waiter = other.waiter();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| waiter.wait_for(99, Timeout::Infinite, Duration::ZERO));
        std::thread::sleep(Duration::from_millis(20));
        waiter.cancel();
        assert_eq!(code(waits.join().unwrap()), "ERR_MMFILE_CLOSED");
    });
}

#[test]
fn a_waiter_that_sleeps_is_woken() {
    let file = new(1000);
    let other = open(&file);
    let mut next = 0;
    let wait = || {
        other.wait_for(next, Timeout::Infinite, Duration::ZERO).unwrap();
        next += 1;
    };
    let mut index = 0..;
    is_woken(wait, || assert_eq!(file.append("now").ok(), index.next()));
}

#[test]
fn segments_are_iterated_until_the_seal() {
    let file = new(1 << 20);
    let other = open(&file);
    file.append_all(&["0", "1"]).unwrap();
    assert_eq!(file.iter(1).unwrap().count(), 1);
    assert_eq!(file.iter(7).unwrap().count(), 0);
    std::thread::scope(|scope| {
        let all = scope.spawn(|| other.segments(0).map(Result::unwrap).collect::<Vec<_>>());
        let cancelled = other.segments(1000);
        let waiter = cancelled.waiter();
        let none = scope.spawn(move || cancelled.map(code).collect::<Vec<_>>());
        for index in 2..500_u64 {
            file.append(index.to_string().as_str()).unwrap();
        }
        waiter.cancel();
        assert_eq!(none.join().unwrap(), ["ERR_MMFILE_CLOSED"]);
        file.append("last").unwrap();
        file.seal().unwrap();
        let all = all.join().unwrap();
        assert_eq!(all.len(), 501);
        assert!(all.iter().map(Vec::as_slice).eq((0..501).map(|at| file.read(at).unwrap())));
    });
}

/// The last segment and the seal come at the same moment, again and again.
#[test]
fn a_wait_does_not_miss_the_last_segment_before_the_seal() {
    for _ in 0..300 {
        let file = new(100);
        let other = open(&file);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| other.segments(0).count());
            file.append("last").unwrap();
            file.seal().unwrap();
            assert_eq!(waits.join().unwrap(), 1);
        });
    }
}
