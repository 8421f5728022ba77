//! Objects as macOS has them: memory under a short name, and a file of the whole name beside it. What is
//! written here follows docs/memory-layout.md, and uses nothing of the library.

use super::map;
use std::ffi::CString;
use std::path::PathBuf;

/// The folder of the files that stand for objects.
pub fn folder() -> PathBuf {
    #[cfg(target_os = "macos")]
    {
        let mut text = [0_u8; 1024];
        // SAFETY: as many bytes are writable as the call is told.
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

/// The name of an object's memory.
pub fn memory_name(name: &str) -> CString {
    let short = if name.len() <= 30 {
        format!("/{name}")
    } else {
        format!(
            "/{}~{:016x}",
            &name[..12],
            super::super::digest(super::super::DIGEST, name.as_bytes())
        )
    };
    CString::new(short).unwrap()
}

/// Whether there is memory of that name.
pub fn has_memory(name: &str) -> bool {
    // SAFETY: a NUL-terminated string; the descriptor is closed again.
    unsafe {
        let fd = libc::shm_open(memory_name(name).as_ptr(), libc::O_RDWR, 0);
        fd >= 0 && libc::close(fd) == 0
    }
}

/// Takes memory away as a restart does, and leaves the file that stands for it.
pub fn unlink_memory(name: &str) {
    // SAFETY: a NUL-terminated string.
    assert_eq!(unsafe { libc::shm_unlink(memory_name(name).as_ptr()) }, 0);
}

/// The names of objects that contain `part`: of their files, and of memory that no file stands for, as
/// far as that can be told.
pub fn left_behind(part: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder()) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains(&part.to_ascii_lowercase()))
        .collect();
    for prefix in ["mmfile-data-", "mmfile-lock-"] {
        let name = format!("{prefix}{part}");
        if !names.contains(&name) && has_memory(&name) {
            names.push(name);
        }
    }
    names
}

/// Where the file of an object is.
pub fn path(name: &str) -> PathBuf {
    folder().join(name)
}

/// Maps a shared object for as long as the program runs: its address and its size.
pub fn map_named(name: &str) -> (*mut u8, usize) {
    let len = usize::try_from(std::fs::metadata(path(name)).unwrap().len()).unwrap();
    // SAFETY: a NUL-terminated string; the descriptor is closed once.
    unsafe {
        let fd = libc::shm_open(memory_name(name).as_ptr(), libc::O_RDWR, 0);
        assert!(fd >= 0, "{name}: {}", std::io::Error::last_os_error());
        let mapped = map(fd, len);
        libc::close(fd);
        mapped
    }
}

/// Makes memory of that size that no file stands for, which the caller takes away again, and maps it.
pub fn create_named(name: &str, len: u64) -> (*mut u8, usize) {
    // SAFETY: as above.
    unsafe {
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
        let fd = libc::shm_open(memory_name(name).as_ptr(), flags, 0o600);
        assert!(fd >= 0, "{name}: {}", std::io::Error::last_os_error());
        assert_eq!(libc::ftruncate(fd, i64::try_from(len).unwrap()), 0);
        let mapped = map(fd, usize::try_from(len).unwrap());
        libc::close(fd);
        mapped
    }
}
