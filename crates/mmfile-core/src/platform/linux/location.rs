//! Where an object is: in the folder of POSIX shared memory, in a folder of the caller's choice, or on
//! disk. On Linux all of them are files, with the control block behind the data.

use super::super::unix::location::{Folder, Location, Mapped, Staged, StagingName};
use super::super::unix::{folder, from_errno, limits, reserve, retry};
use super::kind::Kind;
use crate::control::layout::{CONTROL_SIZE, control_offset, object_size};
use crate::error::{Error, OsError, Result};
use crate::fault;
use crate::memory::{Access, Backing, Memory};
use crate::platform::Descriptor;
use crate::sync::PerProcess;
use std::collections::HashSet;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The folder of POSIX shared memory.
const DEFAULT_FOLDER: &str = "/dev/shm";
/// From this size on an object is created without a name, so that nothing is left of a creation that is
/// killed. Below it `shared_memory` creates it under a staging name.
const LARGE: u64 = 1 << 20;

impl Folder {
    /// The folder that the caller, the environment or the system names.
    pub(crate) fn of(directory: Option<&Path>) -> Result<Self> {
        Ok(match folder::chosen(directory)? {
            Some(path) if path != Path::new(DEFAULT_FOLDER) => Self { path, kind: Kind::Folder },
            _ => Self { path: DEFAULT_FOLDER.into(), kind: Kind::SharedMemory },
        })
    }
}

impl Location {
    /// The backing of an object's memory.
    pub(in crate::platform) fn backing(&self, fd: &OwnedFd) -> Backing {
        match self.kind {
            Kind::SharedMemory => Backing::Memory,
            Kind::Folder => reserve::backing(fd),
            Kind::Disk => match reserve::backing(fd) {
                Backing::Memory => Backing::SparseMemory,
                backing => backing,
            },
        }
    }

    /// Removes its name.
    pub(crate) fn unlink(&self) -> Result<()> {
        folder::unlink(&self.path, &self.id)
    }

    /// Its memory has no other name.
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "elsewhere it has")]
    pub(crate) fn unlink_memory(&self, _: &Descriptor) -> Result<()> {
        Ok(())
    }

    /// Maps what a lock descriptor is of, if the name still leads to it.
    pub(crate) fn map(&self, descriptor: &Descriptor, access: Access) -> Result<Option<Mapped>> {
        self.map_file(descriptor, access)
    }

    /// A copy of the control block of a lock descriptor's object, if the object is large enough to have one.
    pub(crate) fn copy_control(&self, descriptor: &Descriptor) -> Result<Option<Memory>> {
        self.copy_control_of_file(descriptor)
    }

    /// Whether an object has what a creation writes to one before it is published.
    pub(crate) fn is_staging(&self, descriptor: &Descriptor) -> Result<bool> {
        self.is_staging_file(descriptor)
    }

    /// Creates an object with room for `capacity` bytes of data that does not have its name yet. The
    /// memory is not reserved yet. `nonce` is in no other object's name. `None` if another process took it for
    /// a dead one's, and removed it, before it could be locked. `named` has it staged under a name, since one
    /// without could not be published.
    pub(crate) fn stage(&self, capacity: u64, nonce: u64, named: bool) -> Result<Option<Staged>> {
        let Some(size) = object_size(capacity) else { return Err(self.no_space(capacity, None)) };
        limits::check_file_size(size)?;
        if !reserve::is_plausible(size) && self.is_in_memory() {
            return Err(self.no_space(capacity, None));
        }
        if self.kind == Kind::SharedMemory && size < LARGE {
            return self.stage_in_shared_memory(size, nonce);
        }
        let nameless = if named { None } else { self.stage_without_name(size)? };
        nameless.map_or_else(|| self.stage_file(size, nonce), |staged| Ok(Some(staged)))
    }

    /// Whether its folder keeps objects in memory alone.
    fn is_in_memory(&self) -> bool {
        let folder = || std::fs::File::open(self.folder().path).ok();
        match self.kind {
            Kind::SharedMemory => true,
            Kind::Folder => {
                folder().is_some_and(|it| reserve::backing(&it.into()) == Backing::Memory)
            }
            Kind::Disk => false,
        }
    }

    fn stage_in_shared_memory(&self, size: u64, nonce: u64) -> Result<Option<Staged>> {
        let at = self.staging(nonce);
        let memory = self.create_memory(format!("/{}", at.name()), size)?;
        fault::point("stage.made");
        let at = StagingName::new(at);
        let Some(descriptor) = at.open()? else { return Ok(None) };
        Ok(Some(Staged { descriptor, memory, at: Some(at) }))
    }

    /// `None` where that does not work.
    fn stage_without_name(&self, size: u64) -> Result<Option<Staged>> {
        let folder = self.folder();
        if LINKS_REFUSED.with(|folders| folders.contains(&folder.path)) != Some(false) {
            return Ok(None);
        }
        let opened = folder::open(&folder.path, libc::O_RDWR | libc::O_TMPFILE, &self.id);
        let (fd, stat) = match opened {
            Err(Error::Unsupported { .. }) => return Ok(None),
            // The errors of a kernel or file system without such files, and of a confinement by names such as a
            // snap's.
            Err(Error::Access {
                os: Some(OsError { errno: libc::EISDIR | libc::EINVAL | libc::EACCES, .. }),
                ..
            }) => {
                return Ok(None);
            }
            opened => opened?,
        };
        folder::correct_mode(&fd, &stat, &self.id)?;
        fault::point("stage.made");
        // Another description of it, for the locks.
        let Ok(descriptor) = folder::open_descriptor(&link_of(&fd), libc::O_RDWR, &self.id) else {
            return Ok(None);
        };
        let memory = self.size_and_map(&fd, size)?;
        Ok(Some(Staged { descriptor, memory, at: None }))
    }

    /// Reserves the memory of a staged object, so that writing to it cannot fail later.
    pub(crate) fn reserve(&self, staged: &Staged, capacity: u64) -> Result<()> {
        let fd = staged.descriptor.fd();
        let (control, size) =
            (control_offset(capacity).unwrap_or(0), object_size(capacity).unwrap_or(0));
        let reserved = match self.kind {
            Kind::Disk => reserve::allocate(fd, size),
            Kind::SharedMemory | Kind::Folder => reserve::fill(fd, 0, capacity)
                .and_then(|()| reserve::fill(fd, control, CONTROL_SIZE)),
        };
        reserved.map_err(|os| self.refused(os, capacity))?;
        // Of a file system that writes each block to a new place, this is more than what was reserved.
        staged.memory.provide(control, CONTROL_SIZE)
    }

    /// Reserves again what a copy of a file on disk may have left out: holes where there were zeros.
    pub(crate) fn reserve_holes(&self, descriptor: &Descriptor) -> Result<()> {
        reserve::holes(descriptor.fd()).map_err(|os| {
            let needed = "the room on disk that the file has reserved for its segments, and lost when it \
                          was copied without its zeros: make room, or open it with `access: 'read'`";
            Error::NoSpace { needed: needed.into(), os: Some(os) }
        })
    }

    /// Gives a staged object its name, which nothing may have yet: [`Error::Exists`]. `false` if it has to
    /// be staged again.
    pub(crate) fn publish(&self, staged: &mut Staged) -> Result<bool> {
        match &mut staged.at {
            Some(at) => at.publish(self),
            None => self.link(staged),
        }
    }

    fn link(&self, staged: &Staged) -> Result<bool> {
        let (from, to) =
            (folder::c_string(&link_of(staged.descriptor.fd()))?, folder::c_string(&self.path)?);
        let linked = retry(|| {
            let (here, flags) = (libc::AT_FDCWD, libc::AT_SYMLINK_FOLLOW);
            // SAFETY: both are NUL-terminated strings that outlive the call.
            unsafe { libc::linkat(here, from.as_ptr(), here, to.as_ptr(), flags) }
        });
        match linked {
            Ok(_) => Ok(true),
            Err(libc::EEXIST) => Err(Error::Exists { id: self.id.clone() }),
            Err(errno @ (libc::ENOSPC | libc::EDQUOT | libc::EROFS | libc::ENAMETOOLONG)) => {
                Err(from_errno(OsError { syscall: "linkat", errno }, &self.id, 0))
            }
            // Under a name, then; of a file system or a sandbox that refuses the call, the next ones, too.
            Err(errno) => {
                if REFUSALS.contains(&errno) {
                    LINKS_REFUSED.with(|folders| folders.insert(self.folder().path));
                }
                Ok(false)
            }
        }
    }

    pub(in crate::platform) fn no_space(&self, capacity: u64, os: Option<OsError>) -> Error {
        // A mutex has no data.
        let capacity = if capacity == 0 { CONTROL_SIZE } else { capacity };
        let needed = match self.kind {
            Kind::Disk => {
                format!("{capacity} bytes on the disk (make room, or choose another one)")
            }
            Kind::SharedMemory => format!(
                "{capacity} bytes of shared memory in /dev/shm (enlarge it, in a container with \
                 --shm-size, or name another folder with `directory`)"
            ),
            Kind::Folder => format!(
                "{capacity} bytes in {} (make room, or name another folder with `directory`)",
                self.folder().path.display()
            ),
        };
        Error::NoSpace { needed, os }
    }
}

/// The folders in which an object without a name cannot get one.
static LINKS_REFUSED: PerProcess<HashSet<PathBuf>> = PerProcess::new();
/// The errors that will be the same the next time.
const REFUSALS: [i32; 5] =
    [libc::EPERM, libc::EACCES, libc::ENOSYS, libc::EOPNOTSUPP, libc::EINVAL];

fn link_of(fd: &OwnedFd) -> PathBuf {
    format!("/proc/self/fd/{}", fd.as_raw_fd()).into()
}
