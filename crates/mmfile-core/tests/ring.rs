//! Waits that the kernel watches for an event loop. Skipped, and said so, where it cannot.
#![cfg(all(target_os = "linux", not(any(loom, mmfile_portable))))]

mod support;

use mmfile_core::{CreateOptions, MmFile, OpenOptions, WakeRing};
use std::os::fd::RawFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::PROMPT;

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
    // SAFETY: one descriptor, as the count says.
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
        assert!(readable(ring.descriptor(), PROMPT), "look {look} was not asked for");
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
    assert!(readable(ring.descriptor(), PROMPT));
    ring.notice();
    assert!(waiter.arm(&mut ring, 0).unwrap());
    // The next wait does not report an event of the last one, once it has checked.
    assert!(!waiter.arm(&mut ring, 1).unwrap());
    ring.nudge();
    assert!(readable(ring.descriptor(), Duration::ZERO));
}

/// How long the calling thread has been ready to run without a processor, in nanoseconds; 0 where the kernel does not
/// count that.
struct Unscheduled(Option<std::fs::File>);

impl Unscheduled {
    fn of_this_thread() -> Self {
        Self(std::fs::File::open("/proc/thread-self/schedstat").ok())
    }

    fn time(&self) -> Duration {
        let mut text = [0; 64];
        let read = self.0.as_ref().map_or(0, |file| file.read_at(&mut text, 0).unwrap_or(0));
        let text = String::from_utf8_lossy(&text[..read]);
        Duration::from_nanos(text.split(' ').nth(1).map_or(0, |field| field.parse().unwrap_or(0)))
    }
}

/// A change that is not told of is found when a timer asks, after up to half a second. `MMFILE_TEST_ROUNDS=50` makes a
/// million of them.
#[test]
fn every_change_is_told_at_once() {
    const ROUNDS: u64 = 20_000;
    const LATE: Duration = Duration::from_millis(50);
    let Some(mut ring) = ring() else { return };
    let rounds = ROUNDS * u64::from(support::rounds());
    let file = MmFile::create_new(rounds * 12, &CreateOptions::default()).unwrap();
    let waiter = file.waiter();
    // How many changes are waited for; how many were made, and when the last was.
    let (armed, made, made_at) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    // The longest time for which the other thread, which never sleeps, was held up while it waited.
    let held_up = AtomicU64::new(0);
    let start = Instant::now();
    let (mut late, mut longest) = (0, Duration::ZERO);
    std::thread::scope(|scope| {
        let theirs = MmFile::open_existing(file.id(), &OpenOptions::default()).unwrap();
        let (armed, made, made_at, held_up) = (&armed, &made, &made_at, &held_up);
        scope.spawn(move || {
            let mut state = 1u64;
            let end = Instant::now() + Duration::from_secs(600);
            for round in 0..rounds {
                let mut last = Instant::now();
                while armed.load(Ordering::Acquire) <= round {
                    let now = Instant::now();
                    if now > end {
                        return; // the other side has failed
                    }
                    held_up.fetch_max((now - last).as_nanos() as u64, Ordering::Relaxed);
                    last = now;
                    std::thread::yield_now();
                }
                // At every moment of the other side's work.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let until = Instant::now() + Duration::from_nanos((state >> 33) % 30_000);
                while Instant::now() < until {
                    std::hint::spin_loop();
                }
                theirs.append(&round.to_le_bytes()).unwrap();
                made_at.store(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
                made.store(round + 1, Ordering::Release);
            }
        });
        // Until a timer asks rarely.
        while ring_sleeps(&mut ring, &waiter) < Duration::from_millis(400) {}
        let unscheduled = Unscheduled::of_this_thread();
        for round in 0..rounds {
            let before = unscheduled.time();
            held_up.store(0, Ordering::Relaxed);
            armed.store(round + 1, Ordering::Release);
            while !waiter.arm(&mut ring, round).unwrap() {
                assert!(readable(ring.descriptor(), PROMPT));
                ring.notice();
            }
            let told = start.elapsed();
            while made.load(Ordering::Acquire) <= round {
                std::thread::yield_now();
            }
            let since = Duration::from_nanos(made_at.load(Ordering::Relaxed));
            let mut took = told.saturating_sub(since);
            if took > LATE {
                // A busy machine, and one that stands still, which the other thread notices by now.
                std::thread::sleep(Duration::from_millis(5));
                took = took.saturating_sub(unscheduled.time() - before);
                took = took.saturating_sub(Duration::from_nanos(held_up.load(Ordering::Relaxed)));
            }
            late += u64::from(took > LATE);
            longest = longest.max(took);
        }
    });
    support::figures(format_args!(
        "{rounds} changes, the latest told after {longest:?}, {late} late"
    ));
    assert_eq!(late, 0, "of {rounds}");
}

/// How long it takes until a timer asks for a check.
fn ring_sleeps(ring: &mut WakeRing, waiter: &mmfile_core::Waiter) -> Duration {
    let begun = Instant::now();
    assert!(!waiter.arm(ring, 0).unwrap());
    assert!(readable(ring.descriptor(), PROMPT));
    ring.notice();
    begun.elapsed()
}
