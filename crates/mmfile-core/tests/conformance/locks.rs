//! The lock: of a file, on its own, and held for a thread that must not block.

use super::support::{PROMPT, left_behind};
use super::{code, new, open};
use mmfile_core::*;
use std::time::{Duration, Instant};

#[test]
fn the_lock_keeps_others_out_and_its_own_handle_in() {
    let file = new(1000);
    let other = open(&file);
    let guard = file.lock(None).unwrap();
    assert!(!guard.abandoned());
    assert_eq!(code(file.lock(None)), "ERR_MMFILE_LOCK_HELD");
    assert_eq!(code(other.append("same thread")), "ERR_MMFILE_LOCK_HELD");
    file.append("inside").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(other.try_lock().unwrap().is_none());
            let started = Instant::now();
            let limit = Timeout::Val(Duration::from_millis(60));
            assert_eq!(code(other.lock(Some(limit))), "ERR_MMFILE_TIMEOUT");
            let waited = started.elapsed();
            assert!(waited >= Duration::from_millis(60) && waited < PROMPT);
        });
    });
    drop(guard);
    assert_eq!(other.append("outside").unwrap(), 1);
}

#[test]
fn sections_of_several_files_nest_in_any_order() {
    let files: Vec<MmFile> = (0..5).map(|_| new(1000)).collect();
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
        let mut guards: Vec<_> = files.iter().map(|file| Some(file.lock(None).unwrap())).collect();
        for at in order {
            files[at].append("in").unwrap();
            guards[at] = None;
            files[at].append("out").unwrap();
        }
    }
}

#[test]
fn a_mutex_is_shared_by_its_name() {
    let name = format!("mutex-{}", std::process::id());
    let options = MutexOptions::default();
    assert_eq!(code(NamedMutex::open_existing(&name, &options)), "ERR_MMFILE_NOT_FOUND");
    let first = NamedMutex::open(&name, &options).unwrap();
    let second = NamedMutex::open(&name, &options).unwrap();
    assert_eq!((first.is_creator(), second.is_creator()), (true, false));
    let guard = first.lock(None).unwrap();
    assert_eq!(code(first.lock(None)), "ERR_MMFILE_LOCK_HELD");
    assert_eq!(code(second.lock(None)), "ERR_MMFILE_LOCK_HELD");
    std::thread::scope(|scope| {
        scope.spawn(|| assert!(second.try_lock().unwrap().is_none()));
    });
    drop(guard);
    assert!(!second.lock(None).unwrap().abandoned());
    drop((first, second));
    assert_eq!(left_behind(&name), [""; 0]);
}

#[test]
fn a_holder_locks_for_a_thread_that_must_not_block() {
    let file = new(10_000);
    let other = open(&file);
    let holder = file.lock_holder().unwrap();
    for _ in 0..50 {
        let (tell, told) = std::sync::mpsc::channel();
        holder.acquire(Timeout::Infinite, Box::new(move |how| tell.send(how).unwrap())).unwrap();
        assert_eq!(told.recv().unwrap(), Ok(false));
        let nothing = Box::new(|_| ());
        assert_eq!(code(holder.acquire(Timeout::Infinite, nothing)), "ERR_MMFILE_LOCK_HELD");
        assert!(other.try_lock().unwrap().is_none());
        file.append("inside").unwrap();
        holder.release();
        other.append("outside").unwrap();
    }
    let guard = other.lock(None).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    holder.acquire(Timeout::Infinite, Box::new(move |how| tell.send(how).unwrap())).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    holder.release();
    assert_eq!(told.recv().unwrap().unwrap_err().code(), "ERR_MMFILE_TIMEOUT");
    // A caller that did not get the lock may try again at once.
    let (tell, told) = std::sync::mpsc::channel();
    let slow = move |how| {
        tell.send(how).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    };
    holder.acquire(Timeout::Val(Duration::from_millis(5)), Box::new(slow)).unwrap();
    assert_eq!(told.recv().unwrap().unwrap_err().code(), "ERR_MMFILE_TIMEOUT");
    let (tell, told) = std::sync::mpsc::channel();
    holder.acquire(Timeout::Infinite, Box::new(move |how| tell.send(how).unwrap())).unwrap();
    drop(guard);
    assert_eq!(told.recv().unwrap(), Ok(false));
    drop(holder);
    file.append("after all").unwrap();
}
