//! Another process that writes over a file's object, over and over, until the fuzzer says stop.

use crate::object::Object;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(crate) const MOST_WRITES: usize = 16;
/// How long the other process may take to start or to stop: the machine may have other things to do.
const PATIENCE: Duration = Duration::from_secs(8);

/// The writes of one round.
#[derive(Clone, Copy)]
pub(crate) struct Write {
    /// 0: the data, 1: the control block.
    pub(crate) part: u8,
    pub(crate) offset: u16,
    /// At most 8.
    pub(crate) length: u8,
    /// `None`: the original bytes, so that checks are passed now and then.
    pub(crate) bytes: Option<[u8; 8]>,
}

impl Write {
    fn pack(self) -> [u64; 2] {
        let [low, high] = self.offset.to_le_bytes();
        let restores = u8::from(self.bytes.is_none());
        let head = [self.part, restores, low, high, self.length, 0, 0, 0];
        [u64::from_le_bytes(head), u64::from_le_bytes(self.bytes.unwrap_or_default())]
    }

    fn unpack(packed: [u64; 2]) -> Self {
        let [part, restores, low, high, length, ..] = packed[0].to_le_bytes();
        let bytes = (restores == 0).then(|| packed[1].to_le_bytes());
        Self { part, offset: u16::from_le_bytes([low, high]), length, bytes }
    }
}

/// The memory that both processes share. Zeros are a valid value.
struct Page {
    /// Odd: write; even: stop. Each is another number than all before it.
    wanted: AtomicU32,
    /// The last of these that the other process has come to.
    reached: AtomicU32,
    rounds: AtomicU64,
    count: AtomicU64,
    writes: [[AtomicU64; 2]; MOST_WRITES],
}

pub(crate) struct Scribbler {
    process: libc::pid_t,
    page: &'static Page,
}

impl Scribbler {
    /// Forks, once a process and before it has threads.
    pub(crate) fn start(name: &str) -> Self {
        let page = share_page();
        let parent = std::process::id();
        // SAFETY: this process has no other thread whose locks the child could miss.
        let process = unsafe { libc::fork() };
        assert!(process >= 0, "no other process");
        if process == 0 {
            // Neither returns nor unwinds into what the parent does.
            let _ = catch_unwind(AssertUnwindSafe(|| serve(page, name, parent)));
            // SAFETY: ends the process without what it inherited for its exit.
            unsafe { libc::_exit(1) };
        }
        Self { process, page }
    }

    /// Makes it write, and returns when it has completed one round.
    pub(crate) fn begin(&self, writes: &[Write]) {
        for (to, from) in self.page.writes.iter().zip(writes) {
            let packed = from.pack();
            to[0].store(packed[0], Ordering::Relaxed);
            to[1].store(packed[1], Ordering::Relaxed);
        }
        self.page.count.store(writes.len().min(MOST_WRITES) as u64, Ordering::Relaxed);
        self.turn();
    }

    /// Has it stop. When this returns it has nothing open or mapped, and writes nothing any more.
    pub(crate) fn stop(&self) {
        self.turn();
    }

    /// How often it has gone through what it has to write.
    pub(crate) fn rounds(&self) -> u64 {
        self.page.rounds.load(Ordering::Relaxed)
    }

    pub(crate) fn check(&self, since: Instant) {
        let mut status = 0;
        // SAFETY: our child process, and a status that outlives the call.
        let ended = unsafe { libc::waitpid(self.process, &raw mut status, libc::WNOHANG) };
        assert_eq!(ended, 0, "the other process has died: {status:#x}");
        assert!(since.elapsed() < PATIENCE, "the other process does not get to anything");
    }

    fn turn(&self) {
        let since = Instant::now();
        let wanted = self.page.wanted.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
        wake(&self.page.wanted);
        loop {
            let reached = self.page.reached.load(Ordering::Acquire);
            if reached == wanted {
                return;
            }
            self.check(since);
            sleep_on(&self.page.reached, reached);
        }
    }
}

fn share_page() -> &'static Page {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let at =
        unsafe { libc::mmap(std::ptr::null_mut(), size_of::<Page>(), protection, flags, -1, 0) };
    assert_ne!(at, libc::MAP_FAILED);
    // SAFETY: aligned, zeroed, as long as that, never unmapped, and only atomics.
    unsafe { &*at.cast::<Page>() }
}

/// The loop of the other process until it is killed.
fn serve(page: &Page, name: &str, parent: u32) {
    // SAFETY: a plain call, for the end of the parent's first thread.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    let mut reached = 0;
    while std::os::unix::process::parent_id() == parent {
        let wanted = page.wanted.load(Ordering::Acquire);
        if wanted == reached {
            sleep_on(&page.wanted, wanted);
            continue;
        }
        reached = wanted;
        if wanted % 2 == 1 {
            write_until_told(page, name, wanted);
        } else {
            page.reached.store(wanted, Ordering::Release);
            wake(&page.reached);
        }
    }
}

fn write_until_told(page: &Page, name: &str, wanted: u32) {
    let object = Object::open(name);
    let count = page.count.load(Ordering::Relaxed) as usize;
    let writes: Vec<_> = page.writes[..count]
        .iter()
        .map(|packed| {
            let load = |half: usize| packed[half].load(Ordering::Relaxed);
            let write = Write::unpack([load(0), load(1)]);
            let begin = if write.part & 1 == 0 { 0 } else { object.control() };
            let offset = begin + usize::from(write.offset);
            let length = usize::from(write.length).min(8);
            (offset, length, write.bytes.unwrap_or_else(|| object.get(offset)))
        })
        .collect();
    loop {
        for (offset, length, bytes) in &writes {
            object.put(*offset, &bytes[..*length]);
        }
        page.rounds.fetch_add(1, Ordering::Relaxed);
        if page.reached.load(Ordering::Relaxed) != wanted {
            page.reached.store(wanted, Ordering::Release);
            wake(&page.reached);
        }
        if page.wanted.load(Ordering::Acquire) != wanted {
            return;
        }
    }
}

/// Until the word is another, or for a while.
fn sleep_on(word: &AtomicU32, seen: u32) {
    let limit = libc::timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    // SAFETY: an aligned word and a time limit, both of which outlive the call.
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, seen, &raw const limit)
    };
}

fn wake(word: &AtomicU32) {
    // SAFETY: an aligned word that outlives the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}
