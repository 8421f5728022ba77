//! Ids, prefixes, and the names that objects get from them.

use crate::error::{Error, Result};
use uuid::Uuid;

/// The longest id, in characters.
pub const MAX_ID_LENGTH: usize = 64;

/// What stands before the id in the names of the two objects of a file.
///
/// Two programs share a file only if they use the same prefixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefixes {
    data: String,
    mutex: String,
}

impl Default for Prefixes {
    fn default() -> Self {
        Self { data: "mmfile-data-".into(), mutex: "mmfile-lock-".into() }
    }
}

impl Prefixes {
    /// Prefixes of your own: up to 64 characters of `[A-Za-z0-9._-]` each, and not the same.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for any other.
    pub fn new(data: impl Into<String>, mutex: impl Into<String>) -> Result<Self> {
        let (data, mutex) = (data.into(), mutex.into());
        for (name, value) in [("prefixes.data", &data), ("prefixes.mutex", &mutex)] {
            if !Self::is_valid(value) {
                let reason = format!("must be up to {MAX_ID_LENGTH} characters of [A-Za-z0-9._-]");
                return Err(Error::InvalidArgument { name, reason });
            }
        }
        if data == mutex {
            let reason = "must differ between data and mutex".into();
            return Err(Error::InvalidArgument { name: "prefixes", reason });
        }
        Ok(Self { data, mutex })
    }

    /// Whether a text can be a prefix.
    pub(crate) fn is_valid(text: &str) -> bool {
        text.len() <= MAX_ID_LENGTH && text.chars().all(is_name_char)
    }

    /// The prefix of the object that holds the segments.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The prefix of the object that holds the lock and the control block.
    #[must_use]
    pub fn mutex(&self) -> &str {
        &self.mutex
    }
}

/// A valid id: a UUID in lower case without braces, or a name of 1 to 64 `[A-Za-z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileId(String);

impl FileId {
    /// A fresh random UUID.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4().hyphenated().to_string())
    }

    /// Takes a UUID in any case, with or without braces, or a plain name.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let braced = text.len() == 38 && text.starts_with('{') && text.ends_with('}');
        if (braced || text.len() == 36)
            && let Ok(uuid) = Uuid::try_parse(text)
        {
            return Ok(Self(uuid.hyphenated().to_string()));
        }
        let dots = text.chars().all(|c| c == '.');
        if text.is_empty() || dots || text.len() > MAX_ID_LENGTH || !text.chars().all(is_name_char)
        {
            let reason = format!(
                "must be a UUID or 1 to {MAX_ID_LENGTH} characters of [A-Za-z0-9._-], not only dots"
            );
            return Err(Error::InvalidArgument { name: "id", reason });
        }
        Ok(Self(text.into()))
    }

    /// The id as every process sees it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for FileId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What ends the control object's name where the lock has the name that foreign programs know. No id
/// contains such a character, so that no other object of ours can be meant.
pub(crate) const CONTROL_SUFFIX: &str = if cfg!(windows) { "~control" } else { "" };

/// The names of the two objects of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectNames {
    pub(crate) id: FileId,
    pub(crate) data: String,
    pub(crate) control: String,
}

impl ObjectNames {
    /// Those of a file that a program means.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if they would be a mutex' or the registry's.
    pub(crate) fn of_file(id: FileId, prefixes: &Prefixes) -> Result<Self> {
        let names = Self::new(id, prefixes);
        let reserved = |name: &String| {
            [Self::MUTEX_PREFIX, Self::REGISTRY_PREFIX].iter().any(|at| name.starts_with(at))
        };
        if reserved(&names.data) || reserved(&names.control) {
            let reason = "must not lead to the names of mutexes or of the registry".into();
            return Err(Error::InvalidArgument { name: "prefixes", reason });
        }
        Ok(names)
    }

    /// Those of a file that there may be.
    pub(crate) fn new(id: FileId, prefixes: &Prefixes) -> Self {
        let data = format!("{}{id}", prefixes.data);
        let control = format!("{}{id}{CONTROL_SUFFIX}", prefixes.mutex);
        Self { id, data, control }
    }

    /// What stands before the id in the name of the data.
    pub(crate) fn data_prefix(&self) -> &str {
        self.data.strip_suffix(self.id.as_str()).unwrap_or_default()
    }

    /// What stands before the name of a lock alone.
    pub(crate) const MUTEX_PREFIX: &str = "mmfile-mutex-";
    /// What stands before the user's number in the name of the registry.
    pub(crate) const REGISTRY_PREFIX: &str = "mmfile-registry-";

    /// A lock alone has no data object.
    pub(crate) fn mutex(id: FileId) -> Self {
        let control = format!("{}{id}{CONTROL_SUFFIX}", Self::MUTEX_PREFIX);
        Self { id, data: String::new(), control }
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_one_id_in_any_form() {
        let plain = FileId::parse("0f8fad5b-d9cb-469f-a165-70867728950e").unwrap();
        let braced = FileId::parse("{0F8FAD5B-D9CB-469F-A165-70867728950E}").unwrap();
        assert_eq!(plain, braced);
        assert_eq!(plain.as_str(), "0f8fad5b-d9cb-469f-a165-70867728950e");
    }

    #[test]
    fn names_keep_their_case() {
        assert_eq!(FileId::parse("Tasks.v1_a-B").unwrap().as_str(), "Tasks.v1_a-B");
        assert!(FileId::parse(&"x".repeat(64)).is_ok());
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "x".repeat(65);
        for bad in ["", "..", ".", "a/b", "a\\b", "a b", "ä", "a\0b", "{abc}", long.as_str()] {
            assert_eq!(FileId::parse(bad).unwrap_err().code(), "ERR_INVALID_ARG_VALUE", "{bad:?}");
        }
    }

    #[test]
    fn fresh_ids_differ() {
        assert_ne!(FileId::random(), FileId::random());
    }

    #[test]
    fn names_of_mutexes_and_of_the_registry_are_no_files() {
        let names = |id: &str, data: &str, mutex: &str| {
            let prefixes = Prefixes::new(data, mutex).unwrap();
            ObjectNames::of_file(FileId::parse(id).unwrap(), &prefixes)
        };
        assert!(names("x", "a-", "mmfile-mutex-").is_err());
        assert!(names("mutex-x", "mmfile-", "b-").is_err());
        assert!(names("mmfile-registry-0", "a-", "").is_err());
        assert!(names("mutex-x", "mmfile-data-", "mmfile-lock-").is_ok());
    }

    #[test]
    fn prefixes_are_checked() {
        assert!(Prefixes::new("a-", "b-").is_ok());
        assert!(Prefixes::new("", "b-").is_ok());
        assert!(Prefixes::new("a-", "a-").is_err());
        assert!(Prefixes::new("../", "b-").is_err());
    }
}
