//! Attempting again until a deadline.

use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::sync::sleep;
use crate::timeouts::{FIRST_PAUSE, LEAST_PATIENCE, LONGEST_PAUSE};
use std::time::Duration;

/// The pauses between attempts.
pub(crate) struct Backoff<'a> {
    deadline: &'a Deadline,
    pause: Duration,
    /// How long it still tries after the deadline has passed.
    patience: Duration,
    what: &'static str,
}

impl<'a> Backoff<'a> {
    /// For an object that another process holds for a moment. `what` ends the message of the error: "timed
    /// out …".
    pub(crate) fn new(deadline: &'a Deadline, what: &'static str) -> Self {
        Self { deadline, pause: FIRST_PAUSE, patience: LEAST_PATIENCE, what }
    }

    /// For an event that may never come: it ends at the deadline.
    #[allow(dead_code, reason = "where the kernel wakes sleepers, nothing is polled")]
    pub(crate) fn until(deadline: &'a Deadline, what: &'static str) -> Self {
        Self { patience: Duration::ZERO, ..Self::new(deadline, what) }
    }

    /// Sleeps before the next attempt.
    ///
    /// # Errors
    /// [`Error::Timeout`] once the deadline has passed.
    pub(crate) fn pause(&mut self) -> Result<()> {
        let limit = match self.deadline.slice(self.pause) {
            Some(limit) => limit,
            None if self.patience.is_zero() => return Err(Error::timeout(self.what)),
            None => self.pause,
        };
        sleep(limit);
        self.patience = self.patience.saturating_sub(limit);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
