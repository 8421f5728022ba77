//! Objects as macOS has them: memory with a random name, and a file with the object's name that contains the
//! memory's. This file follows docs/memory-layout.md, and uses nothing of the library.

use super::unix::{map, unmap};
use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};

/// The folder of the anchors.
pub fn folder() -> PathBuf {
    #[cfg(target_os = "macos")]
    {
        let mut text = [0_u8; 1024];
        // SAFETY: the target has the length that the call is given.
        unsafe {
            libc::confstr(libc::_CS_DARWIN_USER_DIR, text.as_mut_ptr().cast(), text.len());
        }
        let end = text.iter().position(|byte| *byte == 0).unwrap();
        PathBuf::from(std::str::from_utf8(&text[..end]).unwrap()).join("mmfile")
    }
    #[cfg(not(target_os = "macos"))]
    {
        // SAFETY: takes nothing and cannot fail.
        format!("/tmp/mmfile-portable-{}", unsafe { libc::geteuid() }).into()
    }
}

/// The names in the folder of objects that contain `part`.
pub fn left_behind(part: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder()) else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains(&part.to_ascii_lowercase()))
        .collect()
}

/// Where the file of an object is.
pub fn path(name: &str) -> PathBuf {
    folder().join(name)
}

/// The memory of an object, as its file says: name and size. `None` if there is no file, or it is not
/// complete yet.
pub fn memory_of(file: &Path) -> Option<(CString, usize)> {
    let text = std::fs::read_to_string(file).ok()?;
    let (name, size) = text.strip_suffix('\n')?.split_once(' ')?;
    assert_eq!((name.len(), size.len()), (24, 16), "{text:?}");
    assert!(name.starts_with("/mmfile-"), "{text:?}");
    Some((CString::new(name).unwrap(), usize::from_str_radix(size, 16).unwrap()))
}

/// Whether there is memory of that name.
pub fn has_memory(name: &CStr) -> bool {
    // SAFETY: a NUL-terminated string; the descriptor is closed again.
    unsafe {
        let fd = libc::shm_open(name.as_ptr(), libc::O_RDWR, 0);
        fd >= 0 && libc::close(fd) == 0
    }
}

/// Removes memory as a restart does, and leaves its anchor.
pub fn unlink_memory(name: &CStr) {
    // SAFETY: a NUL-terminated string.
    assert_eq!(unsafe { libc::shm_unlink(name.as_ptr()) }, 0);
}

/// The number at an offset of the object of a file, if there is one.
pub fn peek(file: &Path, offset: u64) -> Option<u64> {
    let (base, len) = map_memory(&memory_of(file)?)?;
    // SAFETY: an aligned number inside the mapping, which is then undone.
    unsafe {
        let number = base.add(offset as usize).cast::<u64>().read_volatile();
        unmap(base, len);
        Some(number)
    }
}

/// The size of the object of a file, as that says.
pub fn size_of_object(file: &Path) -> u64 {
    memory_of(file).unwrap().1 as u64
}

/// Has the file say another one.
pub fn set_size_of_object(file: &Path, size: u64) {
    let name = memory_of(file).unwrap().0.into_string().unwrap();
    std::fs::write(file, format!("{name} {size:016x}\n")).unwrap();
}

/// Maps a shared object for as long as the program runs: its address and its size.
pub fn map_named(name: &str) -> (*mut u8, usize) {
    map_memory(&memory_of(&path(name)).unwrap()).unwrap()
}

fn map_memory((name, len): &(CString, usize)) -> Option<(*mut u8, usize)> {
    // SAFETY: a NUL-terminated string; the descriptor is closed once.
    unsafe {
        let fd = libc::shm_open(name.as_ptr(), libc::O_RDWR, 0);
        if fd < 0 {
            return None;
        }
        let mapped = map(fd, *len);
        libc::close(fd);
        Some(mapped)
    }
}

/// Makes a shared object of that size, which the caller removes again, and maps it.
pub fn create_named(name: &str, len: u64) -> (*mut u8, usize) {
    let memory = format!("/mmfile-{:016x}", super::digest(super::DIGEST, name.as_bytes()));
    std::fs::write(path(name), format!("{memory} {len:016x}\n")).unwrap();
    let memory = CString::new(memory).unwrap();
    // SAFETY: a NUL-terminated string; the descriptor is closed once.
    unsafe {
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
        let fd = libc::shm_open(memory.as_ptr(), flags, 0o600);
        assert!(fd >= 0, "{name}: {}", std::io::Error::last_os_error());
        assert_eq!(libc::ftruncate(fd, i64::try_from(len).unwrap()), 0);
        libc::close(fd);
    }
    map_named(name)
}
