//! Functions of Windows that tests need beyond the standard library.

use std::collections::BTreeSet;
use std::process::{Command, ExitStatus};
use std::ptr;
use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{NtOpenDirectoryObject, NtQueryDirectoryObject};
use windows_sys::Win32::Foundation::{
    CloseHandle, HANDLE, INVALID_HANDLE_VALUE, UNICODE_STRING, WAIT_ABANDONED,
};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_BASIC_INFORMATION,
    MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, OpenFileMappingW, PAGE_READWRITE, UnmapViewOfFile,
    VirtualQuery,
};
use windows_sys::Win32::System::RemoteDesktop::ProcessIdToSessionId;
use windows_sys::Win32::System::Threading::{
    MUTEX_MODIFY_STATE, OpenMutexW, ReleaseMutex, SYNCHRONIZATION_SYNCHRONIZE, WaitForSingleObject,
};

/// Windows has nothing as short: a role whose test is gone notices at its next line.
pub fn end_with_parent(_: &mut Command) {}

/// Whether a process ended by `TerminateProcess`, which our kills give the code 1.
pub fn was_killed(status: ExitStatus) -> bool {
    status.code() == Some(1)
}

/// Takes the lock from its dead holder and gives it back, as a foreign program does that repairs
/// nothing.
pub fn forget_death(name: &str, _word: *mut u32) {
    let rights = SYNCHRONIZATION_SYNCHRONIZE | MUTEX_MODIFY_STATE;
    // SAFETY: the name ends with a NUL; the handle is closed once.
    unsafe {
        let mutex = OpenMutexW(rights, 0, wide(name).as_ptr());
        assert_eq!(WaitForSingleObject(mutex, 0), WAIT_ABANDONED);
        assert_ne!(ReleaseMutex(mutex), 0);
        CloseHandle(mutex);
    }
}

/// The clock of all processes, in nanoseconds.
pub fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_nanos()).unwrap()
}

/// The names of the session's kernel objects that contain `part`.
pub fn left_behind(part: &str) -> Vec<String> {
    let mut session = 0;
    // SAFETY: the target is writable.
    unsafe { ProcessIdToSessionId(std::process::id(), &raw mut session) };
    // Services are in session 0, whose objects are the system's own.
    let own = format!("\\Sessions\\{session}\\BaseNamedObjects");
    let directory = open_directory(&own).or_else(|_| open_directory("\\BaseNamedObjects"));
    let directory = directory.unwrap_or_else(|status| panic!("{status:#x}"));
    let mut names = BTreeSet::new();
    // Twice: where an entry goes during a walk, another one is missed.
    let (mut context, mut walks) = (0, 0);
    while walks < 2 {
        let mut room = [0u64; 256];
        // SAFETY: the target is writable for its size; each call asks for one entry.
        let status = unsafe {
            let (at, size) = (room.as_mut_ptr().cast(), size_of_val(&room) as u32);
            let null = ptr::null_mut();
            NtQueryDirectoryObject(directory, at, size, true, context == 0, &raw mut context, null)
        };
        if status < 0 {
            (context, walks) = (0, walks + 1);
            continue;
        }
        // SAFETY: the entry begins with its name, whose text is in the same room.
        let text = unsafe {
            let name = room.as_ptr().cast::<UNICODE_STRING>().read();
            std::slice::from_raw_parts(name.Buffer, usize::from(name.Length) / 2)
        };
        names.insert(String::from_utf16_lossy(text));
    }
    // SAFETY: opened above, closed once.
    unsafe { CloseHandle(directory) };
    names.into_iter().filter(|name| name.contains(part)).collect()
}

/// A directory of objects, to be listed; or the status that the system gave.
fn open_directory(path: &str) -> Result<HANDLE, i32> {
    let mut path: Vec<u16> = path.encode_utf16().collect();
    let bytes = u16::try_from(path.len() * 2).unwrap();
    let name = UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: path.as_mut_ptr() };
    let attributes = OBJECT_ATTRIBUTES {
        Length: size_of::<OBJECT_ATTRIBUTES>() as u32,
        ObjectName: &raw const name,
        ..Default::default()
    };
    let mut directory: HANDLE = ptr::null_mut();
    // SAFETY: what the attributes point to outlives the call.
    let status = unsafe { NtOpenDirectoryObject(&raw mut directory, 1, &raw const attributes) };
    if status >= 0 { Ok(directory) } else { Err(status) }
}

fn wide(name: &str) -> Vec<u16> {
    format!("Local\\{name}\0").encode_utf16().collect()
}

/// Maps a section: its address and its size in whole pages.
pub fn map_named(name: &str) -> (*mut u8, usize) {
    // SAFETY: the name ends with a NUL.
    map(unsafe { OpenFileMappingW(FILE_MAP_READ | FILE_MAP_WRITE, 0, wide(name).as_ptr()) })
}

/// Makes a section of that size and maps it.
pub fn create_named(name: &str, len: u64) -> (*mut u8, usize) {
    let (null, size) = (ptr::null(), u32::try_from(len).unwrap());
    let name = wide(name);
    // SAFETY: the name ends with a NUL; the attributes are the usual ones.
    let section = unsafe {
        CreateFileMappingW(INVALID_HANDLE_VALUE, null, PAGE_READWRITE, 0, size, name.as_ptr())
    };
    map(section)
}

fn map(section: HANDLE) -> (*mut u8, usize) {
    assert!(!section.is_null(), "{}", std::io::Error::last_os_error());
    // SAFETY: the section is open, and closed once: the view keeps it.
    let view = unsafe {
        let view = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
        CloseHandle(section);
        view
    };
    assert!(!view.Value.is_null());
    let mut information = MEMORY_BASIC_INFORMATION::default();
    // SAFETY: the target is writable for its size.
    unsafe { VirtualQuery(view.Value, &raw mut information, size_of_val(&information)) };
    (view.Value.cast(), information.RegionSize)
}

/// Undoes a mapping.
///
/// # Safety It is one of [`map_named`] or [`create_named`], and it is not used any more.
pub unsafe fn unmap(base: *mut u8, _: usize) {
    // SAFETY: exactly what was mapped.
    unsafe { UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: base.cast() }) };
}
