//! Objects at a path: files and channels on disk.

use super::create_or_open::open_or_create;
use super::{NewObject, Opened, implementation};
use crate::control::ObjectKind;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::memory::Mode;
use crate::platform::Location;
use std::path::{Path, PathBuf};

/// An object at a path, and where it is, without links.
pub(crate) struct OnDisk {
    pub(crate) opened: Opened,
    pub(crate) path: PathBuf,
    pub(crate) is_creator: bool,
}

impl OnDisk {
    fn new(location: &Location, opened: Opened, is_creator: bool) -> Self {
        Self { opened, path: location.full_path(), is_creator }
    }
}

/// Creates an object at a path that nothing has.
///
/// # Errors
/// [`Error::Exists`], [`Error::NotFound`] if its folder does not exist, [`Error::NoSpace`],
/// [`Error::Access`].
pub(crate) fn create_file(path: &Path, new: &NewObject, deadline: &Deadline) -> Result<OnDisk> {
    let location = location(path)?;
    let opened = implementation::create_file(&location, new, deadline)?;
    Ok(OnDisk::new(&location, opened, true))
}

/// Opens the object at a path.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Access`], [`Error::Corrupt`] if it was cut, [`Error::Incompatible`],
/// [`Error::Timeout`].
pub(crate) fn open_file(
    path: &Path,
    kind: ObjectKind,
    mode: Mode,
    deadline: &Deadline,
) -> Result<OnDisk> {
    let location = location(path)?;
    let opened = implementation::open_file(&location, kind, mode, deadline);
    Ok(OnDisk::new(&location, opened.map_err(|error| missing(path, error))?, false))
}

/// Observes the object at a path, without joining the handles that have it open.
///
/// # Errors
/// As [`open_file`].
pub(crate) fn observe_file(path: &Path, kind: ObjectKind, deadline: &Deadline) -> Result<OnDisk> {
    let location = location(path)?;
    let opened = implementation::observe_file(&location, kind, deadline);
    Ok(OnDisk::new(&location, opened.map_err(|error| missing(path, error))?, false))
}

/// Opens the object at a path, or creates it if there is none.
///
/// # Errors As both, except [`Error::Exists`] and [`Error::NotFound`].
pub(crate) fn create_or_open_file(
    path: &Path,
    new: &NewObject,
    deadline: &Deadline,
) -> Result<OnDisk> {
    open_or_create(
        deadline,
        || open_file(path, new.kind, new.mode, deadline),
        || {
            create_file(path, new, deadline).map_err(|error| match error {
                // Nothing comes there by itself.
                Error::Exists { id } if leads_nowhere(path) => {
                    missing(path, Error::NotFound { id, reason: "" })
                }
                other => other,
            })
        },
    )
}

/// The file that the path names. A path of a folder is refused: `x/` would otherwise create `x`.
fn location(path: &Path) -> Result<Location> {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    if name.is_empty() || !path.as_os_str().as_encoded_bytes().ends_with(name) {
        let reason = "it must name a file, not a folder".into();
        return Err(Error::InvalidArgument { name: "path", reason });
    }
    Ok(Location::on_disk(path))
}

/// The error of an object on disk that is not there: no process need have it open.
fn missing(path: &Path, error: Error) -> Error {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    error.missing_because(if leads_nowhere(path) {
        "the link at that path leads to nothing: create the file that it names, or remove the link"
    } else if folder.is_none_or(Path::exists) {
        "no file is at that path: check it, or create the file first"
    } else {
        "its folder does not exist: create that first"
    })
}

/// Whether the path is a link that leads nowhere.
fn leads_nowhere(path: &Path) -> bool {
    path.is_symlink() && !path.exists()
}
