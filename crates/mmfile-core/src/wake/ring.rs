//! Sleeping without a thread: the kernel waits on the wake word and tells a descriptor, which an event
//! loop watches beside everything else.
//!
//! It takes Linux 6.7, and an administrator or a container that lets programs use `io_uring`.

use super::{FIRST_SLEEP, LONGEST_SLEEP};
use io_uring::{IoUring, Probe, opcode, types::Timespec};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// `FUTEX2_SIZE_U32`, without the flag for a word that no other process has.
const SHARED_WORD: u32 = 2;
/// `FUTEX_BITSET_MATCH_ANY`.
const ANYBODY: u64 = 0xffff_ffff;
/// What a completion says it was.
const WORD: u64 = 1;
const TIMER: u64 = 2;
const NUDGE: u64 = 3;

/// One waiter's place at the kernel: a word that is slept on and a bound for the sleep.
pub struct WakeRing {
    ring: IoUring,
    /// Whether the kernel watches the word.
    watches: bool,
    /// The shortest time after which a timer says "look", if one runs.
    timer: Option<Duration>,
    sleep: Duration,
}

impl WakeRing {
    /// `None` where the system has no such thing or does not let us.
    #[must_use]
    pub fn new() -> Option<Self> {
        static SUPPORTED: OnceLock<bool> = OnceLock::new();
        let ring = IoUring::new(4).ok()?;
        let supported = *SUPPORTED.get_or_init(|| {
            let mut probe = Probe::new();
            ring.submitter().register_probe(&mut probe).is_ok()
                && probe.is_supported(opcode::FutexWait::CODE)
        });
        supported.then_some(Self { ring, watches: false, timer: None, sleep: FIRST_SLEEP })
    }

    /// Readable when there is a reason to look again.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.ring.as_raw_fd()
    }

    /// Takes notice of what made the descriptor readable.
    pub fn drain(&mut self) {
        for completion in self.ring.completion() {
            match completion.user_data() {
                WORD => self.watches = false,
                TIMER => self.timer = None,
                _ => {}
            }
        }
    }

    /// Another wait begins: its first looks come soon.
    pub fn restart(&mut self) {
        self.sleep = FIRST_SLEEP;
    }

    /// Makes the descriptor readable.
    pub fn nudge(&mut self) {
        let nothing = opcode::Nop::new().build().user_data(NUDGE);
        // SAFETY: it refers to no memory.
        let _ = unsafe { self.ring.submission().push(&nothing) };
        let _ = self.ring.submit();
    }

    /// Has the kernel tell when the word is not `seen` any more or a while has passed, `longest` at
    /// most. `false` if the kernel has no memory for that.
    pub(crate) fn arm(&mut self, word: &AtomicU32, seen: u32, longest: Duration) -> bool {
        let span = self.sleep.min(longest);
        let time = Timespec::new().sec(span.as_secs()).nsec(span.subsec_nanos());
        let timer = opcode::Timeout::new(&raw const time).build().user_data(TIMER);
        let wait = opcode::FutexWait::new(word.as_ptr(), seen.into(), ANYBODY, SHARED_WORD);
        let wait = wait.build().user_data(WORD);
        let needs_timer = self.timer.is_none_or(|running| longest < running);
        if self.watches && !needs_timer {
            return true;
        }
        let mut queue = self.ring.submission();
        // SAFETY: `time` outlives the submission below, where the kernel copies it. The word is mapped
        // now, when the kernel looks at it; later it compares nothing and only knows its place.
        let queued = unsafe {
            (!needs_timer || queue.push(&timer).is_ok())
                && (self.watches || queue.push(&wait).is_ok())
        };
        drop(queue);
        let submitted = self.ring.submit().is_ok();
        if !queued || !submitted {
            return false;
        }
        self.watches = true;
        if needs_timer {
            self.timer = Some(span);
            self.sleep = (self.sleep * 2).min(LONGEST_SLEEP);
        }
        true
    }
}

impl std::fmt::Debug for WakeRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WakeRing").field("descriptor", &self.descriptor()).finish_non_exhaustive()
    }
}
