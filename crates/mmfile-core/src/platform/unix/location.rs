//! Where an object is: in a folder of named objects, or on disk. The common part of Linux and macOS; each of
//! them adds `Kind`, `set_size`, and the methods of `Folder` and `Location` in which they differ.

use super::{descriptor, folder, from_errno, identity_of, mmap, permissions};
use crate::control::layout::{CONTROL_SIZE, MAGIC, OFF_MAGIC};
use crate::error::{Error, OsError, Result};
use crate::ids::staging_name;
use crate::memory::{Access, Backing, Block, Memory, Region};
use crate::platform::{Descriptor, Identity, Kind, ViewSource, set_size};
use shared_memory::{Shmem, ShmemConf, ShmemError};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

/// A folder of named objects.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(in crate::platform) path: PathBuf,
    pub(in crate::platform) kind: Kind,
}

impl Folder {
    /// Identifies the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the object of a name is.
    pub(crate) fn location(&self, name: &str) -> Location {
        let path = self.path.join(&*self.kind.file_of(name));
        Location { path, id: name.into(), kind: self.kind }
    }

    /// The error of a failed call in it, or of a creation: it says what is wrong with the folder, if that is
    /// the reason.
    pub(crate) fn explain(&self, error: Error, creates: bool) -> Error {
        let os = match error {
            Error::NotFound { .. } => None,
            Error::Access { os: Some(os), .. } => Some(os),
            _ => return error,
        };
        folder::fault_of(&self.path, os, creates).unwrap_or(error)
    }

    /// The names in it, in no order, as they are read.
    pub(crate) fn names(&self) -> Result<impl Iterator<Item = String> + Send + use<>> {
        let entries = std::fs::read_dir(&self.path).map_err(|error| {
            let os = OsError { syscall: "opendir", errno: error.raw_os_error().unwrap_or(0) };
            self.explain(from_errno(os, &self.path.to_string_lossy(), 0), false)
        })?;
        let kind = self.kind;
        Ok(entries.filter_map(move |it| kind.name_of(it.ok()?.file_name().into_string().ok()?)))
    }
}

/// Where one object is.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub(in crate::platform) path: PathBuf,
    /// Its name in messages.
    pub(in crate::platform) id: String,
    pub(in crate::platform) kind: Kind,
}

/// An object that is mapped.
pub(crate) struct Mapped {
    /// The data, the gap and the control block.
    pub(crate) memory: Memory,
    /// For more mappings.
    pub(crate) descriptor: Option<ViewSource>,
}

/// An object that does not have its name yet. Dropped, it is gone.
pub(crate) struct Staged {
    pub(crate) descriptor: Descriptor,
    pub(crate) memory: Memory,
    /// The name that it has until then, if it has one.
    pub(in crate::platform) at: Option<StagingName>,
}

impl Staged {
    /// Whether a process that is killed leaves something of it.
    pub(crate) fn has_name(&self) -> bool {
        self.at.is_some()
    }
}

/// The name of a staged object, which is removed unless the object has got its own.
pub(in crate::platform) struct StagingName {
    pub(in crate::platform) location: Location,
    published: bool,
}

impl StagingName {
    pub(in crate::platform) fn new(location: Location) -> Self {
        Self { location, published: false }
    }

    /// A lock descriptor of the object. `None` if the name is gone.
    pub(in crate::platform) fn open(&self) -> Result<Option<Descriptor>> {
        let Location { path, id, .. } = &self.location;
        let open = || folder::open_descriptor(path, libc::O_RDWR | libc::O_NOFOLLOW, id);
        let opened = match open() {
            Err(Error::Access { os: Some(OsError { errno: libc::EACCES, .. }), .. }) => {
                folder::allow(path)?;
                open()
            }
            opened => opened,
        };
        match opened {
            Err(Error::NotFound { .. }) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Gives the object its own name, which nothing may have yet: [`Error::Exists`]. `false` if it has lost
    /// this one.
    pub(in crate::platform) fn publish(&mut self, to: &Location) -> Result<bool> {
        match folder::rename_exclusively(&self.location.path, &to.path, &to.id) {
            Ok(()) => {
                self.published = true;
                Ok(true)
            }
            // Another process took it for a dead one's, before it was locked.
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Drop for StagingName {
    fn drop(&mut self) {
        if !self.published {
            let _ = self.location.unlink();
        }
    }
}

impl Location {
    /// The location of a file on disk.
    pub(crate) fn on_disk(path: &Path) -> Self {
        Self { path: path.into(), id: path.to_string_lossy().into_owned(), kind: Kind::Disk }
    }

    /// The same with the name that a caller knows it by.
    pub(crate) fn known_as(mut self, id: &str) -> Self {
        self.id = id.into();
        self
    }

    /// Its name in messages.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The folder that it is in.
    pub(crate) fn folder(&self) -> Folder {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Folder { path: parent.unwrap_or(Path::new(".")).into(), kind: self.kind }
    }

    /// Its name in that folder.
    pub(crate) fn name(&self) -> String {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.kind.name_of(file).unwrap_or_default()
    }

    /// The staging location of an object. No other staging object has the number.
    pub(in crate::platform) fn staging(&self, number: u64) -> Self {
        self.folder().location(&staging_name(&self.name(), number)).known_as(&self.id)
    }

    /// The path without links and dots, as to pass it to other processes.
    pub(crate) fn full_path(&self) -> PathBuf {
        std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }

    /// Opens the object that is there, for locks.
    pub(crate) fn open(&self) -> Result<Descriptor> {
        Descriptor::open(|| self.open_with(libc::O_RDWR), &self.id)
    }

    /// The same for a file that may only be read.
    pub(crate) fn open_read_only(&self) -> Result<Descriptor> {
        Descriptor::open(|| self.open_with(libc::O_RDONLY), &self.id)
    }

    /// Whether anything is there.
    pub(crate) fn exists(&self) -> Result<bool> {
        Ok(folder::identity_at(&self.path, &self.id)?.is_some())
    }

    /// Whether its name leads to the object of that identity.
    pub(crate) fn leads_to(&self, identity: Identity) -> Result<bool> {
        Ok(folder::identity_at(&self.path, &self.id)? == Some(identity))
    }

    pub(in crate::platform) fn open_with(&self, flags: i32) -> Result<(OwnedFd, libc::stat)> {
        if self.kind == Kind::Disk {
            return folder::open(&self.path, flags, &self.id);
        }
        let opened = folder::open(&self.path, flags | libc::O_NOFOLLOW, &self.id)?;
        permissions::check_regular(&opened.1, &self.id)?;
        permissions::check_private(&opened.1, &self.id)?;
        Ok(opened)
    }

    /// Maps the file of a lock descriptor, if the name still leads to it.
    pub(in crate::platform) fn map_file(
        &self,
        descriptor: &Descriptor,
        access: Access,
    ) -> Result<Option<Mapped>> {
        let map = |fd: &_, size| map_object(fd, size, access);
        let mapped = self.map_with(descriptor, libc::O_RDWR, map)?;
        // A handle that reads maps more through the descriptor, one that writes may write through it.
        Ok(mapped.map(|mapped| match mapped.descriptor {
            Some(fd) if access == Access::ReadWrite => {
                let memory = match mapped.memory.backing() {
                    Backing::Written => mapped.memory.of_file(fd.into()),
                    _ => mapped.memory,
                };
                Mapped { memory, descriptor: None }
            }
            _ => mapped,
        }))
    }

    /// Maps a file that may only be read.
    pub(crate) fn map_read_only(&self, descriptor: &Descriptor) -> Result<Option<Mapped>> {
        self.map_with(descriptor, libc::O_RDONLY, mmap::map_read_only)
    }

    fn map_with(
        &self,
        descriptor: &Descriptor,
        flags: i32,
        map: impl FnOnce(&OwnedFd, u64) -> Result<Memory>,
    ) -> Result<Option<Mapped>> {
        // Of another description than the locks': a mapping would keep them.
        let (fd, stat) = match self.open_with(flags) {
            Err(Error::NotFound { .. }) => return Ok(None),
            opened => opened?,
        };
        if identity_of(&stat) != descriptor.identity() {
            return Ok(None);
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        if size < CONTROL_SIZE {
            return Err(Error::access(&self.id, "something else stands at its name"));
        }
        let memory = map(&fd, size)?.backed_by(self.backing(&fd));
        Ok(Some(Mapped { memory, descriptor: Some(fd) }))
    }

    /// A copy of the control block of a file, if it is large enough to have one.
    pub(in crate::platform) fn copy_control_of_file(
        &self,
        descriptor: &Descriptor,
    ) -> Result<Option<Memory>> {
        self.copy_control_at(descriptor, descriptor.size()?)
    }

    fn copy_control_at(&self, descriptor: &Descriptor, size: u64) -> Result<Option<Memory>> {
        let Some(offset) = size.checked_sub(CONTROL_SIZE) else { return Ok(None) };
        let memory = mmap::heap(CONTROL_SIZE);
        let region = memory.region();
        // SAFETY: the region is private and writable for its length.
        let bytes = unsafe { std::slice::from_raw_parts_mut(region.as_ptr(), region.len()) };
        match descriptor::read_at(descriptor.fd(), bytes, offset) {
            Ok(read) if read == region.len() => Ok(Some(memory)),
            read => {
                let (id, os) = (self.id.clone(), read.err());
                Err(Error::Access { id, reason: "it cannot be read", os })
            }
        }
    }

    /// Whether a file has what a creation writes to one: nothing, or a control block that is complete or has no
    /// mark yet, which comes last.
    pub(in crate::platform) fn is_staging_file(&self, descriptor: &Descriptor) -> Result<bool> {
        let size = descriptor.size()?;
        if size == 0 {
            return Ok(true);
        }
        let control = self.copy_control_at(descriptor, size)?;
        let magic = control.and_then(|memory| {
            let magic = Block::of(memory.region())?.atomic_u64(OFF_MAGIC)?.load(Ordering::Relaxed);
            Some(magic)
        });
        Ok(magic.is_some_and(|magic| magic == 0 || magic == MAGIC))
    }

    /// Creates a file under a staging name. `None` if the name is gone before it could be opened.
    pub(in crate::platform) fn stage_file(&self, size: u64, number: u64) -> Result<Option<Staged>> {
        let at = self.staging(number);
        let flags = libc::O_RDWR | libc::O_NOFOLLOW | libc::O_CREAT | libc::O_EXCL;
        let (fd, _) = folder::open(&at.path, flags, &self.id)?;
        crate::fault::point("stage.made");
        let at = StagingName::new(at);
        let Some(descriptor) = at.open()? else { return Ok(None) };
        let memory = self.size_and_map(&fd, size)?;
        Ok(Some(Staged { descriptor, memory, at: Some(at) }))
    }

    pub(in crate::platform) fn size_and_map(&self, fd: &OwnedFd, size: u64) -> Result<Memory> {
        set_size(fd, size).map_err(|os| self.refused(os, size))?;
        let backing = self.backing(fd);
        let memory = mmap::map_shared(fd, size, 0)?;
        if backing != Backing::Written {
            return Ok(memory.backed_by(backing));
        }
        Ok(match fd.try_clone() {
            Ok(file) => memory.backed_by(backing).of_file(file.into()),
            Err(_) => memory.backed_by(Backing::Moved),
        })
    }

    /// Creates shared memory of that name and size, whose name its caller removes.
    pub(in crate::platform) fn create_memory(&self, name: String, size: u64) -> Result<Memory> {
        let Ok(length) = usize::try_from(size) else { return Err(self.no_space(size, None)) };
        let mut shmem = ShmemConf::new()
            .os_id(name)
            .size(length)
            .create()
            .map_err(|error| self.refused(from_shmem(&error), size))?;
        // Dropping it would remove the name.
        shmem.set_owner(false);
        memory_of(shmem, length).ok_or_else(|| self.no_space(size, None))
    }

    /// The error of a call that was to provide room for so many bytes.
    pub(in crate::platform) fn refused(&self, os: OsError, size: u64) -> Error {
        match from_errno(os, &self.id, size) {
            Error::NoSpace { os, .. } => self.no_space(size, os),
            // A file that was made and cannot be written to as others are: hugetlbfs.
            Error::Access { os, .. } if os.is_some_and(|os| os.errno == libc::EINVAL) => {
                let folder = self.folder();
                let what = format!(
                    "objects in '{}', whose file system refuses a call: name another folder with \
                     `directory`",
                    folder.path.display()
                );
                Error::Unsupported { what: what.into(), os }
            }
            other => other,
        }
    }
}

/// Shared memory of an object of that size; of its data, a reader's cannot be written to.
pub(in crate::platform) fn map_object(fd: &OwnedFd, size: u64, access: Access) -> Result<Memory> {
    let data = size.saturating_sub(CONTROL_SIZE);
    mmap::map_shared(fd, size, if access == Access::Read { data } else { 0 })
}

fn memory_of(shmem: Shmem, length: usize) -> Option<Memory> {
    let base = NonNull::new(shmem.as_ptr())?;
    if shmem.len() < length {
        return None;
    }
    // SAFETY: `shmem` keeps at least `length` readable and writable bytes mapped for as long as it lives,
    // and any thread may drop it.
    Some(unsafe { Memory::new(Region::new(base, length), shmem) })
}

/// `shared_memory` reports the number of an error and not always the call: a lack of memory is `mmap`'s.
fn from_shmem(error: &ShmemError) -> OsError {
    let (syscall, errno) = match *error {
        ShmemError::MapCreateFailed(n) | ShmemError::MapOpenFailed(n) => ("shm_open", n),
        ShmemError::UnknownOsError(n) => ("ftruncate", n),
        _ => ("shm_open", 0),
    };
    match i32::try_from(errno).unwrap_or(0) {
        errno @ (libc::ENOMEM | libc::EAGAIN | libc::ENODEV) => OsError { syscall: "mmap", errno },
        errno => OsError { syscall, errno },
    }
}
