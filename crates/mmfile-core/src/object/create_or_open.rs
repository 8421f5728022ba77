//! Having an object, whether it is there or not.

use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::retry::Backoff;

/// Opens an object or creates it, while other processes may do the same.
pub(crate) fn open_or_create<T>(
    deadline: &Deadline,
    open: impl Fn() -> Result<T>,
    create: impl Fn() -> Result<T>,
) -> Result<T> {
    let mut backoff = Backoff::new(deadline, "opening what other processes create and remove");
    loop {
        match open() {
            Err(Error::NotFound { .. }) => {}
            other => return other,
        }
        match create() {
            Err(Error::Exists { .. }) => {}
            // Another process may have been quicker and have the memory by now.
            Err(error @ Error::NoSpace { .. }) => {
                return open().map_err(|_| error);
            }
            other => return other,
        }
        backoff.pause()?;
    }
}
