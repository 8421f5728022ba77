//! Where an object is: beside its anchor, or on disk.
//!
//! Shared memory has a name of at most 31 characters there and can be neither listed, nor locked, nor told
//! from another. So each object has an *anchor*, a small file of its whole name. The anchor is the object for
//! everything but the memory: its identity, its locks, its name. It records the memory's name before the
//! memory exists, and is removed after it: wherever a process dies in between, the anchor still names the
//! remains. docs/decisions/0012-macos.md gives the reasons.

use super::super::unix::location::{Folder, Location, Mapped, Staged, StagingName, map_object};
use super::super::unix::{folder, limits, mmap, permissions, retry};
use super::anchor::Record;
use super::kind::Kind;
use super::system;
use crate::control::layout::{
    CONTROL_SIZE, MAGIC, OFF_MAGIC, OFF_STATE, STATE_ENDED, control_offset_of, object_size,
};
use crate::error::{Error, OsError, Result};
use crate::fault;
use crate::memory::{Access, Backing, Block, Memory};
use crate::object::files::liveness::join;
use crate::platform::Descriptor;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::atomic::Ordering;

impl Folder {
    /// The folder that the caller, the environment or the system names. The last is made where it is
    /// missing, and refused if other users may enter it.
    pub(crate) fn of(directory: Option<&Path>) -> Result<Self> {
        let kind = Kind::Anchored;
        if let Some(path) = folder::chosen(directory)? {
            return Ok(Self { path, kind });
        }
        let path = system::default_folder()?;
        let id = path.to_string_lossy();
        let open =
            || folder::open(&path, libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW, &id);
        let opened = match open() {
            Err(Error::NotFound { .. }) => {
                // Another process may make it at the same moment.
                let _ = std::fs::DirBuilder::new().mode(0o700).create(&path);
                open()
            }
            opened => opened,
        };
        permissions::check_private(&opened?.1, &id)?;
        Ok(Self { path, kind })
    }
}

impl Location {
    /// The backing of an object's memory. No call tells whether a block of a file can be stored to.
    pub(in crate::platform) fn backing(&self, _: &OwnedFd) -> Backing {
        match self.kind {
            Kind::Anchored => Backing::Memory,
            Kind::Disk => Backing::Kept,
        }
    }

    /// There is no call that says where the holes of a file are and provides them.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "elsewhere there is")]
    pub(crate) fn reserve_holes(&self, _: &Descriptor) -> Result<()> {
        Ok(())
    }

    /// Removes its name, after the name of its memory.
    pub(crate) fn unlink(&self) -> Result<()> {
        if self.kind == Kind::Anchored
            && let Ok(anchor) = self.open()
        {
            self.unlink_memory(&anchor)?;
            fault::point("anchor.freed");
        }
        folder::unlink(&self.path, &self.id)
    }

    /// Removes the name of the memory of an object that has lost its own, or is about to lose it.
    pub(crate) fn unlink_memory(&self, anchor: &Descriptor) -> Result<()> {
        if self.kind == Kind::Anchored
            && let Some(record) = Record::of(anchor, &self.id)?
        {
            record.unlink();
        }
        Ok(())
    }

    /// Maps what a lock descriptor is of, if the name still leads to it.
    pub(crate) fn map(&self, descriptor: &Descriptor, access: Access) -> Result<Option<Mapped>> {
        if self.kind == Kind::Disk {
            return self.map_file(descriptor, access);
        }
        let Some(record) = Record::of(descriptor, &self.id)? else {
            return Err(Error::access(&self.id, "something else stands at its name"));
        };
        if !self.leads_to(descriptor.identity())? {
            return Ok(None);
        }
        let Some(fd) = record.open(libc::O_RDWR, &self.id)? else {
            return Err(Error::not_found(&self.id)); // its remover died on the way
        };
        let memory = map_object(&fd, record.size, access)?;
        Ok(Some(Mapped { memory, descriptor: None }))
    }

    /// The control block of a lock descriptor's object, if the object is large enough to have one. An object
    /// whose memory is gone has ended.
    pub(crate) fn copy_control(&self, descriptor: &Descriptor) -> Result<Option<Memory>> {
        if self.kind == Kind::Disk {
            return self.copy_control_of_file(descriptor);
        }
        let Some(record) = Record::of(descriptor, &self.id)? else { return Ok(None) };
        let Some(fd) = record.open(libc::O_RDONLY, &self.id)? else { return Ok(Some(ended())) };
        let Some(offset) = control_offset_of(record.size) else { return Ok(None) };
        Ok(mmap::map_read_only(&fd, record.size)?.part(offset, CONTROL_SIZE))
    }

    /// Whether an object has what a creation writes to one before it is published.
    pub(crate) fn is_staging(&self, descriptor: &Descriptor) -> Result<bool> {
        match self.kind {
            Kind::Disk => self.is_staging_file(descriptor),
            Kind::Anchored => Ok(Record::of(descriptor, &self.id)?.is_some()),
        }
    }

    /// Creates an object with room for `capacity` bytes of data that does not have its name yet. The
    /// memory is not reserved yet. `nonce` is in no other object's name. `None` if another process took it for
    /// a dead one's, and removed it, before it could be locked.
    pub(crate) fn stage(&self, capacity: u64, nonce: u64, _: bool) -> Result<Option<Staged>> {
        let Some(size) = object_size(capacity) else { return Err(self.no_space(capacity, None)) };
        if self.kind == Kind::Anchored && !system::is_plausible(size) {
            return Err(self.no_space(capacity, None));
        }
        match self.kind {
            Kind::Disk => limits::check_file_size(size).and_then(|()| self.stage_file(size, nonce)),
            Kind::Anchored => self.stage_anchored(size, nonce),
        }
    }

    fn stage_anchored(&self, size: u64, nonce: u64) -> Result<Option<Staged>> {
        let record = Record { number: uuid::Uuid::new_v4().as_u64_pair().1, size };
        let at = self.staging(record.number);
        let flags = libc::O_RDWR | libc::O_NOFOLLOW | libc::O_CREAT | libc::O_EXCL;
        let descriptor = folder::open_descriptor(&at.path, flags, &self.id)?;
        fault::point("stage.made");
        let at = StagingName::new(at);
        // From here on no process takes it for a dead one's. One that did so before removes it, and would
        // leave the memory.
        if !join(&descriptor, nonce)? || !at.location.leads_to(descriptor.identity())? {
            return Ok(None);
        }
        record.write(&descriptor).map_err(|os| self.refused(os, size))?;
        fault::point("anchor.recorded");
        let memory = self.create_memory(record.name(), size)?;
        fault::point("anchor.memory");
        Ok(Some(Staged { descriptor, memory, at: Some(at) }))
    }

    /// Has the system provide the memory of a staged object, as far as it can be asked to.
    pub(crate) fn reserve(&self, staged: &Staged, capacity: u64) -> Result<()> {
        match self.kind {
            Kind::Disk => Ok(()), // when its size was set
            Kind::Anchored => fill(&staged.memory).map_err(|os| self.refused(os, capacity)),
        }
    }

    /// Gives a staged object its name, which nothing may have yet: [`Error::Exists`]. `false` if it has to be
    /// staged again.
    pub(crate) fn publish(&self, staged: &mut Staged) -> Result<bool> {
        staged.at.as_mut().map_or(Ok(false), |at| at.publish(self))
    }

    pub(in crate::platform) fn no_space(&self, capacity: u64, os: Option<OsError>) -> Error {
        // A mutex has no data.
        let capacity = if capacity == 0 { CONTROL_SIZE } else { capacity };
        let needed = match self.kind {
            Kind::Anchored => format!("{capacity} bytes of shared memory"),
            Kind::Disk => {
                format!("{capacity} bytes on the disk (make room, or choose another one)")
            }
        };
        Error::NoSpace { needed, os }
    }
}

/// The control block of an object that has ended, of which nothing else is known.
fn ended() -> Memory {
    let memory = mmap::heap(CONTROL_SIZE);
    if let Some(block) = Block::of(memory.region())
        && let (Some(magic), Some(state)) =
            (block.atomic_u64(OFF_MAGIC), block.atomic_u32(OFF_STATE))
    {
        magic.store(MAGIC, Ordering::Relaxed);
        state.store(STATE_ENDED, Ordering::Relaxed);
    }
    memory
}

/// Makes the kernel write zeros to new memory: it reports when there is no more, where a store would raise a
/// signal.
fn fill(memory: &Memory) -> std::result::Result<(), OsError> {
    const CHUNK: usize = 1 << 16;
    let error = |syscall, errno| OsError { syscall, errno };
    let zeros: OwnedFd = std::fs::File::open("/dev/zero")
        .map_err(|it| error("open", it.raw_os_error().unwrap_or(0)))?
        .into();
    let region = memory.region();
    let mut done = 0;
    while done < region.len() {
        let count = CHUNK.min(region.len() - done);
        // SAFETY: the descriptor is open, and that part of the region is writable.
        let read = retry(|| unsafe {
            let read = libc::read(zeros.as_raw_fd(), region.as_ptr().add(done).cast(), count);
            i32::try_from(read).unwrap_or(-1)
        });
        fault::point("fill.part");
        match read.map(usize::try_from) {
            Ok(Ok(read)) if read > 0 => done += read,
            _ => return Err(error("mmap", libc::ENOMEM)),
        }
    }
    Ok(())
}
