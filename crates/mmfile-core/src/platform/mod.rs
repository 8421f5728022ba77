//! Every call to the operating system, and what a platform supplies. This file alone selects one;
//! `build.rs` says which.
//!
//! A platform is a folder with the items of the first two tables and of one of the last two.
//!
//! | function or type | what it is |
//! | --- | --- |
//! | `RawMutex` | a lock between processes that survives its holder: `new`, `initialize`, `acquire`, `release`, `forget`, `nudge`, `is_abandoned`, `is_held` |
//! | `SyncObjects` | what the kernel keeps for a lock and for sleepers, besides memory |
//! | `wake_word` | `Request`: a request to be woken, which remembers the word (`seen`) and sleeps (`sleep`); `take_requests`, `wake_all` |
//! | `WakeRing` | the kernel waits on the word and tells an event loop: `new`, `arm`; or the one in
//! `no_wake_ring.rs` |
//! | `process_number`, `process_namespace`, `thread_id` | who this is, as others see it |
//! | `Folder::of`, `listed_prefix` | where named objects are, and by which names files are listed |
//! | `Location::on_disk`, `full_path` | where a file on disk is |
//! | `map_private` | memory of this process |
//! | `release_pages` | resident memory goes down, and no byte changes |
//! | `populate`, `write_at` | provides pages of a file, or reports that reading them or storing to them would end the process; writes without a mapping |
//! | `kill_self`, `stop_self` | for tests |
//!
//! | constant | what it says |
//! | --- | --- |
//! | `PROCESS_BITS` | the bits of a process's number, which leave room for those of its handles |
//! | `C_LIBRARY` | which lock is in a control block: programs that differ in it do not share one |
//! | `KERNEL_TELLS_OF_DEATHS` | whether a waiter for the lock is woken when its holder dies |
//! | `DATA_SUFFIX` | the suffix of the name of a channel's data, where the data has a separate name |
//! | `RELEASE_ORDERS_ALL` | whether releasing the lock orders everything before it with everything after it, as a locked instruction of x86-64 does |
//! | `FAULT_AROUND` | how many bytes a read fault maps, where a write fault maps one page |
//!
//! Where objects are files, or have files that stand for them (Linux, macOS), `crate::object::files` is written with
//! these:
//!
//! | item | what it is |
//! | --- | --- |
//! | `Folder` | `path`, `location`, `names` |
//! | `Location` | `id`, `known_as`, `name`, `folder`; `open`, `exists`, `leads_to`, `map`, `copy_control`, `unlink`, `unlink_memory`; `stage`, `reserve`, `publish`; for files that may only be read `open_read_only`, `map_read_only` |
//! | `Staged`, `Mapped`, `ViewSource` | an object that has no name yet; one that is mapped; for more mappings |
//! | `Descriptor` | an open object: `identity`, `size`, `lock` and `blocker` on ranges of bytes, `is_own` |
//! | `sync_objects`, `map_copy_on_write`, `sync` | the sync objects of an open object; a reader's views;
//! writing to the disk |
//!
//! Windows, whose kernel keeps the names, supplies what `crate::object::files` has:
//!
//! | item | what it is |
//! | --- | --- |
//! | `create`, `open`, `create_file`, `open_file`, `list`, `remove` | as there |
//! | `Object` | a handle: `nonce`, `is_own`, `is_alive`, `has_other_process`, `check_named`, `size`, `map_copy_on_write`, `sync`, `leave` |
//!
//! Every platform has to pass `tests/conformance.rs`.

#[cfg(platform = "linux")]
mod linux;
pub(crate) mod locks;
#[cfg(platform = "loom")]
#[doc(hidden)]
pub mod loom;
#[cfg(platform = "macos")]
mod macos;
#[cfg(any(platform = "linux", platform = "macos"))]
mod unix;
#[cfg(platform = "windows")]
mod windows;

// Parts that several platforms share and another one replaces.
#[cfg(not(platform = "loom"))]
pub(crate) mod fault;
#[cfg(not(platform = "linux"))]
mod no_wake_ring;
#[cfg(any(platform = "linux", platform = "loom"))]
mod robust_mutex;
#[cfg(not(platform = "loom"))]
pub(crate) mod sync;
#[cfg(not(platform = "windows"))]
pub(crate) mod wake_word;

#[cfg(platform = "linux")]
pub use linux::WakeRing;
#[cfg(platform = "linux")]
pub(crate) use linux::*;
pub(crate) use locks::{Acquired, Hold, Holder, Surroundings};
#[cfg(platform = "loom")]
pub(crate) use loom::*;
#[cfg(platform = "macos")]
pub(crate) use macos::*;
#[cfg(not(platform = "linux"))]
pub use no_wake_ring::WakeRing;
#[cfg(any(platform = "linux", platform = "loom"))]
pub(crate) use robust_mutex::RawMutex;
#[cfg(platform = "windows")]
pub(crate) use windows::*;
