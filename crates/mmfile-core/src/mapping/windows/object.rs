//! An open object, a section or a file on disk: what it is, and who has it open.

use super::disk::DiskFile;
use super::kernel::Kernel;
use super::view::RawView;
use crate::control::layout::{OFF_STATE, STATE_ENDED};
use crate::error::{Error, OsError, Result};
use crate::mapping::{Access, Identity, Mapping};
use std::os::windows::io::{AsHandle, BorrowedHandle, OwnedHandle};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use windows_sys::Win32::System::Memory::{FILE_MAP_READ, FlushViewOfFile};

/// An open object. Whoever has one counts as alive until the kernel closes it, however the process
/// ends.
#[derive(Debug)]
pub(crate) struct Object {
    pub(super) what: What,
    /// Opened with the first look at it.
    pub(super) kernel: OnceLock<Arc<Kernel>>,
}

#[derive(Debug)]
pub(super) enum What {
    /// The section that holds the data.
    Data(OwnedHandle),
    /// The section of a control block, with a view of it.
    Control { section: OwnedHandle, view: Arc<RawView>, lock: String },
    /// A file on disk.
    Disk(DiskFile),
}

impl Object {
    pub(super) fn new(what: What) -> Self {
        Self { what, kernel: OnceLock::new() }
    }

    /// The lock and the bells that belong to it. Those of a section must be there, those of a file on
    /// disk are made.
    pub(super) fn kernel(&self) -> Result<Arc<Kernel>> {
        if let Some(kernel) = self.kernel.get() {
            return Ok(Arc::clone(kernel));
        }
        let kernel = match &self.what {
            What::Control { lock, .. } => Kernel::open(lock, lock)?,
            What::Disk(file) => Kernel::create_or_open(&file.lock_name(), file.id())?,
            What::Data(_) => {
                return Err(Error::Unsupported { what: "a lock of data without a control block" });
            }
        };
        Ok(Arc::clone(self.kernel.get_or_init(|| kernel)))
    }

    /// Lends a section of it.
    pub(super) fn with_section<T>(
        &self,
        access: Access,
        work: impl FnOnce(BorrowedHandle<'_>) -> Result<T>,
    ) -> Result<T> {
        match &self.what {
            What::Data(section) | What::Control { section, .. } => work(section.as_handle()),
            What::Disk(file) => work(file.section(access)?.as_handle()),
        }
    }

    /// It is counted by its bells: nothing is left to do.
    pub(crate) fn announce(&self) {}

    /// Whether another process has it open. `None` where it cannot be told.
    pub(crate) fn others_are_here(&self) -> Option<bool> {
        self.kernel.get()?.others_are_here()
    }

    /// What tells this object from any other. A section has nothing but its name, which leads to no
    /// other one as long as anybody has it open.
    pub(crate) fn identity(&self) -> Identity {
        match &self.what {
            What::Data(_) | What::Control { .. } => Identity { device: 0, inode: 1 },
            What::Disk(file) => file.identity(),
        }
    }

    /// Its size in bytes, now; a section's in whole pages.
    pub(crate) fn size(&self) -> Result<u64> {
        match &self.what {
            What::Data(section) => {
                Ok(RawView::map(section.as_handle(), 0, 0, FILE_MAP_READ)?.len() as u64)
            }
            What::Control { view, .. } => Ok(view.len() as u64),
            What::Disk(file) => file.size(),
        }
    }

    /// The same, of an object whose name still leads to it.
    pub(crate) fn linked_size(&self) -> Result<Option<u64>> {
        Ok(if self.is_linked() { Some(self.size()?) } else { None })
    }

    /// Whether its name still leads to it for those who come now.
    pub(crate) fn is_linked(&self) -> bool {
        let What::Control { view, .. } = &self.what else { return true };
        let region = view.region();
        region
            .atomic_u32(OFF_STATE)
            .is_none_or(|state| state.load(Ordering::Acquire) != STATE_ENDED)
    }

    /// Ends a file: nobody can open it from now on. Its name stays with those who have it open, and
    /// goes with the last of them.
    pub(crate) fn unlink_if_same(&self, _name: &str) -> bool {
        let What::Control { view, .. } = &self.what else { return false };
        let region = view.region();
        let Some(state) = region.atomic_u32(OFF_STATE) else { return false };
        state.store(STATE_ENDED, Ordering::Release);
        true
    }

    /// Waits until everything that was written through these mappings is on the disk.
    pub(crate) fn sync(&self, mappings: [&Arc<Mapping>; 2]) -> Result<()> {
        let What::Disk(file) = &self.what else { return Ok(()) };
        for mapping in mappings {
            // SAFETY: the address is the start of a view that the mapping keeps; 0 stands for all of
            // it. A private view is flushed to nowhere.
            if unsafe { FlushViewOfFile(mapping.region().as_ptr().cast(), 0) } == 0 {
                let os = Some(OsError::last("FlushViewOfFile"));
                return Err(Error::NoSpace { needed: "durable storage".into(), os });
            }
        }
        file.flush()
    }

    /// Counts as alive from now on. `false` if somebody has it exclusively at this moment.
    pub(crate) fn share(&self) -> Result<bool> {
        match &self.what {
            What::Data(_) | What::Control { .. } => Ok(true),
            What::Disk(file) => file.lock(false),
        }
    }

    /// Takes the object for this handle alone. `false` if anybody else is alive, as somebody is who
    /// has a section open.
    pub(crate) fn try_exclusive(&self) -> Result<bool> {
        match &self.what {
            What::Data(_) | What::Control { .. } => Ok(false),
            What::Disk(file) => file.lock(true),
        }
    }

    /// Whoever has a section open keeps it there, announced or not.
    #[allow(clippy::unused_self, reason = "other platforms look")]
    pub(crate) fn is_announced(&self) -> Option<bool> {
        None
    }

    /// Counts as alive no more.
    pub(crate) fn unshare(&self) {
        if let What::Disk(file) = &self.what {
            file.unlock();
        }
    }

    /// The same: nobody is told in any other way.
    pub(crate) fn withdraw(&self) {
        self.unshare();
    }
}
