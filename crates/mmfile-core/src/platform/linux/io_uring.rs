//! Sleeping without a thread: the kernel waits on the wake word and makes a descriptor readable, which an
//! event loop polls with everything else.
//!
//! It takes Linux 6.7, and an administrator or a container that lets programs use `io_uring`.

use crate::timeouts::{FIRST_SLEEP, LONGEST_SLEEP};
use ::io_uring::{IoUring, Probe, opcode, squeue, types::Timespec};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::time::Duration;

/// `FUTEX2_SIZE_U32`, without the flag for a word that no other process has.
const SHARED_WORD: u32 = 2;
/// `FUTEX_BITSET_MATCH_ANY`.
const ANY_BITS: u64 = 0xffff_ffff;
/// `IORING_ENTER_GETEVENTS`: run what has been put off, and post what has completed.
const GET_EVENTS: u32 = 1;

/// How a watch or a timer ends: woken, another value, the end of its time, cancelled. Anything else is a failure,
/// which would come again and again.
const ENDS: [i32; 4] = [0, -libc::EAGAIN, -libc::ETIME, -libc::ECANCELED];

/// The completion of a request that ends another one.
const NO_MATTER: u64 = 0;
/// The newest watch, and one that it replaces and whose completion may be on its way.
const MOST_WATCHES: usize = 2;

/// One waiter's place at the kernel: a word that is slept on and a bound for the sleep.
///
/// The kernel completes nothing on its own, which would interrupt the event loop in its sleep only to
/// tell it afterwards: it makes the descriptor readable, and completes when it is entered for the next
/// wait. Only the thread that made the ring enters it.
pub struct WakeRing {
    ring: IoUring,
    /// A counter that the kernel increments whenever something has completed.
    news: OwnedFd,
    /// The requests that watch the word and have not completed, as far as is known, the newest last: their
    /// ids, and the value that the word had. An older one completes with the same wake as the newest.
    watches: Vec<(u64, u32)>,
    /// The timer that runs: its id, and after which time it completes.
    timer: Option<(u64, Duration)>,
    last_id: u64,
    sleep: Duration,
    /// The time that the kernel reads when a timer is submitted.
    time: Timespec,
    /// Whether the descriptor was readable and the kernel has not been asked why.
    told: bool,
}

/// Whether the kernel has refused a call after the set-up. It may do so at any time: a sandbox is closed, or
/// memory is short.
static REFUSED: AtomicBool = AtomicBool::new(false);

impl WakeRing {
    /// `None` where the system has no such thing, does not let us, or has refused a call before.
    #[must_use]
    pub fn new() -> Option<Self> {
        static SUPPORTED: OnceLock<bool> = OnceLock::new();
        if Self::is_refused() {
            return None;
        }
        let mut builder = IoUring::builder();
        let ring = builder
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .build(8)
            .ok()?;
        let supported = *SUPPORTED.get_or_init(|| {
            let mut probe = Probe::new();
            ring.submitter().register_probe(&mut probe).is_ok()
                && probe.is_supported(opcode::FutexWait::CODE)
        });
        if !supported {
            return None;
        }
        // SAFETY: no memory is involved.
        let news = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if news < 0 {
            return None;
        }
        // SAFETY: made just now; it has no other owner.
        let news = unsafe { OwnedFd::from_raw_fd(news) };
        ring.submitter().register_eventfd(news.as_raw_fd()).ok()?;
        Some(Self {
            ring,
            news,
            watches: Vec::with_capacity(MOST_WATCHES + 1),
            timer: None,
            last_id: NO_MATTER,
            sleep: FIRST_SLEEP,
            time: Timespec::new(),
            told: false,
        })
    }

    /// Whether the kernel has refused a call: no ring is of use any more.
    #[must_use]
    pub fn is_refused() -> bool {
        REFUSED.load(Ordering::Relaxed)
    }

    /// Readable when there is a reason to check again.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.news.as_raw_fd()
    }

    /// Takes notice of the descriptor being readable, which it is no more.
    pub fn notice(&mut self) {
        let mut count = 0u64;
        // SAFETY: the target is writable and as long as it is said to be.
        unsafe { libc::read(self.news.as_raw_fd(), (&raw mut count).cast(), size_of::<u64>()) };
        self.told = true;
    }

    /// Another wait begins: its first checks come soon.
    pub fn restart(&mut self) {
        self.sleep = FIRST_SLEEP;
    }

    /// Makes the descriptor readable.
    pub fn nudge(&mut self) {
        let one = 1u64;
        // SAFETY: the source is readable and as long as it is said to be.
        unsafe { libc::write(self.news.as_raw_fd(), (&raw const one).cast(), size_of::<u64>()) };
    }

    /// Has the kernel make the descriptor readable when the word is not `seen` any more, when it is woken,
    /// or when a while has passed, `longest` at most. `false` if the kernel refuses: then this and every
    /// other ring are of no use any more.
    pub(crate) fn arm(&mut self, word: &AtomicU32, seen: u32, longest: Duration) -> bool {
        // A watch of the same value covers this wait, unless it may have completed.
        let covered = !self.told && self.watches.last().is_some_and(|(_, value)| *value == seen);
        let armed = (covered || self.queue_watch(word, seen)) && self.queue_timer(longest);
        let armed = armed && (self.ring.submission().is_empty() && !self.told || self.enter());
        // It was the timer's end that it was told of.
        let armed = armed && (self.timer.is_some() || self.queue_timer(longest) && self.enter());
        if !armed {
            REFUSED.store(true, Ordering::Relaxed);
        }
        armed
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn queue_watch(&mut self, word: &AtomicU32, seen: u32) -> bool {
        let id = self.next_id();
        let wait = opcode::FutexWait::new(word.as_ptr(), seen.into(), ANY_BITS, SHARED_WORD);
        self.watches.push((id, seen));
        // SAFETY: the word is mapped now, when the kernel reads it; later it compares nothing and only
        // knows its place.
        let queued = unsafe { self.queue(&wait.build().user_data(id)) };
        match self.watches.first() {
            Some((oldest, _)) if self.watches.len() > MOST_WATCHES => {
                let cancel = opcode::AsyncCancel::new(*oldest).build().user_data(NO_MATTER);
                // SAFETY: no memory is involved.
                queued && unsafe { self.queue(&cancel) }
            }
            _ => queued,
        }
    }

    /// Submits a timer, unless one runs that completes soon enough.
    fn queue_timer(&mut self, longest: Duration) -> bool {
        let mut queued = true;
        if let Some((id, span)) = self.timer {
            if span <= longest {
                return true;
            }
            let remove = opcode::TimeoutRemove::new(id).build().user_data(NO_MATTER);
            // SAFETY: no memory is involved.
            queued = unsafe { self.queue(&remove) };
        }
        let (id, span) = (self.next_id(), self.sleep.min(longest));
        self.time = Timespec::new().sec(span.as_secs()).nsec(span.subsec_nanos());
        self.timer = Some((id, span));
        self.sleep = (self.sleep * 2).min(LONGEST_SLEEP);
        let timer = opcode::Timeout::new(&raw const self.time).build().user_data(id);
        // SAFETY: the time stays where it is until the next call that enters, where the kernel copies it.
        queued && unsafe { self.queue(&timer) }
    }

    /// # Safety
    /// What the entry refers to stays until the next call that enters.
    unsafe fn queue(&mut self, entry: &squeue::Entry) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.ring.submission().push(entry) }.is_ok()
    }

    /// Submits the queued requests, and processes the completed ones. `false` if the kernel refuses.
    fn enter(&mut self) -> bool {
        let queued = u32::try_from(self.ring.submission().len()).unwrap_or(u32::MAX);
        self.ring.completion().disable_eventfd();
        // SAFETY: no argument; queued requests are sound where they are queued.
        let entered = unsafe { self.ring.submitter().enter::<()>(queued, 0, GET_EVENTS, None) };
        self.told = false;
        self.ring.completion().enable_eventfd();
        // A request that completed in between was reported to no waiter.
        fence(Ordering::SeqCst);
        let mut news = self.ring.submission().taskrun();
        let newest = self.watches.last().map(|(id, _)| *id);
        let mut failed = false;
        for completion in self.ring.completion() {
            let id = completion.user_data();
            failed |= id != NO_MATTER && !ENDS.contains(&completion.result());
            // The newest watch was woken, or the word had changed before.
            news |= Some(id) == newest;
            self.watches.retain(|(watch, _)| *watch != id);
            self.timer = self.timer.filter(|(timer, _)| *timer != id);
        }
        if news {
            self.nudge();
        }
        !failed && entered.is_ok_and(|taken| taken as u64 == u64::from(queued))
    }
}

impl std::fmt::Debug for WakeRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WakeRing").field("descriptor", &self.descriptor()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::map_private;

    /// For example for lack of memory: repeated requests would take a whole processor.
    #[test]
    fn a_watch_that_fails_is_a_refusal() {
        let Some(mut ring) = WakeRing::new() else { return };
        let memory = map_private(4096).unwrap();
        let at = memory.region().as_ptr();
        // SAFETY: a page of our own, which nothing else uses.
        assert_eq!(unsafe { libc::mprotect(at.cast(), 4096, libc::PROT_NONE) }, 0);
        // SAFETY: mapped and aligned; only the kernel reads it, and cannot.
        let word = unsafe { AtomicU32::from_ptr(at.cast()) };
        assert!(!ring.arm(word, 0, LONGEST_SLEEP));
        assert!(WakeRing::is_refused() && WakeRing::new().is_none());
    }
}
