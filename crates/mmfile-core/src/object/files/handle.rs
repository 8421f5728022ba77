//! A handle on an object, from the moment at which it counts as alive until it has left.

use super::liveness;
use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Participant, participants};
use crate::error::{Error, Result};
use crate::fault;
use crate::memory::{Memory, Mode};
use crate::platform::{Descriptor, Location, ViewSource};
use std::sync::atomic::AtomicBool;

/// A handle that counts as alive. Dropping it leaves the object.
#[derive(Debug)]
pub(crate) struct Object {
    pub(super) location: Location,
    pub(super) descriptor: Descriptor,
    pub(super) nonce: u64,
    pub(super) control: Option<Control>,
    views: Option<ViewSource>,
    pub(super) at_end: AtEnd,
    pub(super) left: AtomicBool,
}

/// What happens to the object's name when a handle leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtEnd {
    /// It stays: a file on disk.
    Stays,
    /// It goes with the last handle.
    GoesWithLast,
    /// It goes now.
    Goes,
    /// This handle has nothing to do with it.
    #[cfg_attr(platform = "loom", allow(dead_code, reason = "nothing is looked at there"))]
    Untouched,
}

impl Object {
    /// Counts as alive from here on. `None` while another process is about to remove the name, or if another
    /// handle has the number.
    pub(super) fn join(
        location: &Location,
        descriptor: Descriptor,
        nonce: u64,
        at_end: AtEnd,
    ) -> Result<Option<Self>> {
        if liveness::is_taken(&descriptor, nonce)? || !liveness::join(&descriptor, nonce)? {
            return Ok(None);
        }
        fault::point("open.joined");
        Ok(Some(Self::new(location, descriptor, nonce, at_end)))
    }

    /// A handle whose byte is locked.
    pub(super) fn new(
        location: &Location,
        descriptor: Descriptor,
        nonce: u64,
        at_end: AtEnd,
    ) -> Self {
        let (control, views, left) = (None, None, AtomicBool::new(false));
        Self { location: location.clone(), descriptor, nonce, control, views, at_end, left }
    }

    pub(super) fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Enters itself into the table of participants, if there is room.
    pub(super) fn enter(&mut self, control: &Control, mode: Mode) -> Result<()> {
        control.memory().provide(0, CONTROL_SIZE)?;
        let new = Participant::new(self.nonce, mode);
        let entered = participants::enter(control, &new, |owner| self.is_alive(owner));
        self.has_entered(control);
        entered
    }

    /// The source of further mappings of the data.
    pub(super) fn set_views(&mut self, views: Option<ViewSource>) {
        self.views = views;
    }

    /// It is in the table of participants, if there was room.
    pub(super) fn has_entered(&mut self, control: &Control) {
        self.control = Some(control.clone());
    }

    /// The number of this handle.
    pub(crate) fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Whether this is the process that opened it, and not a forked child of that.
    pub(crate) fn is_own(&self) -> bool {
        self.descriptor.is_own()
    }

    /// Where it is.
    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// Whether another process has it open. `None` where the system does not say.
    pub(crate) fn has_other_process(&self) -> Option<bool> {
        liveness::has_other_process(&self.descriptor).ok()
    }

    /// Whether the handle of that number is open. One that cannot be asked about counts as open.
    pub(crate) fn is_alive(&self, nonce: u64) -> bool {
        nonce == self.nonce || liveness::is_alive(&self.descriptor, nonce).unwrap_or(true)
    }

    /// Its size in bytes, now.
    pub(crate) fn size(&self) -> Result<u64> {
        self.descriptor.size()
    }

    /// Reports a name that no longer leads to this object although it has not ended: the next process that
    /// asks for it creates another one.
    pub(crate) fn check_named(&self, control: &Control) -> Result<()> {
        if matches!(self.at_end, AtEnd::Stays | AtEnd::Untouched)
            || control.has_ended()
            || self.location.leads_to(self.descriptor.identity()).unwrap_or(true)
            || control.has_ended()
        {
            return Ok(());
        }
        Err(Error::NotFound {
            id: self.location.id().into(),
            reason: "another program removed its name, so that other processes may have another object \
                     of that name: close it and open it again",
        })
    }

    /// Maps the data again so that writing to it changes nothing for others. `None` where the system cannot map
    /// it in that way.
    pub(crate) fn map_copy_on_write(&self, length: u64) -> Result<Option<Memory>> {
        let views = self.views.as_ref();
        views.map_or(Ok(None), |views| crate::platform::map_copy_on_write(views, length))
    }

    /// Writes what was changed in these mappings to the disk, and waits until it is there.
    pub(crate) fn sync(&self, mappings: [&Memory; 2]) -> Result<()> {
        crate::platform::sync(&self.descriptor, mappings)
    }

    /// Refuses a file on disk that another program has cut short: touching what is gone would end the process.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    #[inline(always)]
    pub(crate) fn check_whole(&self, control: &Control) -> Result<()> {
        if self.at_end == AtEnd::Stays { self.check_size(control) } else { Ok(()) }
    }

    fn check_size(&self, control: &Control) -> Result<()> {
        let size = self.size()?;
        if control.fits(size) {
            return Ok(());
        }
        let reason = "another program has cut the file short while it was open";
        Err(Error::Corrupt { offset: size.min(control.capacity()), reason })
    }

    /// Sees to it that storing to the control block does not end the process.
    ///
    /// # Errors
    /// As [`Self::check_whole`], and [`Error::NoSpace`].
    #[inline(always)]
    pub(crate) fn check_writable(&self, control: &Control) -> Result<()> {
        self.check_whole(control)?;
        control.memory().make_writable(0, CONTROL_SIZE)
    }

    /// Whether storing to the control block would not end the process.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if even reading it would.
    pub(crate) fn may_store(&self, control: &Control) -> Result<bool> {
        match self.check_writable(control) {
            Ok(()) => Ok(true),
            Err(Error::NoSpace { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(all(test, not(platform = "loom")))]
mod tests {
    use super::*;
    use crate::object::nonce::new_nonce;
    use crate::platform::Location;

    #[test]
    fn no_two_handles_of_an_object_have_one_number() {
        let name = format!("mmfile-nonce-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "x").unwrap();
        let location = Location::on_disk(&path);
        let (other, own) = (location.open().unwrap(), location.open().unwrap());
        let nonce = new_nonce();
        assert!(liveness::join(&other, nonce).unwrap());
        let again = Object::join(&location, own, nonce, AtEnd::Stays).unwrap();
        assert!(again.is_none(), "{again:?}");
        std::fs::remove_file(&path).unwrap();
    }
}
