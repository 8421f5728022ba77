//! Where named objects are.

use crate::error::{Error, Result};
use crate::ids::Prefixes;
use std::path::Path;

/// The session's name space, and nowhere else.
#[derive(Debug, Clone)]
pub(crate) struct Folder;

impl Folder {
    /// Refuses any other.
    pub(crate) fn of(directory: Option<&Path>) -> Result<Self> {
        match directory {
            None => Ok(Self),
            Some(_) => Err(Error::unsupported(
                "another directory, since Windows keeps objects in the session: leave `directory` out",
            )),
        }
    }
}

/// The prefix by which files are listed: their control blocks have the locks' names.
pub(crate) fn listed_prefix(prefixes: &Prefixes) -> &str {
    prefixes.mutex()
}
