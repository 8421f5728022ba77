//! Attempting again until a deadline.

use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::sync::sleep;
use crate::timeouts::{FIRST_PAUSE, LONGEST_PAUSE};
use std::time::Duration;

/// The pauses between attempts.
pub(crate) struct Backoff<'a> {
    deadline: &'a Deadline,
    pause: Duration,
    what: &'static str,
}

impl<'a> Backoff<'a> {
    /// `what` ends the message of the error: "timed out …".
    pub(crate) fn new(deadline: &'a Deadline, what: &'static str) -> Self {
        Self { deadline, pause: FIRST_PAUSE, what }
    }

    /// Sleeps before the next attempt.
    ///
    /// # Errors
    /// [`Error::Timeout`] once the deadline has passed.
    pub(crate) fn pause(&mut self) -> Result<()> {
        let Some(limit) = self.deadline.slice(self.pause) else {
            return Err(Error::Timeout { what: self.what });
        };
        sleep(limit);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}
