//! Mappings of our own, for what `shared_memory` cannot be asked for: a descriptor that has been checked,
//! memory that may not be written, parts of files on disk, and private copies.

use super::object::Object;
use super::{Access, Backing, Mapping, Region};
use crate::control::layout::CONTROL_SIZE;
use crate::error::{Error, OsError, Result};
use std::ptr::{self, NonNull};

/// What `mmap` gave, until it is dropped.
pub(super) struct OwnMapping {
    base: NonNull<u8>,
    length: usize,
}

impl OwnMapping {
    /// `descriptor` is -1 for memory of no object.
    pub(super) fn map(
        descriptor: i32,
        offset: u64,
        length: u64,
        protection: i32,
        flags: i32,
    ) -> Result<Mapping> {
        let too_large = Error::Unsupported { what: "a file larger than the address space" };
        let (Ok(length), Ok(offset)) = (usize::try_from(length), libc::off_t::try_from(offset))
        else {
            return Err(too_large);
        };
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let base =
            unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, descriptor, offset) };
        let own = match NonNull::new(base.cast::<u8>()) {
            Some(base) if base.as_ptr().cast() != libc::MAP_FAILED => Self { base, length },
            _ => {
                return Err(Error::NoSpace {
                    needed: format!("{length} bytes of address space"),
                    os: Some(OsError::last("mmap")),
                });
            }
        };
        // SAFETY: `own` keeps `length` bytes at a page boundary mapped for as long as the mapping
        // lives; nothing writes through the region of a handle that may only read.
        let region = unsafe { Region::new(own.base, length) };
        Ok(Mapping::of(region, Backing::Own(own)))
    }
}

/// Part of an object. `offset` is a multiple of every platform's page size.
pub(crate) fn map_part(
    object: &Object,
    offset: u64,
    length: u64,
    access: Access,
) -> Result<Mapping> {
    OwnMapping::map(object.descriptor(), offset, length, protection(access), libc::MAP_SHARED)
}

/// What may be done with the pages.
pub(super) fn protection(access: Access) -> i32 {
    match access {
        Access::Read => libc::PROT_READ,
        Access::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
    }
}

/// The control block of a file on disk.
pub(crate) fn map_control(object: &Object, offset: u64) -> Result<Mapping> {
    let mapping = map_part(object, offset, CONTROL_SIZE, Access::ReadWrite)?;
    #[cfg(any(target_os = "macos", mmfile_portable))]
    let mapping = mapping.locked_by(object);
    Ok(mapping)
}

/// The start of an object, which may be written to without changing it: for views that a reader hands
/// out, which a program could otherwise crash by writing to them.
#[cfg(not(any(target_os = "macos", mmfile_portable)))]
pub(crate) fn map_copy_on_write(object: &Object, length: u64) -> Result<Mapping> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_NORESERVE;
    OwnMapping::map(object.descriptor(), 0, length, protection, flags)
}

/// Zeroed memory of this process alone.
pub(crate) fn map_private(length: u64) -> Result<Mapping> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    OwnMapping::map(-1, 0, length, protection, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS)
}

impl Drop for OwnMapping {
    fn drop(&mut self) {
        // SAFETY: exactly what `mmap` gave, unmapped once; nothing refers to it any more, since the
        // region lives in the same `Mapping`.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.length) };
    }
}
