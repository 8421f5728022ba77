//! The lock that every process shares and that survives its holder.
//!
//! A platform provides one type with three methods: acquire until a deadline, release, and release
//! as abandoned. Whoever acquires learns whether the holder before died; it has the lock then, and
//! repairs what the dead one left.
//!
//! ```
//! # fn main() -> mmfile_core::Result<()> {
//! use mmfile_core::{CreateOptions, MmFile, OpenOptions};
//! let a = MmFile::create_new(4096, &CreateOptions::default())?;
//! // process A holds the lock over two operations
//! let guard = a.lock(None)?;
//! let next = a.len()?;
//! a.append(next.to_le_bytes().as_slice())?;
//! // process B waits meanwhile, here not at all
//! let b = MmFile::open_existing(a.id(), &OpenOptions::default())?;
//! # std::thread::scope(|scope| { scope.spawn(|| {
//! assert!(b.try_lock().unwrap().is_none());
//! # }); });
//! drop(guard);
//! assert!(b.try_lock()?.is_some());
//! # Ok(()) }
//! ```

#[cfg(any(target_os = "macos", mmfile_portable))]
mod file;
mod holder;
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
mod linux;
#[cfg(any(target_os = "macos", mmfile_portable))]
mod portable;
#[cfg(all(target_os = "linux", not(any(mmfile_portable, loom))))]
mod robust_list;
mod section;
#[cfg(windows)]
mod windows;

#[cfg(loom)]
use crate::modelled::robust_list;
#[cfg(any(target_os = "macos", mmfile_portable))]
pub(crate) use file::LockFile;
pub use holder::{LockHolder, Notify};
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
pub(crate) use linux::ProcessLock;
#[cfg(any(target_os = "macos", mmfile_portable))]
pub(crate) use portable::{ProcessLock, thread_id};
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
pub(crate) use robust_list::thread_id;
pub use section::LockGuard;
pub(crate) use section::Section;
#[cfg(windows)]
pub(crate) use windows::{ProcessLock, thread_id};

use raw_sync::Timeout;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How the lock was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acquired {
    /// Released by its last holder.
    Clean,
    /// Its last holder died. What it was doing has to be repaired.
    Abandoned,
}

/// How long the lock will be held, which decides how the kernel is told about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// For one operation; this thread hardly ever takes another lock meanwhile.
    Operation,
    /// Over several operations; this thread may take the locks of other files meanwhile.
    Section,
}

/// A point in time on the monotonic clock, or never. The clock is first read when it is first asked
/// for what is left, so that an operation that need not wait does not read it at all.
#[derive(Debug)]
pub(crate) struct Deadline {
    timeout: Option<Duration>,
    at: Cell<Option<Instant>>,
    cancelled: Option<Arc<AtomicBool>>,
}

impl Deadline {
    /// A time span from the first look on; one too long for the clock is for ever.
    pub(crate) fn after(timeout: &Timeout) -> Self {
        let timeout = match timeout {
            Timeout::Infinite => None,
            Timeout::Val(duration) => Some(*duration),
        };
        Self { timeout, at: Cell::new(None), cancelled: None }
    }

    /// The same, over as soon as the flag is set.
    pub(crate) fn unless(mut self, cancelled: Arc<AtomicBool>) -> Self {
        self.cancelled = Some(cancelled);
        self
    }

    /// What is left, at most `slice`; `None` once nothing is left.
    pub(crate) fn slice(&self, slice: Duration) -> Option<Duration> {
        if self.cancelled.as_ref().is_some_and(|flag| flag.load(Ordering::SeqCst)) {
            return None;
        }
        let Some(timeout) = self.timeout else { return Some(slice) };
        if timeout.is_zero() {
            return None;
        }
        let now = Instant::now();
        let Some(at) = self.at.get().or_else(|| now.checked_add(timeout)) else {
            return Some(slice);
        };
        self.at.set(Some(at));
        let left = at.checked_duration_since(now)?;
        if left.is_zero() { None } else { Some(left.min(slice)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_gives_slices_until_it_has_passed() {
        let slice = Duration::from_millis(5);
        assert_eq!(Deadline::after(&Timeout::Infinite).slice(slice), Some(slice));
        let never = Deadline::after(&Timeout::Val(Duration::MAX));
        assert_eq!(never.slice(slice), Some(slice));
        assert_eq!(Deadline::after(&Timeout::Val(Duration::ZERO)).slice(slice), None);
        let soon = Deadline::after(&Timeout::Val(Duration::from_millis(2)));
        assert!(soon.slice(slice).is_some_and(|left| left <= Duration::from_millis(2)));
    }
}
