//! Files on disk: the data from byte 0, and behind it, in the same file, the control block. The lock and
//! the bells have names that derive from what the file system knows the file by, so that every path and
//! link leads to the same ones.

use super::object::{Object, What};
use super::view::section_of;
use super::{from_code, security};
use crate::control::layout::CONTROL_SIZE;
use crate::error::{Error, OsError, Result};
use crate::mapping::{Access, Identity, control_offset};
use std::fs::{File, OpenOptions};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::ptr;
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_INVALID_PARAMETER, ERROR_WRITE_PROTECT, GENERIC_READ, GENERIC_WRITE,
    INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CREATE_NEW, CreateFileW, FILE_ATTRIBUTE_NORMAL, FILE_ID_INFO,
    FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE, FILE_TYPE_DISK, FileIdInfo,
    GetDiskFreeSpaceExW, GetFileInformationByHandle, GetFileInformationByHandleEx, GetFileType,
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, MoveFileExW, UnlockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;
use windows_sys::Win32::System::Memory::{PAGE_READONLY, PAGE_READWRITE};

/// Others may open the file, write to it, give it another name and delete it, as on other systems.
const SHARE: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
/// The byte whose lock says who is alive: far behind the end of any file.
const LOCK_BYTE: u64 = 1 << 62;
/// What ends the name of a file that is not finished.
const UNFINISHED: &str = "~mmfile";
/// Times that a file which somebody left unfinished is taken away, before it is somebody's.
const TRIES: u32 = 10;
/// The longest path that the system takes without a special prefix.
const LONG_PATH: usize = 240;

/// An open file.
#[derive(Debug)]
pub(super) struct DiskFile {
    file: File,
    id: String,
    volume: u64,
    number: u128,
}

impl DiskFile {
    fn new(file: File, id: &str) -> Result<Self> {
        // SAFETY: the handle is open.
        if unsafe { GetFileType(file.as_raw_handle()) } != FILE_TYPE_DISK {
            let reason = "something else stands at its name";
            return Err(Error::Access { id: id.into(), reason, os: None });
        }
        let (volume, number) = numbers(&file, id)?;
        Ok(Self { file, id: id.into(), volume, number })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn identity(&self) -> Identity {
        let low = u64::try_from(self.number & u128::from(u64::MAX)).unwrap_or(0);
        Identity { device: self.volume, inode: low }
    }

    /// The name of the lock: for every session, as the file is.
    pub(super) fn lock_name(&self) -> String {
        format!("Global\\mmfile-disk-{:x}-{:x}", self.volume, self.number)
    }

    pub(super) fn size(&self) -> Result<u64> {
        self.file
            .metadata()
            .map(|file| file.len())
            .map_err(|error| refused(&error, "fstat", &self.id))
    }

    pub(super) fn section(&self, access: Access) -> Result<OwnedHandle> {
        let protection = match access {
            Access::Read => PAGE_READONLY,
            Access::ReadWrite => PAGE_READWRITE,
        };
        section_of(Some(self.file.as_handle()), protection, 0, &self.id)
    }

    pub(super) fn flush(&self) -> Result<()> {
        match self.file.sync_all() {
            Err(error) if !is_denied(&error) => Err(Error::NoSpace {
                needed: "durable storage".into(),
                os: Some(os_error(&error, "FlushFileBuffers")),
            }),
            _ => Ok(()), // a handle that may not write has nothing to flush
        }
    }

    /// Takes the file's byte lock, for this handle alone or with others. `false` if it cannot be had at
    /// once; one that it had before is gone in any case.
    pub(super) fn lock(&self, exclusive: bool) -> Result<bool> {
        self.unlock();
        let how = if exclusive { LOCKFILE_EXCLUSIVE_LOCK } else { 0 };
        let mut place = lock_byte();
        // SAFETY: the handle is open; the place outlives the call, which does not go on behind it.
        let locked = unsafe {
            let flags = how | LOCKFILE_FAIL_IMMEDIATELY;
            LockFileEx(self.file.as_raw_handle(), flags, 0, 1, 0, &raw mut place)
        };
        Ok(locked != 0)
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

/// What the file system knows a file by: its volume's number, and its number there.
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

/// Makes a file with its space reserved, under another name in the same folder: nobody sees it at its
/// path before it is whole.
pub(crate) fn create_disk(path: &Path, capacity: u64) -> Result<Unpublished> {
    let id = path.to_string_lossy().into_owned();
    let no_space = |os| Error::NoSpace { needed: format!("{capacity} bytes on disk"), os };
    let size = control_offset(capacity).and_then(|at| at.checked_add(CONTROL_SIZE));
    let Some(size) = size.filter(|size| i64::try_from(*size).is_ok()) else {
        return Err(no_space(None));
    };
    if path.symlink_metadata().is_ok() {
        return Err(Error::Exists { id });
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(UNFINISHED);
    let at = path.with_file_name(name);
    let parent = at.parent().filter(|parent| !parent.as_os_str().is_empty());
    if free_bytes(parent.unwrap_or(Path::new("."))).is_some_and(|free| size > free) {
        return Err(no_space(None));
    }
    let file = create_unfinished(&at, &id)?;
    let mut new = Unpublished { object: None, at: Some(at) };
    file.file.set_len(size).map_err(|error| {
        match from_code(os_error(&error, "SetEndOfFile"), &id, size) {
            Error::NoSpace { os, .. } => no_space(os),
            Error::Access { os: Some(os), .. }
                if os.errno.cast_unsigned() == ERROR_INVALID_PARAMETER =>
            {
                no_space(Some(os)) // more than the file system can express
            }
            other => other,
        }
    })?;
    new.object = Some(Object::new(What::Disk(file)));
    Ok(new)
}

/// Makes an empty file that lets in this user and nobody else, where its file system knows of users.
fn create_private(at: &Path, id: &str) -> Result<File> {
    let attributes = security::attributes()?;
    let path = wide_path(at);
    // No right to delete: while somebody has that, others have to share it, and most programs do not.
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
    // SAFETY: a handle that was opened just now and belongs to nobody else.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Makes an empty file that counts as somebody's. One that a dead process left there is taken away.
fn create_unfinished(at: &Path, id: &str) -> Result<DiskFile> {
    for _ in 0..TRIES {
        match create_private(at, id) {
            Ok(file) => {
                let file = DiskFile::new(file, id)?;
                // Who takes it for a dead process's, between the two steps, takes it away, and a third
                // one may have made another there.
                if file.lock(false)?
                    && let Ok((there, _)) = open_disk(at, Access::Read)
                    && there.identity() == file.identity()
                {
                    return Ok(file);
                }
            }
            Err(Error::Exists { .. }) => {}
            Err(error) => return Err(error),
        }
        if let Ok((Object { what: What::Disk(left), .. }, _)) = open_disk(at, Access::ReadWrite)
            && left.lock(true)?
        {
            let _ = std::fs::remove_file(at);
        } else {
            break; // somebody alive is at it
        }
    }
    Err(Error::Exists { id: id.into() })
}

/// A new file that is removed again unless it is published.
pub(crate) struct Unpublished {
    object: Option<Object>,
    /// Where it is until then.
    at: Option<PathBuf>,
}

impl Unpublished {
    pub(crate) fn object(&self) -> Result<&Object> {
        self.object.as_ref().ok_or(Error::Closed)
    }

    /// Gives the finished file its path, which nothing may have yet.
    pub(crate) fn publish(&mut self, path: &Path) -> Result<Object> {
        if let Some(at) = &self.at {
            let (from, to) = (wide_path(at), wide_path(path));
            // SAFETY: both are NUL-terminated texts that outlive the call.
            if unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) } == 0 {
                let os = OsError::last("MoveFileEx");
                return Err(from_code(os, &path.to_string_lossy(), 0));
            }
        }
        self.at = None;
        self.object.take().ok_or(Error::Closed)
    }
}

impl Drop for Unpublished {
    fn drop(&mut self) {
        drop(self.object.take());
        if let Some(path) = &self.at {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Opens a file by its path, to write if that is allowed; whether it is.
pub(crate) fn open_disk(path: &Path, access: Access) -> Result<(Object, bool)> {
    let id = path.to_string_lossy();
    let open = |rights| OpenOptions::new().access_mode(rights).share_mode(SHARE).open(path);
    let (file, writable) = match open(GENERIC_READ | GENERIC_WRITE) {
        Ok(file) => (file, true),
        Err(error) if access == Access::Read && is_denied(&error) => {
            let file = open(GENERIC_READ).map_err(|error| refused(&error, "CreateFile", &id))?;
            (file, false)
        }
        Err(error) => return Err(refused(&error, "CreateFile", &id)),
    };
    Ok((Object::new(What::Disk(DiskFile::new(file, &id)?)), writable))
}

fn is_denied(error: &std::io::Error) -> bool {
    let code = error.raw_os_error().unwrap_or(0).cast_unsigned();
    matches!(code, ERROR_ACCESS_DENIED | ERROR_WRITE_PROTECT)
}

/// The path without links and dots, in the form that people know, as other processes would best be
/// told.
pub(crate) fn full_path(path: &Path) -> PathBuf {
    let Ok(full) = std::fs::canonicalize(path) else { return path.to_owned() };
    let text = full.to_string_lossy();
    match text.strip_prefix(r"\\?\") {
        Some(plain) if plain.get(1..3) == Some(r":\") && plain.len() < LONG_PATH => plain.into(),
        _ => full,
    }
}

/// A path as the system wants it, also a long one.
fn wide_path(path: &Path) -> Vec<u16> {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut text: Vec<u16> = full.as_os_str().encode_wide().chain([0]).collect();
    let drive = text.get(1).copied() == Some(u16::from(b':'));
    if drive && text.len() >= LONG_PATH {
        text.splice(0..0, r"\\?\".encode_utf16());
    }
    text
}

/// What this user may still take of the disk. A file may be made sparse, which finds out too late.
fn free_bytes(folder: &Path) -> Option<u64> {
    let (mut free, none) = (0u64, std::ptr::null_mut());
    let path = wide_path(folder);
    // SAFETY: the path ends with a NUL; the first target is writable, the others are not wanted.
    let done = unsafe { GetDiskFreeSpaceExW(path.as_ptr(), &raw mut free, none, none) };
    (done != 0).then_some(free)
}

fn os_error(error: &std::io::Error, syscall: &'static str) -> OsError {
    OsError { syscall, errno: error.raw_os_error().unwrap_or(0) }
}

fn refused(error: &std::io::Error, syscall: &'static str, id: &str) -> Error {
    if error.kind() == std::io::ErrorKind::InvalidInput && error.raw_os_error().is_none() {
        let reason = "must not contain a NUL character".into();
        return Error::InvalidArgument { name: "path", reason };
    }
    from_code(os_error(error, syscall), id, 0)
}
