//! The lock under which names are made and taken away.

use crate::error::{Error, Result};
use crate::fault;
use crate::lock::Deadline;
use crate::mapping::{Object, current_user, unlink_bare};
use crate::name::ObjectNames;
use crate::sync::sleep;
use std::time::Duration;

/// The lock under which names are made and taken away. Its file goes with it.
#[derive(Debug)]
pub(crate) struct RegistryLock {
    object: Object,
    name: String,
}

impl RegistryLock {
    /// Waits for the lock until the deadline.
    pub(crate) fn acquire(deadline: &Deadline) -> Result<Self> {
        let name = format!("{}{}", ObjectNames::REGISTRY_PREFIX, current_user());
        let mut pause = Duration::from_micros(20);
        loop {
            let object = match Object::open_or_create(&name, &name) {
                // It would have been made, were there a place for it.
                Err(Error::NotFound { .. }) => {
                    return Err(Error::Unsupported { what: "shared memory: there is no /dev/shm" });
                }
                other => other?,
            };
            fault::point("registry.opened");
            // Whoever had it before may have taken the file away while we waited for its lock.
            if object.try_exclusive()? && object.is_linked() {
                fault::point("registry.held");
                return Ok(Self { object, name });
            }
            drop(object);
            let Some(limit) = deadline.slice(pause) else {
                return Err(Error::Timeout { what: "waiting for the registry of files" });
            };
            sleep(limit);
            pause = (pause * 2).min(Duration::from_millis(2));
        }
    }
}

impl Drop for RegistryLock {
    fn drop(&mut self) {
        // Only its holder takes the file away, so it is still this one.
        fault::point("registry.leaving");
        unlink_bare(&self.name);
        fault::point("registry.unlinked");
        self.object.unshare();
    }
}
