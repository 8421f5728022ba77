//! Sleeping without a thread: the kernel waits on the wake word and tells a descriptor, which an event
//! loop watches beside everything else.
//!
//! It takes Linux 6.7, and an administrator or a container that lets programs use `io_uring`.

use super::{FIRST_SLEEP, LONGEST_SLEEP};
use io_uring::{IoUring, Probe, opcode, types::Timespec};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::time::Duration;

/// `FUTEX2_SIZE_U32`, without the flag for a word that no other process has.
const SHARED_WORD: u32 = 2;
/// `FUTEX_BITSET_MATCH_ANY`.
const ANYBODY: u64 = 0xffff_ffff;
/// What a completion says it was.
const WORD: u64 = 1;
const TIMER: u64 = 2;

/// `IORING_ENTER_GETEVENTS`: do what has been put off, and say what has ended.
const GET_EVENTS: u32 = 1;
/// One that is waited with, and one whose end has not been looked at yet.
const MOST_WATCHES: u32 = 2;

/// One waiter's place at the kernel: a word that is slept on and a bound for the sleep.
///
/// The kernel finishes nothing on its own, which would interrupt the event loop in its sleep only to
/// tell it afterwards: it makes the descriptor readable, and finishes when it is entered for the next
/// wait. Only the thread that made the ring enters it.
pub struct WakeRing {
    ring: IoUring,
    /// What the kernel adds to whenever something has ended.
    news: OwnedFd,
    /// How many times the kernel watches the word, as far as is known.
    watches: u32,
    /// The shortest time after which a timer says "look", if one runs.
    timer: Option<Duration>,
    sleep: Duration,
    /// What the kernel reads when a timer is handed to it.
    time: Timespec,
    /// Whether the descriptor was readable and the kernel has not been asked why.
    told: bool,
}

impl WakeRing {
    /// `None` where the system has no such thing or does not let us.
    #[must_use]
    pub fn new() -> Option<Self> {
        static SUPPORTED: OnceLock<bool> = OnceLock::new();
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
        // SAFETY: made just now, and nobody else's.
        let news = unsafe { OwnedFd::from_raw_fd(news) };
        ring.submitter().register_eventfd(news.as_raw_fd()).ok()?;
        Some(Self {
            ring,
            news,
            watches: 0,
            timer: None,
            sleep: FIRST_SLEEP,
            time: Timespec::new(),
            told: false,
        })
    }

    /// Readable when there is a reason to look again.
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

    /// Another wait begins: its first looks come soon.
    pub fn restart(&mut self) {
        self.sleep = FIRST_SLEEP;
    }

    /// Makes the descriptor readable.
    pub fn nudge(&mut self) {
        let one = 1u64;
        // SAFETY: the source is readable and as long as it is said to be.
        unsafe { libc::write(self.news.as_raw_fd(), (&raw const one).cast(), size_of::<u64>()) };
    }

    /// Has the kernel tell when the word is not `seen` any more or a while has passed, `longest` at
    /// most. `false` if the kernel has no memory for that.
    pub(crate) fn arm(&mut self, word: &AtomicU32, seen: u32, longest: Duration) -> bool {
        if self.told && self.watches == MOST_WATCHES {
            self.enter(0);
        }
        let mut queued = 0;
        // What it was told of is, but for a few times, the end of the last watch.
        if self.watches == 0 || (self.told && self.watches < MOST_WATCHES) {
            let wait = opcode::FutexWait::new(word.as_ptr(), seen.into(), ANYBODY, SHARED_WORD);
            // SAFETY: the word is mapped now, when the kernel looks at it; later it compares nothing
            // and only knows its place.
            if unsafe { self.ring.submission().push(&wait.build().user_data(WORD)) }.is_err() {
                return false;
            }
            self.watches += 1;
            queued += 1;
        }
        if self.timer.is_none_or(|running| longest < running) {
            queued += self.queue_timer(longest);
        }
        if queued == 0 && !self.told {
            return true;
        }
        let entered = self.enter(queued);
        if self.timer.is_some() {
            return entered;
        }
        // It was the timer's end that it was told of.
        let queued = self.queue_timer(longest);
        entered && self.enter(queued)
    }

    /// Has a timer ready that says "look"; answers how many.
    fn queue_timer(&mut self, longest: Duration) -> u32 {
        let span = self.sleep.min(longest);
        self.time = Timespec::new().sec(span.as_secs()).nsec(span.subsec_nanos());
        let timer = opcode::Timeout::new(&raw const self.time).build().user_data(TIMER);
        // SAFETY: the time stays where it is until the next call that enters, where the kernel copies
        // it.
        if unsafe { self.ring.submission().push(&timer) }.is_err() {
            return 0;
        }
        self.timer = Some(span);
        self.sleep = (self.sleep * 2).min(LONGEST_SLEEP);
        1
    }

    /// Hands the kernel what is queued, and takes notice of what has ended. `false` if the kernel
    /// has not taken it.
    fn enter(&mut self, queued: u32) -> bool {
        self.ring.completion().disable_eventfd();
        // SAFETY: no argument; what is queued is sound where it is queued.
        let entered = unsafe { self.ring.submitter().enter::<()>(queued, 0, GET_EVENTS, None) };
        self.told = false;
        self.ring.completion().enable_eventfd();
        // What ended in between has told nobody.
        fence(Ordering::SeqCst);
        let mut news = self.ring.submission().taskrun();
        for completion in self.ring.completion() {
            match completion.user_data() {
                WORD => {
                    self.watches = self.watches.saturating_sub(1);
                    // The word had changed before: that is news, too.
                    news |= completion.result() != 0;
                }
                TIMER => self.timer = None,
                _ => {}
            }
        }
        if news {
            self.nudge();
        }
        entered.is_ok_and(|taken| taken as u64 == u64::from(queued))
    }
}

impl std::fmt::Debug for WakeRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WakeRing").field("descriptor", &self.descriptor()).finish_non_exhaustive()
    }
}
