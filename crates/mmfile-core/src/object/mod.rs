//! Objects: each has a name or a path, and is complete from the moment at which it appears until its last
//! process has left.
//!
//! An object is created without its name or under a staging name, initialized, and published in one step. Its
//! name is removed by a process that holds the name's lock and has checked which object the name leads to.
//! There is no lock above that of one name: creating, opening and removing one object waits for no other.
//! docs/decisions/0004-liveness.md has the protocol.
//!
//! ```
//! # fn main() -> mmfile_core::Result<()> {
//! use mmfile_core::{CreateOptions, MmFile, OpenOptions};
//! // process A creates a file and leaves
//! let a = MmFile::create_new(4096, &CreateOptions::default())?;
//! let id = a.id().to_owned();
//! drop(a);
//! // process B comes too late
//! let gone = MmFile::open_existing(id.as_str(), &OpenOptions::default());
//! assert_eq!(gone.unwrap_err().code(), "ERR_MMFILE_NOT_FOUND");
//! # Ok(()) }
//! ```

pub(crate) mod checks;
mod create_or_open;
#[cfg(not(platform = "windows"))]
pub(crate) mod files;
mod info;
mod listing;
pub(crate) mod nonce;
#[cfg(not(platform = "loom"))]
mod paths;
pub(crate) mod rebuild;

// Windows' names end with their last handle: its objects need no locks to tell who is alive.
#[cfg(platform = "windows")]
use crate::platform as implementation;
#[cfg(not(platform = "windows"))]
use files as implementation;

pub(crate) use checks::check_kind;
pub(crate) use create_or_open::open_or_create;
#[cfg(not(platform = "loom"))]
pub(crate) use implementation::observe;
pub(crate) use implementation::{Object, create, open};
pub use info::{Kind, ObjectInfo, Peer};
pub use listing::{ListOptions, list, remove, sweep};
#[cfg(not(platform = "loom"))]
pub(crate) use paths::{OnDisk, create_file, create_or_open_file, observe_file, open_file};

use crate::control::channel::Shape;
use crate::control::{Control, Lifetime, ObjectKind};
use crate::ids::Names;
use crate::memory::{Memory, Mode};
use crate::platform::Folder;

/// The object to create or open.
pub(crate) struct Spec {
    pub(crate) names: Names,
    #[allow(dead_code, reason = "Windows has only one")]
    pub(crate) folder: Folder,
    pub(crate) kind: ObjectKind,
}

/// The properties of a new object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewObject {
    pub(crate) kind: ObjectKind,
    pub(crate) capacity: u64,
    pub(crate) lifetime: Lifetime,
    pub(crate) mode: Mode,
    /// The properties of a new channel.
    pub(crate) channel: Option<Shape>,
}

/// An object that is open.
pub(crate) struct Opened {
    pub(crate) object: Object,
    pub(crate) control: Control,
    /// The file's control block, from which a handle that may not write to a file on disk reads the committed
    /// end; `control` is private then.
    pub(crate) source: Option<Control>,
    /// The data: `capacity` bytes, none of a mutex.
    pub(crate) data: Memory,
    pub(crate) lifetime: Lifetime,
    pub(crate) mode: Mode,
}
