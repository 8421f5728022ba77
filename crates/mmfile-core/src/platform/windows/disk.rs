//! Files on disk: data, gap and control block in one file. The lock and the semaphores have names derived
//! from the file's number in its file system, so that every path and link leads to the same ones.
//!
//! As long as a process has the file open, its control block is as good as one in memory. The first one that
//! opens it again rebuilds the block from the data. A lock on a byte far behind the end says whether there
//! is another process.

use super::disk_file::{DiskFile, LONG_PATH, os_error, wide_path};
use super::liveness::Presence;
use super::object::{Held, Object};
use super::sync_objects::{How, SyncObjects};
use super::{from_code, view};
use crate::control::layout::{CONTROL_SIZE, control_offset_of, object_size};
use crate::control::{Control, Description, Lifetime, ObjectKind};
use crate::deadline::Deadline;
use crate::error::{Error, OsError, Result};
use crate::fault;
use crate::ids::{staged_name, staging_name};
use crate::memory::{Access, Mode};
use crate::object::checks::{check_size, examine_file, parts};
use crate::object::nonce::new_nonce;
use crate::object::rebuild::{begin_unwritable, initialize_locks, rebuild, session};
use crate::object::{NewObject, Opened};
use crate::retry::Backoff;
use std::os::windows::io::OwnedHandle;
use std::path::{Path, PathBuf};
use windows_sys::Win32::Foundation::ERROR_INVALID_PARAMETER;
use windows_sys::Win32::Storage::FileSystem::{GetDiskFreeSpaceExW, MoveFileExW};

/// Where a file is.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    path: PathBuf,
}

impl Location {
    /// The location of a file on disk.
    pub(crate) fn on_disk(path: &Path) -> Self {
        Self { path: path.into() }
    }

    /// The path without links and dots, in the usual form, as to pass it to other processes.
    pub(crate) fn full_path(&self) -> PathBuf {
        let Ok(full) = std::fs::canonicalize(&self.path) else { return self.path.clone() };
        let text = full.to_string_lossy();
        match text.strip_prefix(r"\\?\") {
            Some(plain) if plain.get(1..3) == Some(r":\") && plain.len() < LONG_PATH => {
                plain.into()
            }
            _ => full,
        }
    }

    /// Its name in messages.
    fn id(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// The folder that it is in.
    fn folder(&self) -> &Path {
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new("."))
    }

    /// Removes what a process was creating there when it died.
    fn sweep_staged(&self) {
        let (Some(name), Ok(entries)) = (self.path.file_name(), self.folder().read_dir()) else {
            return;
        };
        let name = name.to_string_lossy();
        for entry in entries.flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            if staged_name(&file) == Some(&*name)
                && let Ok((staged, true)) = DiskFile::open(&entry.path(), Access::ReadWrite, &file)
                && staged.size().is_ok_and(|size| size == 0 || control_offset_of(size).is_some())
                && staged.lock(true)
            {
                let _ = std::fs::remove_file(entry.path()); // it stays for the next time
            }
        }
    }
}

/// Creates a file of `capacity` bytes at a path that nothing has.
///
/// # Errors
/// [`Error::Exists`], [`Error::NotFound`] if its folder does not exist, [`Error::NoSpace`],
/// [`Error::Access`].
pub(crate) fn create_file(
    location: &Location,
    new: &NewObject,
    deadline: &Deadline,
) -> Result<Opened> {
    let (id, capacity) = (location.id(), new.capacity);
    if location.path.symlink_metadata().is_ok() {
        return Err(Error::Exists { id });
    }
    let size = object_size(capacity).filter(|size| {
        // A file may be made sparse, which finds out too late.
        free_bytes(location.folder()).is_none_or(|free| *size <= free)
    });
    let Some(size) = size else { return Err(no_space(capacity, None)) };
    location.sweep_staged();
    let mut backoff = Backoff::new(deadline, "waiting for a process that removes what it creates");
    loop {
        if let Some(opened) = attempt_create(location, &id, new, size)? {
            return Ok(opened);
        }
        backoff.pause()?;
    }
}

/// Creates a file under a staging name and publishes it. `None` if another process took it for a dead one's.
fn attempt_create(
    location: &Location,
    id: &str,
    new: &NewObject,
    size: u64,
) -> Result<Option<Opened>> {
    let NewObject { kind, capacity, lifetime, mode, channel } = *new;
    let name = location.path.file_name().unwrap_or_default().to_string_lossy();
    let at = location.path.with_file_name(staging_name(&name, new_nonce()));
    let file = DiskFile::create(&at, id).map_err(|error| match error {
        Error::NotFound { id, .. } => {
            Error::NotFound { id, reason: "its folder does not exist: create that first" }
        }
        other => other,
    })?;
    // Dropped after everything that is declared below: a mapped file cannot be removed.
    let mut staged = Staged { at, published: false };
    fault::point("disk.made");
    if !file.lock(false) {
        return Ok(None);
    }
    fault::point("disk.joined");
    file.set_size(size).map_err(|error| {
        match from_code(os_error(&error, "SetEndOfFile"), id, size) {
            Error::NoSpace { os, .. } => no_space(capacity, os),
            Error::Access { os: Some(os), .. }
                if os.errno.cast_unsigned() == ERROR_INVALID_PARAMETER =>
            {
                no_space(capacity, Some(os)) // more than the file system can express
            }
            other => other,
        }
    })?;
    fault::point("disk.reserved");
    let (section, memory) = file.map(Access::ReadWrite)?;
    let (block, before) = parts(&memory, id)?;
    let lock = file.lock_name()?;
    let mut control = Control::new(block, SyncObjects::new(&lock, How::CreateOrOpen, id)?, id)?;
    initialize_locks(&control, kind)?;
    let presence = Presence::enter(&lock, id)?;
    let creator = presence.nonce();
    control.describe(&Description { kind, capacity, lifetime, creator, channel });
    if kind == ObjectKind::DiskChannel {
        control.set_session(session(file.place()?));
    }
    fault::point("disk.described");
    let data = before.part(0, capacity).ok_or(Error::Closed)?;
    let object = object(file, &control, mode, section, Some((lock, presence)))?;
    if !staged.publish(location, id)? {
        return Ok(None);
    }
    fault::point("disk.published");
    Ok(Some(Opened { object, control, source: None, data, lifetime, mode }))
}

/// A handle on a file. The name of the lock and the presence are those of one that shares the control block.
fn object(
    file: DiskFile,
    control: &Control,
    mode: Mode,
    section: OwnedHandle,
    shares: Option<(String, Presence)>,
) -> Result<Object> {
    let (lock, presence) = shares.unzip();
    // A handle that writes needs no more mappings.
    let data = Some(section).filter(|_| mode.access == Access::Read);
    let held = Held { presence, data, _control: None };
    Object::new(control, mode, lock, held, Some(file), false)
}

/// The staging name of a file, which is removed unless the file has got its own.
struct Staged {
    at: PathBuf,
    published: bool,
}

impl Staged {
    /// Gives the file its path, which nothing may have yet. `false` if it does not have the staging name any
    /// more.
    fn publish(&mut self, location: &Location, id: &str) -> Result<bool> {
        let (from, to) = (wide_path(&self.at), wide_path(&location.path));
        // SAFETY: both are NUL-terminated texts that outlive the call.
        self.published = unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), 0) } != 0;
        if self.published {
            return Ok(true);
        }
        match from_code(OsError::last("MoveFileEx"), id, 0) {
            Error::NotFound { .. } => Ok(false),
            error => Err(error),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            let _ = std::fs::remove_file(&self.at);
        }
    }
}

/// Opens a file by its path. One that may not be written to is opened for reading only, if that is
/// enough.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Access`], [`Error::Corrupt`] if it was cut, [`Error::Incompatible`],
/// [`Error::Timeout`].
pub(crate) fn open_file(
    location: &Location,
    kind: ObjectKind,
    mode: Mode,
    deadline: &Deadline,
) -> Result<Opened> {
    let mut backoff = Backoff::new(deadline, "waiting for the process that is opening the file");
    loop {
        if let Some(opened) = attempt(location, kind, mode)? {
            return Ok(opened);
        }
        backoff.pause()?;
    }
}

/// `None` while another process rebuilds the control block.
fn attempt(location: &Location, kind: ObjectKind, mode: Mode) -> Result<Option<Opened>> {
    let access = mode.access;
    let id = location.id();
    let (file, writable) = DiskFile::open(&location.path, access, &id)?;
    check_size(file.size()?, &id)?;
    if !writable {
        return open_unwritable(file, kind, Some(mode), &id).map(Some);
    }
    let vacant = file.lock(true);
    if !vacant && !file.lock(false) {
        return Ok(None);
    }
    fault::point("open.joined");
    let (section, memory) = file.map(Access::ReadWrite)?;
    let (block, before) = parts(&memory, &id)?;
    let lock = file.lock_name()?;
    let mut control = Control::new(block, SyncObjects::new(&lock, How::CreateOrOpen, &id)?, &id)?;
    let (description, data) = examine_file(&control, &before, kind, &id)?;
    let capacity = description.capacity;
    fault::point("open.mapped");
    if vacant {
        rebuild(&mut control, &data, &description, file.place()?, &id)?;
        fault::point("open.rebuilt");
        if !file.lock(false) {
            return Ok(None);
        }
    } else {
        control.examine(&id)?;
        control.accept(capacity);
        control.join();
    }
    if access == Access::Read {
        view::protect(&before)?;
    }
    let presence = Presence::enter(&lock, &id)?;
    let object = object(file, &control, mode, section, Some((lock, presence)))?;
    fault::point("open.entered");
    let lifetime = Lifetime::LastProcess;
    Ok(Some(Opened { object, control, source: None, data, lifetime, mode }))
}

/// Observes a file. One that no process has open is opened: it has no other peers, and it may have to
/// be repaired.
///
/// # Errors
/// As [`open_file`].
pub(crate) fn observe_file(
    location: &Location,
    kind: ObjectKind,
    deadline: &Deadline,
) -> Result<Opened> {
    let id = location.id();
    let (file, _) = DiskFile::open(&location.path, Access::Read, &id)?;
    check_size(file.size()?, &id)?;
    if file.lock(true) {
        drop(file);
        return open_file(location, kind, Mode::READING, deadline);
    }
    open_unwritable(file, kind, None, &id)
}

/// A reader that may not write to the file has a private control block, and reads the committed end from the
/// file's. Without a mode it only observes.
fn open_unwritable(
    file: DiskFile,
    kind: ObjectKind,
    mode: Option<Mode>,
    id: &str,
) -> Result<Opened> {
    let (section, memory) = file.map(Access::Read)?;
    let (block, before) = parts(&memory, id)?;
    let lock = file.lock_name()?;
    let sync = match mode {
        Some(_) => SyncObjects::none(),
        None => SyncObjects::new(&lock, How::CreateOrOpen, id)?,
    };
    let mut source = Control::new(block, sync, id)?;
    let (description, data) = examine_file(&source, &before, kind, id)?;
    let capacity = description.capacity;
    let own = view::map_private(CONTROL_SIZE)?;
    let mut control = Control::new(own, SyncObjects::private(id)?, id)?;
    begin_unwritable(&mut control, kind, capacity)?;
    let object = match mode {
        Some(mode) => object(file, &control, mode, section, None)?,
        None => {
            let held = Held { presence: None, data: Some(section), _control: None };
            Object::apart(&control, lock, held, Some(file))
        }
    };
    let mode = mode.unwrap_or(Mode::READING);
    source.accept(capacity);
    let lifetime = Lifetime::LastProcess;
    Ok(Opened { object, control, source: Some(source), data, lifetime, mode })
}

fn no_space(capacity: u64, os: Option<OsError>) -> Error {
    Error::NoSpace { needed: format!("{capacity} bytes on disk"), os }
}

/// The disk space that this user may still take.
fn free_bytes(folder: &Path) -> Option<u64> {
    let (mut free, none) = (0u64, std::ptr::null_mut());
    let path = wide_path(folder);
    // SAFETY: the path ends with a NUL; the first target is writable, the others are not wanted.
    let done = unsafe { GetDiskFreeSpaceExW(path.as_ptr(), &raw mut free, none, none) };
    (done != 0).then_some(free)
}
