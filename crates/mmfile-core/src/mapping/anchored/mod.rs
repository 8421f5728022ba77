//! Shared memory by name where the memory itself can be neither listed, nor locked, nor told from another.
//!
//! On macOS an object of `shm_open` has memory and a name of at most 31 characters, and that is all: no
//! identity, no exact size, no locks, no folder to list. So each object has an *anchor*, a small file of
//! its whole name in a folder of this user's. The anchor is the object for everything but the memory: its
//! identity, its size (the file is as long as the object, and empty on the disk), the locks on its bytes,
//! and whether it is linked. docs/decisions/0012-macos.md has the whole story.
//!
//! The anchor comes first and goes last, under the registry's lock. Wherever a process dies on the way,
//! the anchor still tells what is left.

mod folder;
mod short;
#[cfg_attr(target_os = "macos", path = "apple.rs")]
#[cfg_attr(not(target_os = "macos"), path = "linux.rs")]
mod system;

use super::object::{Object, from_errno, fstat, retry};
use super::own::{self, OwnMapping};
use super::{Access, Backing, Mapping, Region, reserve};
use crate::error::{Error, OsError, Result};
use crate::fault;
use folder::Folder;
use shared_memory::{Shmem, ShmemConf, ShmemError};
use short::short_name;
use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
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
    if isize::try_from(size).is_err() || !reserve::is_plausible(size) {
        return Err(no_space(None));
    }
    let folder = Folder::open()?;
    let object = folder.anchor(name, libc::O_CREAT | libc::O_EXCL, id)?;
    fault::point("anchor.made");
    match make_memory(&folder, name, &object, size, id) {
        Ok(mapping) => Ok((object, mapping)),
        Err(error) => {
            folder.unlink(name);
            Err(error)
        }
    }
}

fn make_memory(
    folder: &Folder,
    name: &str,
    object: &Object,
    size: u64,
    id: &str,
) -> Result<Mapping> {
    let no_space = |os| Error::NoSpace { needed: format!("{size} bytes of shared memory"), os };
    // The memory of an object that had this name before, if its remover died.
    if folder.is_set_aside(name) {
        finish(folder, name);
    }
    let length = usize::try_from(size).map_err(|_| no_space(None))?;
    let mut shmem =
        ShmemConf::new().os_id(short_name(name)).size(length).create().map_err(|e| match e {
            // Its anchor is ours, and new: it is nobody's file.
            ShmemError::MappingIdExists => {
                let reason = "memory of another user or program stands at its name";
                Error::Access { id: id.into(), reason, os: None }
            }
            other => from_shmem(other, id, size),
        })?;
    // While it owns the memory, dropping `shmem` takes its name away: right until all is done.
    fault::point("anchor.memory");
    let memory = open_memory(name, size, Access::ReadWrite, id)?;
    reserve::fill_mapped(&memory, shmem.as_ptr(), length).map_err(|os| no_space(Some(os)))?;
    fault::point("anchor.filled");
    object.set_size(size)?;
    fault::point("anchor.sized");
    shmem.set_owner(false);
    let mapping = from_shmem_mapping(shmem, length).ok_or_else(|| no_space(None));
    if mapping.is_err() {
        unlink_memory(name);
    }
    Ok(mapping?.locked_by(object))
}

/// Opens and maps an object of this user.
///
/// The mapping is of the very object that `object` is open on, even if the name has moved on.
pub(crate) fn open_named(name: &str, object: &Object, access: Access, id: &str) -> Result<Mapping> {
    let size = object.size()?;
    if size == 0 {
        return Err(Error::NotFound { id: id.into() });
    }
    let memory = open_memory(name, size, access, id)?;
    let (protection, flags) = (own::protection(access), libc::MAP_SHARED);
    let mapping = OwnMapping::map(memory.as_raw_fd(), 0, size, protection, flags)?;
    // A name cannot come back to an anchor that it has left. As long as it leads to this one, the memory
    // of that name is this object's.
    if Object::open(name, access, id)?.identity() != object.identity() {
        return Err(Error::NotFound { id: id.into() });
    }
    Ok(mapping.locked_by(object))
}

/// A descriptor of an object's memory, if it is this user's alone and large enough.
fn open_memory(name: &str, size: u64, access: Access, id: &str) -> Result<OwnedFd> {
    let refuse = |reason| Err(Error::Access { id: id.into(), reason, os: None });
    let Ok(path) = CString::new(short_name(name)) else { return refuse("its name is no name") };
    let flags = if access == Access::Read { libc::O_RDONLY } else { libc::O_RDWR };
    let raw = retry(|| {
        // SAFETY: `path` is a NUL-terminated string that outlives the call.
        unsafe { libc::shm_open(path.as_ptr(), flags, 0) }
    })
    .map_err(|errno| from_errno(OsError { syscall: "shm_open", errno }, id, size))?;
    // SAFETY: a descriptor that was opened just now and belongs to nobody else.
    let fd = unsafe { OwnedFd::from_raw_fd(raw) };
    let stat = fstat(&fd)?;
    if stat.st_uid != current_user() {
        return refuse("it belongs to another user");
    }
    if stat.st_mode & 0o077 != 0 {
        return refuse("its permissions let other users in");
    }
    // The system may have rounded it up to pages.
    if u64::try_from(stat.st_size).unwrap_or(0) < size {
        return refuse("its memory is smaller than it should be");
    }
    Ok(fd)
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
    /// Opens the object of that name, if it is this user's. Its anchor can be written to whatever the
    /// access is, since its locks ask for that; the memory cannot.
    pub(crate) fn open(name: &str, _: Access, id: &str) -> Result<Self> {
        Folder::open()?.anchor(name, 0, id)
    }

    /// As [`Object::open`], making an empty one where there is none: an anchor without memory.
    pub(crate) fn open_or_create(name: &str, id: &str) -> Result<Self> {
        Folder::open()?.anchor(name, libc::O_CREAT, id)
    }
}

/// Takes a name away, whatever it leads to. Its caller has the registry.
pub(crate) fn unlink(name: &str) -> bool {
    let Ok(folder) = Folder::open() else { return false };
    let done = folder.set_aside(name);
    if done {
        fault::point("anchor.aside");
        finish(&folder, name);
    }
    done
}

/// Takes the name of an object without memory away.
pub(crate) fn unlink_bare(name: &str) -> bool {
    Folder::open().is_ok_and(|folder| folder.unlink(name))
}

/// Ends removals whose processes have died. Its caller has the registry, so nobody is at one.
pub(crate) fn clear_up() {
    let Ok(folder) = Folder::open() else { return };
    for name in folder.names(true).unwrap_or_default() {
        finish(&folder, &name);
    }
}

fn finish(folder: &Folder, name: &str) {
    unlink_memory(name);
    fault::point("anchor.freed");
    folder.forget(name);
}

fn unlink_memory(name: &str) {
    if let Ok(path) = CString::new(short_name(name)) {
        // SAFETY: a NUL-terminated string that outlives the call.
        unsafe { libc::shm_unlink(path.as_ptr()) };
    }
}

/// The names of all objects of this user.
pub(crate) fn list_named() -> Result<Vec<String>> {
    Folder::open()?.names(false)
}
