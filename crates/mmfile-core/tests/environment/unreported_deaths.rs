//! Deaths that the kernel does not report, since a sandbox keeps locks from it or the process lives on.

use super::refusals::refusal;
use super::support::sandbox::{Refusal, refuse};
use super::support::{self, Actor, PROMPT, Watchdog, figures, hear, own_prefixes, say};
use super::{mutex_options, options, prefixes};
use mmfile_core::*;
use std::time::Duration;

const ROLES: &[support::Role] = &[("unreported", unreported), ("thread", ends_alone)];

/// Ways to keep a thread's locks from the kernel.
const UNREPORTED: [&[Refusal]; 3] = [
    &[refusal(libc::SYS_get_robust_list)],
    &[refusal(libc::SYS_set_robust_list)],
    &[refusal(libc::SYS_get_robust_list), refusal(libc::SYS_set_robust_list)],
];

/// Holds a file's lock and a mutex, or dies in the middle of an append, in a thread that was started after the
/// refusal.
fn unreported(args: &[String]) {
    let refusals: Vec<Refusal> = UNREPORTED[args[3].parse::<usize>().unwrap()]
        .iter()
        .map(|refusal| Refusal { errno: libc::EPERM, ..*refusal })
        .collect();
    refuse(&refusals);
    let prefixes = prefixes(args);
    std::thread::spawn(move || {
        let open = OpenOptions { prefixes: prefixes.clone(), ..Default::default() };
        let file = MmFile::open_existing("it", &open).unwrap();
        let mutex = NamedMutex::open("it", &mutex_options(&prefixes)).unwrap();
        let _guards = (file.lock(None).unwrap(), mutex.lock(None).unwrap());
        say("locked");
        hear();
        file.append(b"half").unwrap();
    })
    .join()
    .unwrap();
}

#[test]
fn a_death_is_found_where_the_kernel_may_not_be_told_of_locks() {
    support::play(ROLES);
    let test = "unreported_deaths::a_death_is_found_where_the_kernel_may_not_be_told_of_locks";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("unreported");
    let file = MmFile::create_new(4096, &options(&prefixes, "it", None)).unwrap();
    let mutex = NamedMutex::open("it", &mutex_options(&prefixes)).unwrap();
    let soon = || Some(Timeout::Val(PROMPT));
    for kind in 0..UNREPORTED.len() {
        let kind = kind.to_string();
        let args = [prefixes.data(), prefixes.mutex(), "", &kind];
        let mut holder = Actor::start(test, "unreported", &args);
        assert_eq!(holder.expect(), "locked");
        assert!(file.try_lock().unwrap().is_none() && mutex.try_lock().unwrap().is_none());
        holder.kill();
        let begun = std::time::Instant::now();
        let guards = (file.lock(soon()).unwrap(), mutex.lock(soon()).unwrap());
        let took = begun.elapsed();
        assert!(guards.0.abandoned() && guards.1.abandoned(), "{kind}");
        drop(guards);
        assert!(!file.lock(None).unwrap().abandoned() && !mutex.lock(None).unwrap().abandoned());
        // In the middle of an append.
        if cfg!(feature = "fault-points") {
            let mut writer = Actor::start_with_fault(test, "unreported", &args, "append.payload");
            assert_eq!(writer.expect(), "locked");
            writer.tell("append");
            writer.wait_killed("the writer");
            let (recovered, length) = (file.recovered(), file.len().unwrap());
            assert_eq!(file.append(b"whole").unwrap(), length);
            assert_eq!(file.recovered(), recovered + 1);
            assert_eq!(file.read(length).unwrap(), b"whole");
        }
        figures(format!("refusal {kind}: found after {took:?}"));
        assert!(took < PROMPT, "{took:?}");
    }
}

/// A thread that ended with the lock, in a process that keeps running.
#[test]
fn a_holder_that_ended_without_its_process_is_found() {
    support::play(ROLES);
    let test = "unreported_deaths::a_holder_that_ended_without_its_process_is_found";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let prefixes = own_prefixes("thread");
    let file = MmFile::create_new(4096, &options(&prefixes, "it", None)).unwrap();
    let args = [prefixes.data(), prefixes.mutex()];
    let mut process = Actor::start(test, "thread", &args);
    assert_eq!(process.expect(), "ended");
    let guard = file.lock(Some(Timeout::Val(PROMPT))).unwrap();
    assert!(guard.abandoned());
    drop(guard);
    assert!(!file.lock(None).unwrap().abandoned());
    process.finish();
}

fn ends_alone(args: &[String]) {
    let prefixes = prefixes(args);
    let file = MmFile::open_existing("it", &OpenOptions { prefixes, ..Default::default() });
    let file = file.unwrap();
    refuse(&[Refusal { errno: libc::EPERM, ..refusal(libc::SYS_get_robust_list) }]);
    std::thread::scope(|scope| {
        scope.spawn(|| std::mem::forget(file.lock(None).unwrap()));
    });
    say("ended");
    hear();
}
