//! The kinds of places that objects are in.

use super::names;
use std::borrow::Cow;

/// Where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Beside an anchor.
    Anchored,
    /// At a path that a user named.
    Disk,
}

impl Kind {
    /// The file of a name.
    pub(in crate::platform) fn file_of(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::Anchored => names::encode(name).into(),
            Self::Disk => name.into(),
        }
    }

    /// The name of a file.
    pub(in crate::platform) fn name_of(self, file: String) -> Option<String> {
        match self {
            Self::Anchored => names::decode(&file),
            Self::Disk => Some(file),
        }
    }
}
