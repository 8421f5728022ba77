//! How a channel is created and opened.

use crate::control::Lifetime;
use crate::ids::{FileId, Prefixes};
use crate::memory::Access;
use crate::timeouts::DEFAULT_LOCK_TIMEOUT;
use std::path::PathBuf;
use std::time::Duration;

/// The capacity of a channel unless the options say otherwise.
pub const DEFAULT_CHANNEL_CAPACITY: u64 = 4 << 20;
/// How many participants a channel has room for unless the options say otherwise.
pub const DEFAULT_PARTICIPANTS: u32 = 64;
/// The name of the encoding unless the options say otherwise.
pub const DEFAULT_ENCODING: &str = "bytes";

/// What happens to a send when the slowest reader leaves no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFull {
    /// It waits.
    #[default]
    Wait,
    /// The oldest messages are dropped: every reader is lossy, and there are no groups.
    DropOldest,
}

/// Options of [`crate::Channel::create_new`], [`crate::Channel::create_or_open`] and the same for paths.
#[derive(Debug, Clone)]
pub struct ChannelOptions {
    /// The id; `None` for a fresh UUID. It does not count for [`crate::Channel::create_or_open`] and for paths.
    pub id: Option<FileId>,
    /// Bytes for messages and their headers, rounded up to a power of two.
    pub capacity: u64,
    /// The name of the encoding, 1 to 64 bytes. Opening an existing channel with another name is refused.
    pub encoding: String,
    /// What happens to a send when the slowest reader leaves no room.
    pub on_full: OnFull,
    /// Slots for reliable readers, members, the exclusive writer and groups.
    pub max_participants: u32,
    /// Groups that must exist; missing ones are created and begin with the oldest message.
    pub groups: Vec<String>,
    /// How long the channel can be opened. It does not count for paths and for
    /// [`crate::Channel::create_or_open`].
    pub lifetime: Lifetime,
    /// How long an operation waits for a lock.
    pub lock_timeout: Duration,
    /// The folder of the object; `None` for the one that `MMFILE_DIRECTORY` names, or the system's.
    pub directory: Option<PathBuf>,
    /// The text before the id in the object's name.
    pub prefixes: Prefixes,
}

impl Default for ChannelOptions {
    fn default() -> Self {
        Self {
            id: None,
            capacity: DEFAULT_CHANNEL_CAPACITY,
            encoding: DEFAULT_ENCODING.into(),
            on_full: OnFull::Wait,
            max_participants: DEFAULT_PARTICIPANTS,
            groups: Vec::new(),
            lifetime: Lifetime::Creator,
            lock_timeout: DEFAULT_LOCK_TIMEOUT,
            directory: None,
            prefixes: Prefixes::default(),
        }
    }
}

/// Options of [`crate::Channel::open_existing`] and [`crate::Channel::open_file`].
#[derive(Debug, Clone)]
pub struct OpenChannelOptions {
    /// What the handle is allowed to do. `Read` allows lossy readers, the newest message and properties.
    pub access: Access,
    /// The name of the encoding that the channel must have; `None` for any.
    pub encoding: Option<String>,
    /// The behaviour that the channel must have when it is full; `None` accepts any.
    pub on_full: Option<OnFull>,
    /// Groups that must exist; missing ones are created and begin with the oldest message.
    pub groups: Vec<String>,
    /// How long an operation waits for a lock.
    pub lock_timeout: Duration,
    /// The folder of the object; `None` for the one that `MMFILE_DIRECTORY` names, or the system's.
    pub directory: Option<PathBuf>,
    /// The text before the id in the object's name.
    pub prefixes: Prefixes,
}

impl Default for OpenChannelOptions {
    fn default() -> Self {
        Self {
            access: Access::ReadWrite,
            encoding: None,
            on_full: None,
            groups: Vec::new(),
            lock_timeout: DEFAULT_LOCK_TIMEOUT,
            directory: None,
            prefixes: Prefixes::default(),
        }
    }
}

/// The properties that a created or opened channel must have.
impl From<&ChannelOptions> for OpenChannelOptions {
    fn from(options: &ChannelOptions) -> Self {
        Self {
            access: Access::ReadWrite,
            encoding: Some(options.encoding.clone()),
            on_full: Some(options.on_full),
            groups: options.groups.clone(),
            lock_timeout: options.lock_timeout,
            directory: options.directory.clone(),
            prefixes: options.prefixes.clone(),
        }
    }
}
