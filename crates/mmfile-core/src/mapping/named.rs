//! POSIX shared memory by name. `shared_memory` makes the objects and maps them for their creators; what it
//! has no call for is done on a descriptor of our own: reserving the memory, checking whose it is, the
//! advisory locks that tell who is alive, and mapping exactly what was checked.

use super::object::{Object, from_errno, fstat, retry};
use super::own::map_part;
use super::{Access, Backing, Mapping, Region, reserve};
use crate::error::{Error, OsError, Result};
use crate::fault;
use shared_memory::{Shmem, ShmemConf, ShmemError};
use std::ffi::CString;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::NonNull;

/// Whether a name stays when every process that knew it is dead.
pub(crate) const NAMES_OUTLIVE_PROCESSES: bool = true;

/// What the size of an object is that was made for so many bytes.
pub(crate) fn size_of_named(capacity: u64) -> u64 {
    capacity
}

/// The user on whose behalf this process acts; objects of any other are not touched.
pub(crate) fn current_user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Makes an object that nobody has yet, reserves its memory and maps it.
///
/// The name is taken away again when anything after its creation fails.
pub(crate) fn create_named(name: &str, size: u64, id: &str) -> Result<(Object, Mapping)> {
    let no_space = |os| Error::NoSpace { needed: format!("{size} bytes of shared memory"), os };
    let Ok(length) = usize::try_from(size) else { return Err(no_space(None)) };
    if isize::try_from(size).is_err() || !reserve::is_plausible(size) {
        return Err(no_space(None));
    }
    let mut shmem =
        ShmemConf::new().os_id(path_of(name)).size(length).create().map_err(|e| match e {
            ShmemError::MappingIdExists => Error::Exists { id: id.into() },
            other => from_shmem(other, id, size),
        })?;
    fault::point("named.sized");
    // While it owns the object, dropping `shmem` takes the name away: right until all is done.
    let object = Object::open(name, Access::ReadWrite, id)?;
    reserve::fill(object.fd(), size).map_err(|os| no_space(Some(os)))?;
    fault::point("named.filled");
    shmem.set_owner(false);
    match from_shmem_mapping(shmem, length) {
        Some(mapping) => Ok((object, mapping)),
        None => {
            object.unlink_if_same(name);
            Err(no_space(None))
        }
    }
}

/// Maps an open object, all of it.
///
/// The mapping is of the very object that was checked when it was opened, even if the name has moved on.
pub(crate) fn open_named(_: &str, object: &Object, access: Access, id: &str) -> Result<Mapping> {
    match object.size()? {
        0 => Err(Error::NotFound { id: id.into() }),
        size => map_part(object, 0, size, access),
    }
}

fn from_shmem_mapping(shmem: Shmem, length: usize) -> Option<Mapping> {
    let base = NonNull::new(shmem.as_ptr())?;
    if shmem.len() < length {
        return None;
    }
    // SAFETY: `shmem` keeps at least `length` readable and writable bytes at a page boundary mapped
    // for as long as it lives, and it is moved into the mapping that the region belongs to.
    let region = unsafe { Region::new(base, length) };
    Some(Mapping::of(region, Backing::Shmem(shmem)))
}

fn path_of(name: &str) -> String {
    format!("/{name}")
}

/// `shared_memory` tells the number of an error and not always the call: a lack of memory is `mmap`'s.
fn from_shmem(error: ShmemError, id: &str, size: u64) -> Error {
    let (syscall, errno) = match error {
        ShmemError::MapCreateFailed(n) | ShmemError::MapOpenFailed(n) => ("shm_open", n),
        ShmemError::UnknownOsError(n) => ("ftruncate", n),
        _ => ("shm_open", 0),
    };
    let errno = i32::try_from(errno).unwrap_or(0);
    let syscall = if matches!(errno, libc::ENOMEM | libc::EAGAIN) { "mmap" } else { syscall };
    from_errno(OsError { syscall, errno }, id, size)
}

impl Object {
    /// Opens the object of that name, if it is a shared memory object of this user and of nobody
    /// else's making.
    pub(crate) fn open(name: &str, access: Access, id: &str) -> Result<Self> {
        let flags = if access == Access::Read { libc::O_RDONLY } else { libc::O_RDWR };
        Self::open_with(name, flags, id)
    }

    /// As [`Object::open`], making an empty one where there is none.
    pub(crate) fn open_or_create(name: &str, id: &str) -> Result<Self> {
        Self::open_with(name, libc::O_RDWR | libc::O_CREAT, id)
    }

    fn open_with(name: &str, flags: i32, id: &str) -> Result<Self> {
        let refuse = |reason| Error::Access { id: id.into(), reason, os: None };
        let path = CString::new(path_of(name)).map_err(|_| refuse("its name is no name"))?;
        let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK;
        let raw = retry(|| {
            // SAFETY: `path` is a NUL-terminated string that outlives the call.
            unsafe { libc::shm_open(path.as_ptr(), flags, 0o600) }
        })
        .map_err(|errno| from_errno(OsError { syscall: "shm_open", errno }, id, 0))?;
        // SAFETY: a descriptor that was opened just now and belongs to nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(raw) };
        let stat = fstat(&fd)?;
        if stat.st_uid != current_user() {
            return Err(refuse("it belongs to another user"));
        }
        if stat.st_mode & 0o077 != 0 && stat.st_mode & libc::S_IFMT == libc::S_IFREG {
            return Err(refuse("its permissions let other users in"));
        }
        Self::examined(fd, &stat, id)
    }
}

/// Takes a name away, whatever it leads to.
pub(crate) fn unlink(name: &str) -> bool {
    let Ok(path) = CString::new(path_of(name)) else { return false };
    fault::point("unlink.begin");
    // SAFETY: a NUL-terminated string that outlives the call.
    let done = unsafe { libc::shm_unlink(path.as_ptr()) == 0 };
    fault::point("unlink.done");
    done
}

/// Takes the name of an object without memory away, which is no different here.
pub(crate) fn unlink_bare(name: &str) -> bool {
    unlink(name)
}

/// A name goes in one step: no removal is ever half done.
pub(crate) fn clear_up() {}

/// The names of all objects, of whichever user and program.
#[cfg(target_os = "linux")]
pub(crate) fn list_named() -> Result<Vec<String>> {
    const FOLDER: &str = "/dev/shm";
    let entries = match std::fs::read_dir(FOLDER) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let errno = error.raw_os_error().unwrap_or(0);
            return Err(from_errno(OsError { syscall: "opendir", errno }, FOLDER, 0));
        }
        entries => entries.into_iter().flatten(),
    };
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
}
