//! An open file on disk: whether other processes have it open, and its identity.

use super::section::{self, rights};
use super::{from_code, not_flushed, security, view};
use crate::error::{Error, OsError, Result};
use crate::memory::{Access, Memory};
use std::fs::{File, OpenOptions};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_WRITE_PROTECT, GENERIC_READ, GENERIC_WRITE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CREATE_NEW, CreateFileW, FILE_ATTRIBUTE_NORMAL, FILE_ID_INFO,
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_TYPE_DISK, FileIdInfo,
    GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType, LOCKFILE_EXCLUSIVE_LOCK,
    LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

/// Others may open the file, write to it, give it another name and delete it, as on other systems.
const SHARE: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
/// The byte whose lock tells whether a process is alive.
const LOCK_BYTE: u64 = 1 << 62;
/// The longest path that the system takes without a special prefix.
pub(super) const LONG_PATH: usize = 240;

/// An open file.
#[derive(Debug)]
pub(super) struct DiskFile {
    file: File,
    id: String,
}

impl DiskFile {
    /// Creates an empty file that lets in this user alone, where its file system knows of users.
    pub(super) fn create(at: &Path, id: &str) -> Result<Self> {
        let attributes = security::attributes()?;
        let path = wide_path(at);
        // No right to delete: while a handle has that, others have to share it, and most programs do not.
        let access = GENERIC_READ | GENERIC_WRITE;
        // SAFETY: the path ends with a NUL, and the attributes outlive the call.
        let handle = unsafe {
            CreateFileW(
                path.as_ptr(),
                access,
                SHARE,
                &raw const attributes,
                CREATE_NEW,
                FILE_ATTRIBUTE_NORMAL,
                ptr::null_mut(),
            )
        };
        if handle == INVALID_HANDLE_VALUE {
            return Err(from_code(OsError::last("CreateFile"), id, 0));
        }
        // SAFETY: a handle that was opened just now and has no other owner.
        let file = unsafe { File::from_raw_handle(handle) };
        Ok(Self { file, id: id.into() })
    }

    /// Opens a file by its path, to write if that is allowed; whether it is.
    pub(super) fn open(path: &Path, access: Access, id: &str) -> Result<(Self, bool)> {
        let open = |rights| OpenOptions::new().access_mode(rights).share_mode(SHARE).open(path);
        let (file, writable) = match open(GENERIC_READ | GENERIC_WRITE) {
            Ok(file) => (file, true),
            Err(error) if access == Access::Read && is_denied(&error) => {
                let file = open(GENERIC_READ).map_err(|error| refused(&error, "CreateFile", id))?;
                (file, false)
            }
            Err(error) => return Err(refused(&error, "CreateFile", id)),
        };
        // SAFETY: the handle is open.
        if unsafe { GetFileType(file.as_raw_handle()) } != FILE_TYPE_DISK {
            return Err(Error::access(id, "something else stands at its name"));
        }
        Ok((Self { file, id: id.into() }, writable))
    }

    /// The name of its lock: for every session, as the file is.
    pub(super) fn lock_name(&self) -> Result<String> {
        let (volume, number) = numbers(&self.file, &self.id)?;
        Ok(format!("Global\\mmfile-disk-{volume:x}-{number:x}"))
    }

    /// Identifies the file on this machine.
    pub(super) fn place(&self) -> Result<u64> {
        let (volume, number) = numbers(&self.file, &self.id)?;
        let half = |number: u128| u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0);
        Ok(volume.rotate_left(32) ^ half(number >> 64) ^ half(number))
    }

    pub(super) fn size(&self) -> Result<u64> {
        let size = self.file.metadata().map(|file| file.len());
        size.map_err(|error| refused(&error, "GetFileInformationByHandle", &self.id))
    }

    pub(super) fn set_size(&self, size: u64) -> std::io::Result<()> {
        self.file.set_len(size)
    }

    /// All of it: the section and its memory.
    pub(super) fn map(&self, access: Access) -> Result<(OwnedHandle, Memory)> {
        let section = section::of_file(self.file.as_handle(), access, &self.id)?;
        let memory = view::map(&section, 0, rights(access))?;
        Ok((section, memory))
    }

    pub(super) fn flush(&self) -> Result<()> {
        match self.file.sync_all() {
            Err(error) if !is_denied(&error) => {
                Err(not_flushed(os_error(&error, "FlushFileBuffers")))
            }
            _ => Ok(()), // a handle that may not write has nothing to flush
        }
    }

    /// Acquires the byte lock, for this handle alone or with others. `false` if that cannot be had at once; one
    /// that it had before is released in any case.
    pub(super) fn lock(&self, exclusive: bool) -> bool {
        self.unlock();
        let how = if exclusive { LOCKFILE_EXCLUSIVE_LOCK } else { 0 };
        let mut place = lock_byte();
        // SAFETY: the handle is open; the place outlives the call, which does not go on behind it.
        let locked = unsafe {
            let flags = how | LOCKFILE_FAIL_IMMEDIATELY;
            LockFileEx(self.file.as_raw_handle(), flags, 0, 1, 0, &raw mut place)
        };
        locked != 0
    }

    pub(super) fn unlock(&self) {
        let mut place = lock_byte();
        // SAFETY: as in `lock`. Without a lock it fails, which does not matter.
        unsafe { UnlockFileEx(self.file.as_raw_handle(), 0, 1, 0, &raw mut place) };
    }
}

fn lock_byte() -> OVERLAPPED {
    let (high, low) = super::halves(LOCK_BYTE);
    let mut place = OVERLAPPED::default();
    place.Anonymous.Anonymous.Offset = low;
    place.Anonymous.Anonymous.OffsetHigh = high;
    place
}

fn is_denied(error: &std::io::Error) -> bool {
    let code = error.raw_os_error().unwrap_or(0).cast_unsigned();
    matches!(code, ERROR_ACCESS_DENIED | ERROR_WRITE_PROTECT)
}

/// The file system's identity of a file: its volume's number, and its number there.
fn numbers(file: &File, id: &str) -> Result<(u64, u128)> {
    let mut long = FILE_ID_INFO::default();
    let size = u32::try_from(size_of_val(&long)).unwrap_or(0);
    let target = (&raw mut long).cast();
    // SAFETY: the handle is open; the target is writable for the size that is given.
    if unsafe { GetFileInformationByHandleEx(file.as_raw_handle(), FileIdInfo, target, size) } != 0
    {
        let number = u128::from_le_bytes(long.FileId.Identifier);
        return Ok((long.VolumeSerialNumber, number));
    }
    // A file system with short numbers only.
    let mut short = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open; the target is writable.
    if unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut short) } == 0 {
        let os = Some(OsError::last("GetFileInformationByHandle"));
        return Err(Error::Access { id: id.into(), reason: "the system refuses it", os });
    }
    let number = u128::from(short.nFileIndexHigh) << 32 | u128::from(short.nFileIndexLow);
    Ok((short.dwVolumeSerialNumber.into(), number))
}

/// A path in the system's form, also a long one.
pub(super) fn wide_path(path: &Path) -> Vec<u16> {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut text: Vec<u16> = full.as_os_str().encode_wide().chain([0]).collect();
    let drive = text.get(1).copied() == Some(u16::from(b':'));
    if drive && text.len() >= LONG_PATH {
        text.splice(0..0, r"\\?\".encode_utf16());
    }
    text
}

pub(super) fn os_error(error: &std::io::Error, syscall: &'static str) -> OsError {
    OsError { syscall, errno: error.raw_os_error().unwrap_or(0) }
}

fn refused(error: &std::io::Error, syscall: &'static str, id: &str) -> Error {
    if error.kind() == std::io::ErrorKind::InvalidInput && error.raw_os_error().is_none() {
        let reason = "must not contain a NUL character".into();
        return Error::InvalidArgument { name: "path", reason };
    }
    from_code(os_error(error, syscall), id, 0)
}
