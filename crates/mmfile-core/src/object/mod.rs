//! Objects: what stands at a name or a path, complete from the moment at which it is there until its last
//! process has left.
//!
//! An object is created without its name or under a staging name, initialized, and published in one step.
//! Its name is removed by a process that holds the name's lock and has compared what the name leads to.
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

/// What is to be created or opened.
pub(crate) struct Spec {
    pub(crate) names: Names,
    #[allow(dead_code, reason = "Windows has only one")]
    pub(crate) folder: Folder,
    pub(crate) kind: ObjectKind,
}

/// What a new object is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewObject {
    pub(crate) kind: ObjectKind,
    pub(crate) capacity: u64,
    pub(crate) lifetime: Lifetime,
    pub(crate) mode: Mode,
    /// What a channel is to be.
    pub(crate) channel: Option<Shape>,
}

/// An object that is open.
pub(crate) struct Opened {
    pub(crate) object: Object,
    pub(crate) control: Control,
    /// What a handle that may not write to a file on disk reads the committed end from: its control block
    /// is its own.
    pub(crate) source: Option<Control>,
    /// The data: `capacity` bytes, none of a mutex.
    pub(crate) data: Memory,
    pub(crate) lifetime: Lifetime,
    pub(crate) mode: Mode,
}
