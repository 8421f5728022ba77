//! Mapped views of sections.

use super::section;
use crate::error::{Error, OsError, Result};
use crate::memory::{Memory, Region};
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::ptr::NonNull;
use windows_sys::Win32::System::Memory::{
    FILE_MAP, FILE_MAP_COPY, FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT, MEMORY_BASIC_INFORMATION,
    MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, PAGE_READONLY, UnmapViewOfFile, VirtualProtect,
    VirtualQuery, VirtualUnlock,
};

/// A view made by `MapViewOfFile`; dropping it unmaps.
struct RawView(NonNull<u8>);

impl Drop for RawView {
    fn drop(&mut self) {
        let address = MEMORY_MAPPED_VIEW_ADDRESS { Value: self.0.as_ptr().cast() };
        // SAFETY: exactly what was mapped, unmapped once; every region of it is used only while this is
        // kept.
        unsafe { UnmapViewOfFile(address) };
    }
}

/// Maps `length` bytes of a section from its start; 0 for all of it, in whole pages.
pub(super) fn map(section: &OwnedHandle, length: u64, access: FILE_MAP) -> Result<Memory> {
    let Ok(size) = usize::try_from(length) else {
        return Err(Error::unsupported("a file larger than the address space"));
    };
    // SAFETY: the section is open; a new view at an address of the system's choice touches no memory of
    // ours.
    let base = unsafe { MapViewOfFile(section.as_raw_handle(), access, 0, 0, size) };
    let Some(base) = NonNull::new(base.Value.cast::<u8>()) else {
        let os = Some(OsError::last("MapViewOfFile"));
        return Err(Error::NoSpace { needed: format!("{length} bytes of address space"), os });
    };
    let view = RawView(base);
    let promised = if size == 0 { extent(base) } else { Some(size) };
    let Some(size) = promised else {
        return Err(Error::access("a map", "its memory has not been promised"));
    };
    // SAFETY: `view` keeps `size` bytes mapped for as long as the memory lives, and any thread may unmap
    // them; nothing writes through the region of a handle that may only read.
    Ok(unsafe { Memory::new(Region::new(base, size), view) })
}

/// How many bytes are mapped, in whole pages. `None` if they cannot be touched: a program may have reserved
/// addresses for them and nothing else.
fn extent(base: NonNull<u8>) -> Option<usize> {
    let mut information = MEMORY_BASIC_INFORMATION::default();
    let address = base.as_ptr().cast();
    // SAFETY: the target is writable for the size that is given; the address is only asked about.
    unsafe { VirtualQuery(address, &raw mut information, size_of_val(&information)) };
    (information.State == MEM_COMMIT).then_some(information.RegionSize)
}

/// Makes memory read-only that was mapped just now: whole pages.
pub(super) fn protect(memory: &Memory) -> Result<()> {
    let (region, mut before) = (memory.region(), 0);
    let address = region.as_ptr().cast();
    // SAFETY: the range is mapped, and nothing has written to it; the last target is writable.
    if unsafe { VirtualProtect(address, region.len(), PAGE_READONLY, &raw mut before) } == 0 {
        let os = Some(OsError::last("VirtualProtect"));
        return Err(Error::Access { id: "a map".into(), reason: "the system refuses it", os });
    }
    Ok(())
}

/// The start of a section, which may be written to without changing it: for views of a reader, which a
/// program could otherwise crash by writing to them.
pub(super) fn map_copy_on_write(section: &OwnedHandle, length: u64) -> Result<Memory> {
    map(section, length, FILE_MAP_COPY)
}

/// Takes the pages of a mapping out of this process's working set, which changes no byte.
pub(crate) fn release_pages(memory: &Memory, _is_shared: bool) {
    let region = memory.region();
    // SAFETY: the range is mapped. Of pages that are not locked the call does that, and then fails.
    unsafe { VirtualUnlock(region.as_ptr().cast(), region.len()) };
}

/// Zeroed memory of this process alone.
pub(crate) fn map_private(length: u64) -> Result<Memory> {
    map(&section::private(length)?, length, FILE_MAP_READ | FILE_MAP_WRITE)
}
