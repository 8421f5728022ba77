//! A handle on an object, a section or a file on disk.

use super::disk_file::DiskFile;
use super::liveness::{self, Presence};
use super::{not_flushed, view};
use crate::control::{Control, Participant, participants};
use crate::error::{Error, OsError, Result};
use crate::fault;
use crate::memory::{Memory, Mode};
use std::os::windows::io::OwnedHandle;
use std::sync::{Mutex, MutexGuard, PoisonError};
use windows_sys::Win32::System::Memory::FlushViewOfFile;

/// A handle that counts as alive. Dropping it leaves the object.
#[derive(Debug)]
pub(crate) struct Object {
    control: Control,
    /// The name of its lock; none where no other process shares the control block.
    lock: Option<String>,
    nonce: u64,
    /// Whether the object ends with this handle.
    ends: bool,
    file: Option<DiskFile>,
    held: Mutex<Option<Held>>,
}

/// The kernel handles that are open until the object is left. They are closed in this order: as long as the
/// control block's section has its name, no process takes the data for a foreign program's.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) presence: Option<Presence>,
    /// The section of the data, for more mappings.
    pub(super) data: Option<OwnedHandle>,
    /// The section of the control block, if that is separate.
    pub(super) _control: Option<OwnedHandle>,
}

impl Object {
    /// A handle on the object with the lock of that name. It enters itself into the table of participants,
    /// if there is room.
    pub(super) fn new(
        control: &Control,
        mode: Mode,
        lock: Option<String>,
        held: Held,
        file: Option<DiskFile>,
        ends: bool,
    ) -> Result<Self> {
        let nonce = held.presence.as_ref().map_or(u64::MAX, Presence::nonce);
        let (control, held) = (control.clone(), Mutex::new(Some(held)));
        let object = Self { control, lock, nonce, ends, file, held };
        let new = Participant::new(nonce, mode);
        participants::enter(&object.control, &new, |owner| object.is_alive(owner))?;
        Ok(object)
    }

    /// A handle that only observes the object: it is no participant, and has `control` for itself.
    pub(super) fn apart(
        control: &Control,
        lock: String,
        held: Held,
        file: Option<DiskFile>,
    ) -> Self {
        let (control, held, lock) = (control.clone(), Mutex::new(Some(held)), Some(lock));
        Self { control, lock, nonce: u64::MAX, ends: false, file, held }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of this handle.
    pub(crate) fn nonce(&self) -> u64 {
        self.nonce
    }

    /// No process has it by a fork.
    #[allow(clippy::unused_self, reason = "elsewhere it can be")]
    pub(crate) fn is_own(&self) -> bool {
        true
    }

    /// Whether another process has it open. `None` where the system does not say.
    pub(crate) fn has_other_process(&self) -> Option<bool> {
        self.held().as_ref()?.presence.as_ref()?.has_other_process()
    }

    /// Whether the handle of that number is open. One that cannot be asked about counts as open.
    pub(crate) fn is_alive(&self, nonce: u64) -> bool {
        nonce == self.nonce
            || self.lock.as_ref().is_some_and(|lock| liveness::is_alive(lock, nonce))
    }

    /// No program can cut a file short that is mapped.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "elsewhere one can")]
    pub(crate) fn check_whole(&self, _: &Control) -> Result<()> {
        Ok(())
    }

    /// Whether the mapping is writable.
    #[allow(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "elsewhere a disk may be full"
    )]
    pub(crate) fn check_writable(&self, _: &Control) -> Result<()> {
        Ok(())
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

    /// No process can take a name from processes that have the object open.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "elsewhere it can be lost")]
    pub(crate) fn check_named(&self, _: &Control) -> Result<()> {
        Ok(())
    }

    /// Maps the data again so that writing to it changes nothing for others.
    pub(crate) fn map_copy_on_write(&self, length: u64) -> Result<Option<Memory>> {
        let held = self.held();
        let data = held.as_ref().and_then(|held| held.data.as_ref()).ok_or(Error::Closed)?;
        view::map_copy_on_write(data, length).map(Some)
    }

    /// Writes what was changed in these mappings to the disk, and waits until it is there.
    pub(crate) fn sync(&self, mappings: [&Memory; 2]) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        for memory in mappings {
            // SAFETY: the address is inside a view that the memory keeps; 0 means all of it from there on.
            // Flushing a private view has no effect.
            if unsafe { FlushViewOfFile(memory.region().as_ptr().cast(), 0) } == 0 {
                return Err(not_flushed(OsError::last("FlushViewOfFile")));
            }
        }
        file.flush()
    }

    /// Counts as closed for other processes from now on. The memory can still be used.
    pub(crate) fn leave(&self) {
        let Some(held) = self.held().take() else { return };
        if self.ends {
            self.control.set_ended();
            fault::point("close.ended");
        }
        participants::leave(&self.control, self.nonce);
        if let Some(file) = &self.file {
            file.unlock();
        }
        drop(held);
        fault::point("close.done");
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.leave();
    }
}
