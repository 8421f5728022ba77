//! What becomes of raw_sync's mutex when its holder is killed.

use crate::Outcome;
use raw_sync::locks::{LockInit, Mutex};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Where the flag of the holder stands, behind the mutex.
const FLAG: usize = 256;
const PAGE: usize = 4096;

/// Kills a holder and prints the nanoseconds until the lock is had again, or `never`.
pub fn recover(limit: u64) -> Outcome<()> {
    // SAFETY: a fresh mapping that nothing else knows of.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            PAGE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if memory == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error().into());
    }
    let memory: *mut u8 = memory.cast();
    // SAFETY: a page that stays mapped until the process ends, with the mutex at its beginning.
    let (mutex, _) = unsafe { Mutex::new(memory, memory.add(FLAG)).map_err(|e| e.to_string())? };
    // SAFETY: inside the page, aligned, used as this atomic only.
    let held = unsafe { AtomicU32::from_ptr(memory.add(FLAG).cast()) };
    // SAFETY: this process has one thread; the child calls nothing but the lock and pause.
    let holder = unsafe { libc::fork() };
    if holder == 0 {
        let guard = mutex.lock();
        held.store(1, Ordering::Release);
        loop {
            let _keep = &guard;
            // SAFETY: waits for a signal.
            unsafe { libc::pause() };
        }
    }
    if holder < 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    while held.load(Ordering::Acquire) == 0 {
        std::thread::yield_now();
    }
    let killed = Instant::now();
    // SAFETY: our own child, which has not been waited for.
    unsafe {
        libc::kill(holder, libc::SIGKILL);
        libc::waitpid(holder, std::ptr::null_mut(), 0);
    }
    let address = memory as usize;
    let (sender, receiver) = channel();
    // It may wait for ever, so it is not joined: the process ends without it.
    std::thread::spawn(move || {
        let memory = address as *mut u8;
        // SAFETY: the mutex made above, in memory that stays mapped.
        let Ok((mutex, _)) = (unsafe { Mutex::from_existing(memory, memory) }) else { return };
        let guard = mutex.lock();
        let _ = sender.send(guard.is_ok());
    });
    match receiver.recv_timeout(Duration::from_millis(limit)) {
        Ok(true) => println!("{}", killed.elapsed().as_nanos()),
        _ => println!("never"),
    }
    Ok(())
}
