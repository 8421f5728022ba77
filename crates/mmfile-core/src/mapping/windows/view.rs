//! Mapped views.

use super::object::Object;
use super::{Kernel, from_code, halves};
use crate::control::layout::CONTROL_SIZE;
use crate::error::{Error, OsError, Result};
use crate::mapping::{Access, Backing, Mapping, Region};
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP, FILE_MAP_COPY, FILE_MAP_READ, FILE_MAP_WRITE, MEM_COMMIT,
    MEMORY_BASIC_INFORMATION, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, PAGE_READWRITE,
    UnmapViewOfFile, VirtualQuery,
};

/// What `MapViewOfFile` gave, until it is dropped.
pub(super) struct RawView {
    base: NonNull<u8>,
    length: usize,
}

// SAFETY: plain memory that belongs to no thread and is unmapped once.
unsafe impl Send for RawView {}
// SAFETY: as above; every access goes through a `Region`.
unsafe impl Sync for RawView {}

impl std::fmt::Debug for RawView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawView").field("length", &self.length).finish_non_exhaustive()
    }
}

/// What keeps a mapping: a view, and the lock and bells of a control block.
pub(in crate::mapping) struct View {
    _raw: Arc<RawView>,
    kernel: Option<Arc<Kernel>>,
}

impl RawView {
    /// Maps `length` bytes of a section; 0 for all of it.
    pub(super) fn map(
        section: BorrowedHandle<'_>,
        offset: u64,
        length: u64,
        access: FILE_MAP,
    ) -> Result<Self> {
        let Ok(size) = usize::try_from(length) else {
            return Err(Error::Unsupported { what: "a file larger than the address space" });
        };
        let (high, low) = halves(offset);
        // SAFETY: the section is open; a new view at an address of the system's choice touches no
        // memory of ours.
        let base = unsafe { MapViewOfFile(section.as_raw_handle(), access, high, low, size) };
        let Some(base) = NonNull::new(base.Value.cast::<u8>()) else {
            let os = OsError::last("MapViewOfFile");
            return Err(Error::NoSpace {
                needed: format!("{length} bytes of address space"),
                os: Some(os),
            });
        };
        let mut view = Self { base, length: size };
        if size == 0 {
            view.length = view.extent().ok_or_else(|| Error::Access {
                id: "a map".into(),
                reason: "its memory has not been promised",
                os: None,
            })?;
        }
        Ok(view)
    }

    /// How many bytes are mapped, in whole pages. `None` if they cannot be touched: a program may have
    /// reserved addresses for them and nothing else.
    fn extent(&self) -> Option<usize> {
        let mut information = MEMORY_BASIC_INFORMATION::default();
        let base = self.base.as_ptr().cast();
        // SAFETY: the target is writable for the size that is given; the address is only asked about.
        unsafe { VirtualQuery(base, &raw mut information, size_of_val(&information)) };
        (information.State == MEM_COMMIT).then_some(information.RegionSize)
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn region(&self) -> Region {
        // SAFETY: `length` bytes at a page boundary stay mapped for as long as `self` lives, and
        // whoever uses the region keeps that; nothing writes through one that may only be read.
        unsafe { Region::new(self.base, self.length) }
    }
}

impl Drop for RawView {
    fn drop(&mut self) {
        let address = MEMORY_MAPPED_VIEW_ADDRESS { Value: self.base.as_ptr().cast() };
        // SAFETY: exactly what was mapped, unmapped once; regions of it live beside it.
        unsafe { UnmapViewOfFile(address) };
    }
}

impl Mapping {
    pub(super) fn of(raw: Arc<RawView>, kernel: Option<Arc<Kernel>>) -> Self {
        let region = raw.region();
        Self { region, _backing: Backing::View(View { _raw: raw, kernel }) }
    }

    /// The lock and the bells, if this is a control block's mapping by which they can be used.
    pub(crate) fn kernel(&self) -> Option<&Kernel> {
        let Backing::View(view) = &self._backing;
        view.kernel.as_deref()
    }
}

/// A new section: of a file, or of `length` bytes in the page file.
pub(super) fn section_of(
    file: Option<BorrowedHandle<'_>>,
    protection: u32,
    length: u64,
    id: &str,
) -> Result<OwnedHandle> {
    let (high, low) = halves(length);
    let file = file.map_or(INVALID_HANDLE_VALUE, |file| file.as_raw_handle());
    // SAFETY: the file is open, or it is the value that stands for the page file; there are no
    // attributes and no name.
    let section =
        unsafe { CreateFileMappingW(file, ptr::null(), protection, high, low, ptr::null()) };
    if section.is_null() {
        return Err(from_code(OsError::last("CreateFileMapping"), id, length));
    }
    // SAFETY: a handle that was opened just now and belongs to nobody else.
    Ok(unsafe { OwnedHandle::from_raw_handle(section) })
}

/// Part of an object. `offset` is a multiple of every platform's allocation granularity.
pub(crate) fn map_part(
    object: &Object,
    offset: u64,
    length: u64,
    access: Access,
) -> Result<Mapping> {
    let rights = match access {
        Access::Read => FILE_MAP_READ,
        Access::ReadWrite => FILE_MAP_READ | FILE_MAP_WRITE,
    };
    let raw =
        object.with_section(access, |section| RawView::map(section, offset, length, rights))?;
    Ok(Mapping::of(Arc::new(raw), None))
}

/// The control block of a file on disk, with its lock and its bells.
pub(crate) fn map_control(object: &Object, offset: u64) -> Result<Mapping> {
    let rights = FILE_MAP_READ | FILE_MAP_WRITE;
    let access = Access::ReadWrite;
    let raw = object
        .with_section(access, |section| RawView::map(section, offset, CONTROL_SIZE, rights))?;
    Ok(Mapping::of(Arc::new(raw), Some(object.kernel()?)))
}

/// The start of an object, which may be written to without changing it: for views that a reader hands
/// out, which a program could otherwise crash by writing to them.
pub(crate) fn map_copy_on_write(object: &Object, length: u64) -> Result<Mapping> {
    let map = |section: BorrowedHandle<'_>| RawView::map(section, 0, length, FILE_MAP_COPY);
    Ok(Mapping::of(Arc::new(object.with_section(Access::Read, map)?), None))
}

/// Zeroed memory of this process alone, with a lock and bells that nobody else has.
pub(crate) fn map_private(length: u64) -> Result<Mapping> {
    let section = section_of(None, PAGE_READWRITE, length, "private memory")?;
    let rights = FILE_MAP_READ | FILE_MAP_WRITE;
    let raw = RawView::map(std::os::windows::io::AsHandle::as_handle(&section), 0, length, rights)?;
    Ok(Mapping::of(Arc::new(raw), Some(Kernel::private()?)))
}
