//! Waits that the kernel watches for an event loop. Skipped, and said so, where it cannot.
#![cfg(all(target_os = "linux", not(any(loom, mmfile_portable))))]

mod support;

use mmfile_core::{CreateOptions, MmFile, OpenOptions, WakeRing};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn ring() -> Option<WakeRing> {
    let ring = WakeRing::new();
    if ring.is_none() {
        println!("skipped: this kernel has no such ring, or does not let us");
    }
    ring
}

/// Whether the descriptor becomes readable within that time.
fn readable(descriptor: RawFd, within: Duration) -> bool {
    let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
    let milliseconds = i32::try_from(within.as_millis()).unwrap();
    // SAFETY: one descriptor, as the call is told.
    unsafe { libc::poll(&raw mut poll, 1, milliseconds) == 1 }
}

#[test]
fn a_waiter_is_told_to_look_again_and_again() {
    let Some(mut ring) = ring() else { return };
    let file = MmFile::create_new(64, &CreateOptions::default()).unwrap();
    let waiter = file.waiter();
    ring.restart();
    // 5, 10, 20, … milliseconds, up to half a second.
    for look in 0..8 {
        assert!(!waiter.arm(&mut ring, 0).unwrap());
        assert!(
            readable(ring.descriptor(), Duration::from_secs(5)),
            "look {look} was not asked for"
        );
        ring.notice();
        assert!(!readable(ring.descriptor(), Duration::ZERO), "readable without a reason");
    }
}

#[test]
fn a_wait_for_nothing_any_more_leaves_nothing_to_tell() {
    let Some(mut ring) = ring() else { return };
    let file = MmFile::create_new(64, &CreateOptions::default()).unwrap();
    let waiter = file.waiter();
    assert!(!waiter.arm(&mut ring, 0).unwrap());
    file.append(b"a").unwrap();
    assert!(readable(ring.descriptor(), Duration::from_secs(5)));
    ring.notice();
    assert!(waiter.arm(&mut ring, 0).unwrap());
    // The next wait is told of nothing that the last one left behind, once it has looked.
    assert!(!waiter.arm(&mut ring, 1).unwrap());
    ring.nudge();
    assert!(readable(ring.descriptor(), Duration::ZERO));
}

#[test]
fn every_change_is_told_at_once() {
    const ROUNDS: u64 = 20_000;
    /// Far beyond a wake-up, and below most of the looks that a timer asks for.
    const LATE: Duration = Duration::from_millis(40);
    let Some(mut ring) = ring() else { return };
    let rounds = ROUNDS * u64::from(support::rounds());
    let file = MmFile::create_new(rounds * 12, &CreateOptions::default()).unwrap();
    let waiter = file.waiter();
    let armed = AtomicU64::new(0);
    let (mut late, mut longest) = (0, Duration::ZERO);
    std::thread::scope(|scope| {
        let theirs = MmFile::open_existing(file.id(), &OpenOptions::default()).unwrap();
        let armed = &armed;
        scope.spawn(move || {
            let mut state = 1u64;
            let end = Instant::now() + Duration::from_secs(600);
            for round in 0..rounds {
                while armed.load(Ordering::Acquire) <= round {
                    if Instant::now() > end {
                        return; // the other side has failed
                    }
                    std::thread::yield_now();
                }
                // At every moment of what the other side does.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let until = Instant::now() + Duration::from_nanos((state >> 33) % 30_000);
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
                theirs.append(&round.to_le_bytes()).unwrap();
            }
        });
        // Until a timer asks rarely.
        while ring_sleeps(&mut ring, &waiter) < Duration::from_millis(400) {}
        for round in 0..rounds {
            armed.store(round + 1, Ordering::Release);
            let begun = Instant::now();
            while !waiter.arm(&mut ring, round).unwrap() {
                assert!(readable(ring.descriptor(), Duration::from_secs(5)));
                ring.notice();
            }
            late += u64::from(begun.elapsed() > LATE);
            longest = longest.max(begun.elapsed());
        }
    });
    support::figures(format_args!(
        "{rounds} changes, the latest told after {longest:?}, {late} late"
    ));
    // A busy machine makes a few late; one that is not told waits for the timer.
    assert!(late <= rounds / 10_000, "{late} of {rounds} came late");
}

/// How long it takes until a timer asks to look.
fn ring_sleeps(ring: &mut WakeRing, waiter: &mmfile_core::Waiter) -> Duration {
    let begun = Instant::now();
    assert!(!waiter.arm(ring, 0).unwrap());
    assert!(readable(ring.descriptor(), Duration::from_secs(5)));
    ring.notice();
    begun.elapsed()
}
