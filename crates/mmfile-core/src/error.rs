//! The one error type of the crate, with a stable code for every case.

use std::borrow::Cow;
use std::fmt;

/// The operating system's report: the call that failed and its error number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OsError {
    /// The system call, as its manual page names it.
    pub syscall: &'static str,
    /// The error number (`errno` on Unix, `GetLastError` on Windows).
    pub errno: i32,
}

impl OsError {
    /// The calling thread's last error, as left by `syscall`.
    pub(crate) fn last(syscall: &'static str) -> Self {
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        Self { syscall, errno }
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::io::Error::from_raw_os_error(self.errno);
        write!(f, "{}: {text}", self.syscall)
    }
}

impl std::error::Error for OsError {}

/// Everything that can go wrong. A call that returns one has written nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument has a value that is never right.
    #[error("the argument '{name}' {reason}")]
    InvalidArgument {
        /// The argument.
        name: &'static str,
        /// Why it is refused, and which values are accepted.
        reason: String,
    },
    /// A target is too small for the bytes to copy.
    #[error("the target has room for {available} bytes, and the segment has {needed}")]
    TargetTooSmall {
        /// Bytes in the segment.
        needed: u64,
        /// Bytes in the target, behind its offset.
        available: u64,
    },
    /// There is no such object, or none any more.
    #[error("there is no '{id}': {reason}")]
    NotFound {
        /// The id, name or path asked for.
        id: String,
        /// Why, and the next step.
        reason: &'static str,
    },
    /// The channel has no such group.
    #[error("the channel has no group '{group}': {}", groups_text(.groups))]
    NoGroup {
        /// The group asked for.
        group: String,
        /// The number of segments.
        groups: Vec<String>,
    },
    /// The id is in use.
    #[error("'{id}' exists already: open it, or choose another name")]
    Exists {
        /// The id, name or path asked for.
        id: String,
    },
    /// The handle is closed.
    #[error("the handle is closed: open it again")]
    Closed,
    /// The handle was opened for reading only.
    #[error("opened for reading only: open it with access 'read-write' to write")]
    ReadOnly,
    /// The file takes no more segments.
    #[error("sealed, and takes no more: go on in another one")]
    Sealed,
    /// The value does not fit.
    #[error(
        "{needed} bytes are needed and {available} are left ({} of {capacity} are used): {}",
        .capacity.saturating_sub(*.available),
        room_text(*.needed, *.available, *.capacity)
    )]
    Capacity {
        /// Bytes that the segments and their size words would take.
        needed: u64,
        /// Bytes left.
        available: u64,
        /// Bytes that all segments and their size words may take.
        capacity: u64,
    },
    /// A message, or messages that are sent together, have more bytes than one may have.
    #[error(
        "{needed} bytes are too many for a message, which may have {available}: create the channel with a larger capacity"
    )]
    TooLong {
        /// Its bytes.
        needed: u64,
        /// The most that one may have.
        available: u64,
    },
    /// `write` was called with an index that is not the next one.
    #[error(
        "segment {index} cannot be written, the next one is {length}: append takes the next, whichever it is"
    )]
    SegmentOrder {
        /// The index asked for.
        index: u64,
        /// The index that can be written.
        length: u64,
    },
    /// A channel's next message is not the one that was to be sent.
    #[error(
        "message {index} cannot be sent, the next one is {next}: read the newest one again, and send what follows it"
    )]
    MessageOrder {
        /// The index asked for.
        index: u64,
        /// The index that the next message gets.
        next: u64,
    },
    /// There is no such segment yet.
    #[error("there is no segment {index}, it has {length}: wait for it first")]
    SegmentRange {
        /// The index asked for.
        index: u64,
        /// How many segments there are.
        length: u64,
    },
    /// The segment is not text of the encoding that it is read with.
    #[error("segment {index} is not {encoding} text ({reason}): read it as bytes")]
    NotText {
        /// The segment.
        index: u64,
        /// The encoding's name.
        encoding: &'static str,
        /// The evidence.
        reason: String,
    },
    /// The shared bytes do not follow the format.
    #[error("damaged at byte {offset}: {reason}; what precedes that can be read")]
    Corrupt {
        /// Where, in bytes from the start of the data.
        offset: u64,
        /// The damage.
        reason: &'static str,
    },
    /// The time limit passed.
    #[error("timed out {what}{}: try again, or allow more time", holder_suffix(*.holder))]
    Timeout {
        /// The event that did not come.
        what: &'static str,
        /// The process that holds the lock which was waited for; `None` where it is not known.
        holder: Option<u32>,
    },
    /// This handle, or this thread through another handle, has the lock already.
    #[error(
        "this handle or thread has the lock already, and it is not re-entrant: release it first"
    )]
    LockHeld,
    /// Another participant is the only one that may send.
    #[error("the channel has an exclusive writer{}: wait until it closes", pid_suffix(*.pid))]
    ExclusiveWriter {
        /// Its process; `None` where it is not known.
        pid: Option<u32>,
    },
    /// There is no room for a message, and no time left to wait for it.
    #[error("the channel is full: {}", slowest_text(.slowest))]
    Full {
        /// The participant that keeps the oldest message; `None` where none does.
        slowest: Option<Box<ParticipantInfo>>,
    },
    /// The message asked for has been forgotten.
    #[error(
        "message {index} is gone, and the oldest that is left is {oldest}: begin there, or read sooner"
    )]
    Lost {
        /// The index asked for.
        index: u64,
        /// The oldest index that is left.
        oldest: u64,
    },
    /// Another participant detached this one, or removed its group.
    #[error("this participant of the channel was evicted: open another one")]
    Evicted,
    /// The peer that a wait requires has left.
    #[error("{reason}: nothing is left that appends what is waited for")]
    PeerGone {
        /// Which peer.
        reason: &'static str,
    },
    /// The system has no room, no memory or no descriptors left.
    #[error("the system cannot provide {needed}{}", os_suffix(.os))]
    NoSpace {
        /// The missing resource.
        needed: String,
        /// The operating system's report, if a call failed.
        os: Option<OsError>,
    },
    /// The object exists but may not be used, or the system refused it.
    #[error("'{id}' cannot be used: {reason}{}", os_suffix(.os))]
    Access {
        /// The object or path.
        id: String,
        /// Why.
        reason: &'static str,
        /// The operating system's report, if a call failed.
        os: Option<OsError>,
    },
    /// Another version, architecture or C library made the file.
    #[error("'{id}' was made by {reason}: {cure}")]
    Incompatible {
        /// The object or path.
        id: String,
        /// The difference.
        reason: &'static str,
        /// The next step.
        cure: &'static str,
    },
    /// This platform, kernel or file system cannot do it.
    #[error("not supported here: {what}{}", os_suffix(.os))]
    Unsupported {
        /// The missing feature, and the next step if there is one.
        what: Cow<'static, str>,
        /// The operating system's report, if a call failed.
        os: Option<OsError>,
    },
}

/// A participant of a channel, as `Channel::participants` reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantInfo {
    /// Its number, which no other participant of the channel has or will have.
    pub number: u32,
    /// Its role.
    pub role: Role,
    /// Its process; `None` for a group.
    pub pid: Option<u32>,
    /// The name of the group, for a group and for its members.
    pub group: Option<String>,
    /// The next message that it still needs.
    pub next_index: u64,
    /// How many messages there are from there on.
    pub lag: u64,
    /// When it joined, in milliseconds since 1970.
    pub since: u64,
}

/// The role of a participant of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A reliable reader: no message is overwritten before it has released it.
    Reader,
    /// A member of a group.
    Member,
    /// The exclusive writer.
    Writer,
    /// A group, with or without members.
    Group,
}

fn groups_text(groups: &[String]) -> String {
    if groups.is_empty() {
        return "it has none; create it with createGroup".into();
    }
    let names: Vec<String> = groups.iter().map(|name| format!("'{name}'")).collect();
    format!("it has {}; another one is created with createGroup", names.join(", "))
}

fn slowest_text(slowest: &Option<Box<ParticipantInfo>>) -> String {
    let Some(slowest) = slowest else { return "wait until there is room".into() };
    let (who, next) = match (slowest.role, &slowest.group, slowest.pid) {
        (Role::Group, Some(name), _) => (format!("group '{name}'"), "add members, or remove it"),
        (Role::Reader, _, Some(pid)) => (format!("a reader in process {pid}"), "or evict it"),
        _ => ("a participant".into(), "or evict it"),
    };
    format!("{who} is {} messages behind; wait until it goes on, {next}", slowest.lag)
}

fn room_text(needed: u64, available: u64, capacity: u64) -> String {
    if needed <= available {
        "a segment has fewer than 2147483648 bytes, so divide it".into()
    } else if needed > capacity {
        format!("create one with a capacity of at least {needed}")
    } else {
        "seal it and go on in another one, or create it with a larger capacity".into()
    }
}

fn pid_suffix(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" in process {pid}")).unwrap_or_default()
}

fn holder_suffix(pid: Option<u32>) -> String {
    pid.map(|pid| format!(", which process {pid} holds")).unwrap_or_default()
}

fn os_suffix(os: &Option<OsError>) -> String {
    os.as_ref().map(|os| format!(" ({os})")).unwrap_or_default()
}

/// Why a mutex is not there.
pub(crate) const NO_SUCH_MUTEX: &str = "no process has a mutex of that name open, in this `directory` and under this \
                                        prefix: `open` creates one";

impl Error {
    /// The stable code that programs may compare with.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidArgument { .. } => "ERR_INVALID_ARG_VALUE",
            Self::TargetTooSmall { .. } => "ERR_OUT_OF_RANGE",
            Self::NotFound { .. } | Self::NoGroup { .. } => "ERR_MMFILE_NOT_FOUND",
            Self::Exists { .. } => "ERR_MMFILE_EXISTS",
            Self::Closed => "ERR_MMFILE_CLOSED",
            Self::ReadOnly => "ERR_MMFILE_READ_ONLY",
            Self::Sealed => "ERR_MMFILE_SEALED",
            Self::Capacity { .. } | Self::TooLong { .. } => "ERR_MMFILE_CAPACITY",
            Self::SegmentOrder { .. } | Self::MessageOrder { .. } => "ERR_MMFILE_SEGMENT_ORDER",
            Self::SegmentRange { .. } => "ERR_MMFILE_SEGMENT_RANGE",
            Self::NotText { .. } => "ERR_MMFILE_NOT_TEXT",
            Self::Corrupt { .. } => "ERR_MMFILE_CORRUPT",
            Self::Timeout { .. } => "ERR_MMFILE_TIMEOUT",
            Self::LockHeld | Self::ExclusiveWriter { .. } => "ERR_MMFILE_LOCK_HELD",
            Self::Full { .. } => "ERR_MMFILE_FULL",
            Self::Lost { .. } => "ERR_MMFILE_LOST",
            Self::Evicted => "ERR_MMFILE_EVICTED",
            Self::PeerGone { .. } => "ERR_MMFILE_PEER_GONE",
            Self::NoSpace { .. } => "ERR_MMFILE_NO_SPACE",
            Self::Access { .. } => "ERR_MMFILE_ACCESS",
            Self::Incompatible { .. } => "ERR_MMFILE_INCOMPATIBLE",
            Self::Unsupported { .. } => "ERR_MMFILE_UNSUPPORTED",
        }
    }

    /// The error of an object that no process has open.
    pub(crate) fn not_found(id: &str) -> Self {
        let reason = "no process has it open (its creator has closed it, it was never created, or it is in \
                      another `directory` or under other prefixes)";
        Self::NotFound { id: id.into(), reason }
    }

    /// The same error; [`Error::NotFound`] gets the reason.
    pub(crate) fn missing_because(self, reason: &'static str) -> Self {
        match self {
            Self::NotFound { id, .. } => Self::NotFound { id, reason },
            other => other,
        }
    }

    /// The error of a wait whose time is over.
    pub(crate) fn timeout(what: &'static str) -> Self {
        Self::Timeout { what, holder: None }
    }

    /// The same error; a timeout for the lock gets the process that holds it.
    pub(crate) fn held_by(self, holder: impl FnOnce() -> Option<u32>) -> Self {
        match self {
            Self::Timeout { what, .. } => Self::Timeout { what, holder: holder() },
            other => other,
        }
    }

    /// The error of a platform that lacks something.
    pub(crate) fn unsupported(what: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsupported { what: what.into(), os: None }
    }

    /// The error of a forked child that uses what its parent opened.
    pub(crate) fn forked() -> Self {
        Self::unsupported(
            "using what was opened before a fork, as a file or as a mutex: open it again in the child",
        )
    }

    /// The error of a failed flush; `NoSpace` if the system says so.
    pub(crate) fn not_flushed(os: OsError, is_full: bool) -> Self {
        let os = Some(os);
        if is_full {
            return Self::NoSpace { needed: "durable storage".into(), os };
        }
        let reason = "the system could not write it to the disk, and what was written since the last flush \
                      may be lost: check the disk, and copy what can be read";
        Self::Access { id: "the file".into(), reason, os }
    }

    /// The error of an object that may not be used.
    pub(crate) fn access(id: &str, reason: &'static str) -> Self {
        Self::Access { id: id.into(), reason, os: None }
    }

    /// The error of a segment that is read as UTF-16 and has an odd number of bytes.
    #[must_use]
    pub fn odd_text(index: u64, byte_length: u64) -> Self {
        let reason = format!("it has an odd number of bytes, {byte_length}");
        Self::NotText { index, encoding: "UTF-16", reason }
    }

    /// The error of a thread that could not be started.
    #[must_use]
    pub fn no_thread(error: &std::io::Error) -> Self {
        let syscall = "pthread_create";
        let os = error.raw_os_error().map(|errno| OsError { syscall, errno });
        Self::NoSpace { needed: "another thread".into(), os }
    }

    /// Whether it is about an argument, and not about an object.
    #[must_use]
    pub fn is_about_argument(&self) -> bool {
        matches!(self, Self::InvalidArgument { .. } | Self::TargetTooSmall { .. })
    }

    /// The operating system's report, if it caused the error.
    #[must_use]
    pub fn os(&self) -> Option<OsError> {
        match self {
            Self::NoSpace { os, .. } | Self::Access { os, .. } | Self::Unsupported { os, .. } => {
                *os
            }
            _ => None,
        }
    }
}

/// `Result` with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
