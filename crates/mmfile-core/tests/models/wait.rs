//! Waiting and waking: sleeps have no bound here, so that a wake-up that is lost is a deadlock.

use super::*;
use mmfile_core::Timeout;
use std::time::Duration;

fn wait_for(file: &MmFile, index: u64) -> Result<()> {
    file.wait_for(index, Timeout::Infinite, Duration::ZERO)
}

fn one_waiter() {
    let (writer, reader, third) = three_handles();
    let waits = process(2, None, move || {
        wait_for(&reader, 0).unwrap();
        assert_eq!(reader.read(0).unwrap(), b"wake");
        reader
    });
    let writes = process(3, None, move || {
        writer.append(b"wake").unwrap();
        writer
    });
    close((waits.end(), writes.end(), third));
}

#[test]
fn no_wake_up_is_lost() {
    holds("wait, append", 2, one_waiter);
}

#[test]
fn a_wake_up_before_the_change_is_found() {
    finds(Fault::WakeBeforeChange, 2, one_waiter);
}

#[test]
fn a_missing_fence_is_found() {
    finds(Fault::NoFence, 2, one_waiter);
}

fn two_waiters() {
    let (writer, first, second) = three_handles();
    let one = process(2, None, move || wait_for(&first, 0).map(|()| first));
    let two = process(3, None, move || wait_for(&second, 0).map(|()| second));
    let writes = process(4, None, move || {
        writer.append(b"wake").unwrap();
        writer
    });
    let files = (one.end().unwrap(), two.end().unwrap(), writes.end());
    assert!(files.0.is_ok() && files.1.is_ok());
    close(files);
}

#[test]
fn every_waiter_is_woken() {
    holds("wait, wait, append", 1, two_waiters);
}

fn the_second_append() {
    let (first, second, reader) = three_handles();
    let waits = process(2, None, move || wait_for(&reader, 1).map(|()| reader));
    let one = process(3, None, move || first.append(b"one.").map(|_| first));
    let two = process(4, None, move || second.append(b"two.").map(|_| second));
    close((waits.end(), one.end(), two.end()));
}

#[test]
fn a_waiter_sleeps_again_and_is_woken_again() {
    holds("wait for the second, append, append", 1, the_second_append);
}

fn a_seal() {
    let (writer, reader, third) = three_handles();
    let waits = process(2, None, move || {
        assert!(matches!(wait_for(&reader, 0), Err(Error::Sealed)));
        reader
    });
    let seals = process(3, None, move || writer.seal().map(|()| writer));
    close((waits.end(), seals.end(), third));
}

#[test]
fn a_seal_ends_waits() {
    holds("wait, seal", 2, a_seal);
}

fn a_cancelled_wait() {
    let (file, second, third) = three_handles();
    let waiter = file.waiter();
    let theirs = waiter.clone();
    let waits = process(2, None, move || {
        let ended = theirs.wait_for(0, Timeout::Infinite, Duration::ZERO);
        assert!(matches!(ended, Err(Error::Closed)));
    });
    let cancels = process(3, None, move || waiter.cancel());
    waits.end().unwrap();
    cancels.end().unwrap();
    close((file, second, third));
}

#[test]
fn a_cancelled_wait_ends() {
    holds("wait, cancel", 2, a_cancelled_wait);
}
