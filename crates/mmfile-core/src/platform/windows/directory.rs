//! The names of a session's objects, which the documented interface only opens and never lists.

use super::wide;
use std::collections::BTreeSet;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Wdk::Storage::FileSystem::{NtOpenDirectoryObject, NtQueryDirectoryObject};
use windows_sys::Win32::Foundation::{HANDLE, UNICODE_STRING};
use windows_sys::Win32::System::RemoteDesktop::ProcessIdToSessionId;

/// The right to list a directory of objects.
const DIRECTORY_QUERY: u32 = 1;
/// 8-byte words for one entry and its texts, which have up to 64 KiB each.
const ROOM: usize = 17 << 10;
/// Entries after which a directory that never ends is left.
const MOST: u32 = 1 << 20;

/// An entry; its texts follow it.
#[repr(C)]
struct Entry {
    name: UNICODE_STRING,
    kind: UNICODE_STRING,
}

/// Walks until one brings nothing new.
const WALKS: u32 = 8;

/// The names of all sections of this session, perhaps with some that have gone meanwhile. None if the
/// system does not tell.
pub(super) fn sections() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(directory) = open() else { return names };
    // The walk finds entries by their number: if one goes during a walk, the walk misses another.
    for _ in 0..WALKS {
        let before = names.len();
        walk(&directory, &mut names);
        if names.len() == before {
            break;
        }
    }
    names
}

fn walk(directory: &OwnedHandle, names: &mut BTreeSet<String>) {
    let mut room = vec![0u64; ROOM];
    let size = u32::try_from(size_of_val(room.as_slice())).unwrap_or(0);
    let mut context = 0u32;
    for number in 0..MOST {
        // One entry a call: not every system gives more.
        // SAFETY: the directory is open; the targets are writable, the room for the size given.
        let status = unsafe {
            NtQueryDirectoryObject(
                directory.as_raw_handle(),
                room.as_mut_ptr().cast(),
                size,
                true,
                number == 0,
                &raw mut context,
                ptr::null_mut(),
            )
        };
        if status < 0 {
            break; // there are no more
        }
        // SAFETY: the room is large enough and aligned for an entry, which the system wrote there.
        let entry = unsafe { room.as_ptr().cast::<Entry>().read() };
        if text(&room, &entry.kind) == "Section" {
            names.insert(text(&room, &entry.name));
        }
    }
}

/// A text of an entry, in the same buffer.
fn text(room: &[u64], string: &UNICODE_STRING) -> String {
    let inside = room.as_ptr_range();
    let (begin, length) = (string.Buffer as usize, usize::from(string.Length));
    if begin < inside.start as usize || begin.saturating_add(length) > inside.end as usize {
        return String::new();
    }
    // SAFETY: the range was checked to be inside the room, and the system aligns its texts.
    let units = unsafe { std::slice::from_raw_parts(string.Buffer, length / 2) };
    String::from_utf16_lossy(units)
}

fn open() -> Option<OwnedHandle> {
    let mut session = 0;
    // SAFETY: the target is writable.
    unsafe { ProcessIdToSessionId(std::process::id(), &raw mut session) };
    open_directory(&format!("\\Sessions\\{session}\\BaseNamedObjects"))
        .or_else(|| open_directory("\\BaseNamedObjects"))
}

fn open_directory(path: &str) -> Option<OwnedHandle> {
    let mut text = wide(path);
    let bytes = u16::try_from((text.len() - 1) * 2).ok()?;
    let name =
        UNICODE_STRING { Length: bytes, MaximumLength: bytes + 2, Buffer: text.as_mut_ptr() };
    let attributes = OBJECT_ATTRIBUTES {
        Length: u32::try_from(size_of::<OBJECT_ATTRIBUTES>()).ok()?,
        ObjectName: &raw const name,
        ..Default::default()
    };
    let mut handle: HANDLE = ptr::null_mut();
    // SAFETY: the attributes and the name they point to outlive the call; the target is writable.
    let status =
        unsafe { NtOpenDirectoryObject(&raw mut handle, DIRECTORY_QUERY, &raw const attributes) };
    // SAFETY: a handle that was opened just now and has no other owner.
    (status >= 0).then(|| unsafe { OwnedHandle::from_raw_handle(handle) })
}
