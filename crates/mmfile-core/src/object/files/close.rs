//! Leaving an object, and removing its name when that is due.

use super::handle::{AtEnd, Object};
use super::liveness;
use crate::control::participants;
use crate::error::Result;
use crate::fault;
use crate::platform::{Descriptor, Location};
use std::sync::atomic::Ordering;

impl Object {
    /// Counts as closed for other processes from now on. The memory can still be used.
    pub(crate) fn leave(&self) {
        if self.left.swap(true, Ordering::Relaxed) || !self.is_own() {
            return; // a forked child has its parent's handle, but is no participant
        }
        let control = self.control.as_ref();
        if let Some(control) = control.filter(|control| self.check_writable(control).is_ok()) {
            if self.at_end == AtEnd::Goes {
                control.set_ended();
                fault::point("close.ended");
            }
            participants::leave(control, self.nonce);
        }
        let locked = match self.at_end {
            AtEnd::Stays | AtEnd::Untouched => Ok(true),
            // If another process holds the name, it removes it: the object has ended.
            AtEnd::Goes => self.remove_under(liveness::lock_name).map(|_| true),
            AtEnd::GoesWithLast => {
                // First, so that of several handles that leave at once the last one finds no other.
                liveness::leave(&self.descriptor);
                fault::point("close.left");
                self.remove_under(liveness::lock_all)
            }
        };
        if locked.unwrap_or(true) {
            liveness::leave(&self.descriptor);
        }
        fault::point("close.done");
    }

    /// Removes the name, if `lock` is granted.
    pub(super) fn remove_under(&self, lock: fn(&Descriptor) -> Result<bool>) -> Result<bool> {
        remove_under(&self.location, &self.descriptor, lock)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Removes a name that leads to the object of `descriptor`, if `lock` is granted. Whether it was granted;
/// the caller releases it.
pub(super) fn remove_under(
    location: &Location,
    descriptor: &Descriptor,
    lock: fn(&Descriptor) -> Result<bool>,
) -> Result<bool> {
    if !lock(descriptor)? {
        return Ok(false);
    }
    fault::point("remove.locked");
    // No process gives the name to another object before it is free, and none removes it but the holder of
    // its lock.
    if location.leads_to(descriptor.identity())? {
        location.unlink()?;
        fault::point("remove.unlinked");
    } else {
        location.unlink_memory(descriptor)?;
    }
    Ok(true)
}
