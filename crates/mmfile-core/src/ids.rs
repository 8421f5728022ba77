//! Ids, prefixes, and the names that objects get from them.

use crate::error::{Error, Result};
use crate::platform::DATA_SUFFIX;
use uuid::Uuid;

/// The longest id, in characters.
pub const MAX_ID_LENGTH: usize = 64;

/// The text before the name of a mutex in its object's name, unless the options say otherwise.
pub const DEFAULT_MUTEX_PREFIX: &str = "mmfile-mutex-";

/// The text before the id of a channel in its object's name, unless the options say otherwise.
pub const DEFAULT_CHANNEL_PREFIX: &str = "mmfile-channel-";

/// The text before the id in the names of the objects of files and channels.
///
/// Two programs share a file only if they use the same prefixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefixes {
    data: String,
    mutex: String,
    channel: String,
}

impl Default for Prefixes {
    fn default() -> Self {
        Self {
            data: "mmfile-data-".into(),
            mutex: "mmfile-lock-".into(),
            channel: DEFAULT_CHANNEL_PREFIX.into(),
        }
    }
}

impl Prefixes {
    /// Prefixes of your own: up to 64 characters of `[A-Za-z0-9._-]` each, and different from each other.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for any other.
    pub fn new(data: impl Into<String>, mutex: impl Into<String>) -> Result<Self> {
        let (data, mutex) = (data.into(), mutex.into());
        check_prefix("prefixes.data", &data)?;
        check_prefix("prefixes.mutex", &mutex)?;
        if data == mutex {
            let reason = "must differ between data and mutex".into();
            return Err(Error::InvalidArgument { name: "prefixes", reason });
        }
        Ok(Self { data, mutex, channel: DEFAULT_CHANNEL_PREFIX.into() })
    }

    /// The same with another prefix of channels, which must differ from both.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for any other.
    pub fn with_channel(self, channel: impl Into<String>) -> Result<Self> {
        let channel = channel.into();
        check_prefix("prefixes.channel", &channel)?;
        if channel == self.data || channel == self.mutex {
            let reason = "must differ from those of data and mutex".into();
            return Err(Error::InvalidArgument { name: "prefixes.channel", reason });
        }
        Ok(Self { channel, ..self })
    }

    /// Whether a prefix is valid.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is not.
    pub fn check(prefix: &str) -> Result<()> {
        check_prefix("prefix", prefix)
    }

    /// The prefix of the object that holds the segments.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The prefix of the object of a channel.
    #[must_use]
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// The prefix of the kernel's mutex, which exists on Windows alone: elsewhere the lock is part of
    /// the object that holds the segments.
    #[must_use]
    pub fn mutex(&self) -> &str {
        &self.mutex
    }
}

/// Checks a prefix that the argument `name` gives.
pub(crate) fn check_prefix(name: &'static str, prefix: &str) -> Result<()> {
    if prefix.len() <= MAX_ID_LENGTH && prefix.chars().all(is_name_char) {
        return Ok(());
    }
    let reason = format!("must be up to {MAX_ID_LENGTH} characters of [A-Za-z0-9._-]");
    Err(Error::InvalidArgument { name, reason })
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

    /// Accepts a UUID in any case, with or without braces, or a plain name.
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

/// The names of the objects of one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) id: FileId,
    /// The object with the segments; for a mutex, which has none, the object with its lock.
    pub(crate) object: String,
    /// The kernel's mutex, on systems where the lock is one.
    #[allow(dead_code, reason = "elsewhere than on Windows the lock is part of the object")]
    pub(crate) lock: String,
}

impl Names {
    /// The names of a file's objects.
    pub(crate) fn of_file(id: FileId, prefixes: &Prefixes) -> Self {
        let object = format!("{}{id}", prefixes.data);
        let lock = format!("{}{id}", prefixes.mutex);
        Self { id, object, lock }
    }

    /// The names of a channel's objects. Where data and lock are separate objects, no id can be mistaken for
    /// part of the data's name.
    pub(crate) fn of_channel(id: FileId, prefixes: &Prefixes) -> Self {
        let lock = format!("{}{id}", prefixes.channel);
        let object = format!("{lock}{DATA_SUFFIX}");
        Self { id, object, lock }
    }

    /// The text before the id in the object's name.
    #[allow(dead_code, reason = "on Windows no creation sweeps")]
    pub(crate) fn prefix(&self) -> &str {
        self.object.strip_suffix(self.id.as_str()).unwrap_or_default()
    }

    /// The names of a mutex's objects.
    pub(crate) fn of_mutex(id: FileId, prefix: &str) -> Self {
        let object = format!("{prefix}{id}");
        Self { id, lock: object.clone(), object }
    }
}

/// The name of a staging object: the name that it is to get, a `~`, which no id contains, a number that no
/// other staging object has, and a check of both. Nothing else tells whose an empty staging object is, and no
/// other program gives its files such names.
pub(crate) fn staging_name(name: &str, number: u64) -> String {
    format!("{name}~{number:016x}{:08x}", check_of(name, number))
}

/// The name that a staging object of this name is to get, if it is one.
pub(crate) fn staged_name(file: &str) -> Option<&str> {
    let (name, digits) = file.rsplit_once('~')?;
    let number = u64::from_str_radix(digits.get(..16)?, 16).ok()?;
    (file == staging_name(name, number)).then_some(name)
}

/// FNV-1a, folded to 32 bits.
fn check_of(name: &str, number: u64) -> u32 {
    let salt = b"mmfile staging ".iter().copied();
    let bytes = salt.chain(name.bytes()).chain(number.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    #[allow(clippy::cast_possible_truncation, reason = "32 bits of it")]
    let folded = (hash ^ hash >> 32) as u32;
    folded
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::{staged_name, staging_name};

    #[test]
    fn nothing_but_a_staging_name_is_one() {
        let name = staging_name("mmfile-data-it", 0x0123_4567_89ab_cdef);
        // Every version of this library has to know it.
        assert_eq!(name, "mmfile-data-it~0123456789abcdef8d87057f");
        assert_eq!(staged_name(&name), Some("mmfile-data-it"));
        let others = [
            name.replace("data", "date"),
            name.replace("0123", "0124"),
            name.to_uppercase(),
            name.replace("~0", "~+"),
            format!("{name}0"),
            name[..name.len() - 1].into(),
            "it~0123456789abcdef".into(),
            "it~ä123456789abcdef01234567".into(),
            "~".into(),
        ];
        for other in others {
            assert_eq!(staged_name(&other), None, "{other}");
        }
    }
}
