//! Every call to the operating system, and what a platform supplies. This file alone selects one;
//! `build.rs` says which.
//!
//! A platform is a folder with these items. Those of the first table are enough for a system on which objects
//! are files, or have files that stand for them (Linux, macOS): `crate::object` is written with them.
//! Windows, whose kernel keeps the names, supplies the second table instead.
//!
//! | item | what it is |
//! | --- | --- |
//! | `Folder`, `Location` | where objects are: open, stage, reserve, publish, compare, unlink, map, list |
//! | `Staged`, `Mapped`, `ViewSource` | an object that has no name yet; one that is mapped; for more mappings |
//! | `Descriptor` | an open object: identity, size, locks on ranges of bytes, whether this is a forked child |
//! | `staged_name` | the name that a staging object is to get |
//!
//! | item | what it is |
//! | --- | --- |
//! | `Folder`, `Location` | where objects are; checks what the caller asks for |
//! | `Object` | a handle on an object: who else has it, whether it is named, leaving |
//! | `create`, `open`, `create_file`, `open_file`, `list`, `remove` | as in `crate::object` |
//!
//! | item of every platform | what it is |
//! | --- | --- |
//! | `RawMutex` | a lock between processes that survives its holder: initialize, acquire, release |
//! | `SyncObjects`, `sync_objects` | what the kernel keeps for a lock and for sleepers, besides memory |
//! | `wake_word` | a request to be woken, one that sleeps, and the two functions that wake |
//! | `process_number`, `process_namespace`, `thread_id` | who this is, as others see it |
//! | `map_private`, `map_copy_on_write`, `sync` | memory of this process; a reader's views; to the disk |
//!
//! `tests/conformance.rs` is what every platform has to pass.

#[cfg(platform = "linux")]
mod linux;
pub(crate) mod locks;
#[cfg(platform = "loom")]
#[doc(hidden)]
pub mod loom;
#[cfg(platform = "macos")]
mod macos;
#[cfg(any(platform = "linux", platform = "loom"))]
mod robust_mutex;
#[cfg(any(platform = "linux", platform = "macos"))]
mod unix;
#[cfg(not(platform = "windows"))]
pub(crate) mod wake_word;
#[cfg(platform = "windows")]
mod windows;

pub(crate) use locks::{Acquired, Hold, Holder};

#[cfg(platform = "linux")]
pub use linux::WakeRing;
#[cfg(platform = "linux")]
pub(crate) use linux::*;
#[cfg(platform = "loom")]
pub(crate) use loom::*;
#[cfg(platform = "macos")]
pub(crate) use macos::*;
#[cfg(any(platform = "linux", platform = "loom"))]
pub(crate) use robust_mutex::RawMutex;
#[cfg(platform = "windows")]
pub(crate) use windows::*;
