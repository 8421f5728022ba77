//! The kinds of places that objects are in.

use std::borrow::Cow;

/// Where an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In the default folder of named objects.
    SharedMemory,
    /// In another folder of named objects.
    Folder,
    /// At a path that a user named.
    Disk,
}

impl Kind {
    /// The file of a name: itself.
    pub(in crate::platform) fn file_of(self, name: &str) -> Cow<'_, str> {
        name.into()
    }

    /// The name of a file.
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere not every file has one")]
    pub(in crate::platform) fn name_of(self, file: String) -> Option<String> {
        Some(file)
    }
}
