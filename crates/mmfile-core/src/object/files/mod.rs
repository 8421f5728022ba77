//! Objects that are files, or that files represent: everywhere except on Windows.

mod close;
mod create;
#[cfg(not(platform = "loom"))]
mod disk;
mod handle;
mod list;
pub(crate) mod liveness;
#[cfg(not(platform = "loom"))]
mod observe;
mod open;
mod sweep;

pub(crate) use create::create;
#[cfg(not(platform = "loom"))]
pub(crate) use disk::{create_file, observe_file, open_file};
pub(crate) use handle::Object;
pub(crate) use list::{list, remove};
#[cfg(not(platform = "loom"))]
pub(crate) use observe::observe;
pub(crate) use open::open;
