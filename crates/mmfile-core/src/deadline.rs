//! A point in time until which an operation waits.

use raw_sync::Timeout;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A point in time on the monotonic clock, or never. The clock is first read when the remaining time is first
/// needed, so an operation that need not wait does not read it at all.
#[derive(Debug)]
pub(crate) struct Deadline {
    timeout: Option<Duration>,
    at: Cell<Option<Instant>>,
    cancelled: Option<Arc<AtomicBool>>,
}

impl Deadline {
    /// A time span that begins with the first call of [`Self::slice`]. A span that is too long for the clock has no
    /// end.
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

    /// The time that is left, at most `slice`; `None` once nothing is left.
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
