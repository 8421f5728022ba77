//! Mapping and unmapping.

use super::errno::from_errno;
use super::pages::page_size;
use crate::error::{Error, OsError, Result};
use crate::memory::{Memory, Region};
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::{self, NonNull};

/// A mapping made by `mmap`; dropping it unmaps.
struct RawMmap {
    base: NonNull<u8>,
    length: usize,
}

/// Shared memory of an object, from its first byte on. The first `read_only` bytes of it cannot be written
/// to, as far as whole pages go.
pub(crate) fn map_shared(fd: &OwnedFd, length: u64, read_only: u64) -> Result<Memory> {
    let memory = map(Some(fd), length, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED)?;
    let pages = read_only - read_only % page_size();
    if let Some(region) = memory.region().part(0, pages)
        && pages > 0
    {
        // SAFETY: whole pages of a mapping that was made just now and that nothing has written to.
        let result =
            unsafe { libc::mprotect(region.as_ptr().cast(), region.len(), libc::PROT_READ) };
        if result != 0 {
            return Err(from_errno(OsError::last("mprotect"), "a mapping", length));
        }
    }
    Ok(memory)
}

/// Memory of an object that cannot be written to.
pub(crate) fn map_read_only(fd: &OwnedFd, length: u64) -> Result<Memory> {
    map(Some(fd), length, libc::PROT_READ, libc::MAP_SHARED)
}

/// Memory of an object that can be written to without changing the object: for views of a reader, which a
/// program could otherwise crash by writing to them.
#[cfg(platform = "linux")]
pub(crate) fn map_copy_on_write(fd: &OwnedFd, length: u64) -> Result<Option<Memory>> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    map(Some(fd), length, protection, libc::MAP_PRIVATE | libc::MAP_NORESERVE).map(Some)
}

/// Takes the pages of a mapping out of this process's resident memory. Later reads return the same bytes:
/// pages to which the process wrote privately stay.
pub(crate) fn release_pages(memory: &Memory, is_shared: bool) {
    let region = memory.region();
    if is_shared {
        discard(region.as_ptr(), region.len());
    } else {
        #[cfg(platform = "linux")]
        discard_unchanged(region);
    }
}

fn discard(at: *mut u8, length: usize) {
    // SAFETY: the pages belong to our mapping, and the kernel has their contents elsewhere. If it refuses,
    // they stay.
    unsafe { libc::madvise(at.cast(), length, libc::MADV_DONTNEED) };
}

/// Discards the pages of a copy-on-write mapping that are still the object's.
#[cfg(platform = "linux")]
fn discard_unchanged(region: &Region) {
    use std::os::unix::fs::FileExt;
    /// An entry's bits: in memory, or swapped out; and not of this process alone.
    const PRESENT: u64 = 0b11 << 62;
    const SHARED: u64 = 1 << 61;
    let Ok(map) = std::fs::File::open("/proc/self/pagemap") else { return };
    let Ok(page) = usize::try_from(page_size()) else { return };
    let first = region.as_ptr().addr() / page;
    let count = region.len().div_ceil(page);
    let mut entries = [0; 512 * size_of::<u64>()];
    let mut done = 0;
    while done < count {
        let wanted = (count - done).min(512) * size_of::<u64>();
        let Some(bytes) = entries.get_mut(..wanted) else { return };
        if map.read_exact_at(bytes, ((first + done) * size_of::<u64>()) as u64).is_err() {
            return;
        }
        let (entries, _) = bytes.as_chunks();
        let changed = |entry: &[u8; 8]| {
            let entry = u64::from_ne_bytes(*entry);
            entry & PRESENT != 0 && entry & SHARED == 0
        };
        for run in entries.chunk_by(|one, next| changed(one) == changed(next)) {
            if run.first().is_some_and(|entry| !changed(entry)) {
                discard(region.as_ptr().wrapping_add(done * page), run.len() * page);
            }
            done += run.len();
        }
    }
}

/// Zeroed memory of this process alone.
pub(crate) fn map_private(length: u64) -> Result<Memory> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    map(None, length, protection, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS)
}

/// Zeroed memory of this process alone, for a copy of a few kilobytes.
pub(crate) fn heap(length: u64) -> Memory {
    let words = vec![0_u64; usize::try_from(length.div_ceil(8)).unwrap_or(0)].into_boxed_slice();
    let length = size_of_val(&*words);
    let base = NonNull::from(&*words).cast::<u8>();
    // SAFETY: the words stay where they are, and are used by nothing else, for as long as the memory
    // lives.
    unsafe { Memory::new(Region::new(base, length), words) }
}

fn map(fd: Option<&OwnedFd>, length: u64, protection: i32, flags: i32) -> Result<Memory> {
    let Ok(length) = usize::try_from(length) else {
        return Err(Error::unsupported("a file larger than the address space"));
    };
    let fd = fd.map_or(-1, AsRawFd::as_raw_fd);
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let base = unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, fd, 0) };
    let Some(base) =
        NonNull::new(base.cast::<u8>()).filter(|at| at.as_ptr().cast() != libc::MAP_FAILED)
    else {
        let os = OsError::last("mmap");
        return Err(match os.errno {
            libc::ENODEV | libc::ENOSYS | libc::EOPNOTSUPP => Error::Unsupported {
                what: "shared mappings, which this file system lacks: choose another folder with \
                       `directory`"
                    .into(),
                os: Some(os),
            },
            _ => {
                Error::NoSpace { needed: format!("{length} bytes of address space"), os: Some(os) }
            }
        });
    };
    let mapping = RawMmap { base, length };
    // SAFETY: `mapping` keeps `length` bytes mapped for as long as the memory lives, and any thread may
    // unmap them; nothing writes through the region of a handle that may only read.
    Ok(unsafe { Memory::new(Region::new(base, length), mapping) })
}

impl Drop for RawMmap {
    fn drop(&mut self) {
        // SAFETY: exactly what `mmap` gave, unmapped once; every region of it is used only while this is
        // kept.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.length) };
    }
}
