//! Creating and opening channels.

use super::handle::{Handle, Settings};
use super::limit::Limit;
use super::{Channel, ChannelOptions, OnFull, OpenChannelOptions, StartFrom};
use crate::control::channel::{MAX_RING, MIN_RING, Name, Shape};
use crate::control::{Lifetime, LockPlace, ObjectKind};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::ids::{FileId, Names};
use crate::lock::Section;
use crate::memory::{Access, Mode};
use crate::object::{self, NewObject, Opened, Spec, open_or_create};
use crate::platform::Folder;
use crate::ring::Ring;
use crate::sync::AtomicU64;
use raw_sync::Timeout;
use std::path::PathBuf;
use std::sync::Arc;

/// The smallest capacity that is offered.
const LEAST_CAPACITY: u64 = if cfg!(platform = "loom") { MIN_RING } else { 1024 };
/// A slot's number has to fit into a claim.
const MOST_PARTICIPANTS: u32 = 1 << 15;
/// Claims: at most this many, or what every participant needs.
const MOST_CLAIMS: u64 = 4096;
const CLAIMS_PER_PARTICIPANT: u64 = if cfg!(platform = "loom") { 1 } else { 4 };

impl Channel {
    /// Creates a channel in memory, with all of its memory reserved.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`], [`Error::Exists`], [`Error::NoSpace`], [`Error::Access`].
    pub fn create_new(options: &ChannelOptions) -> Result<Self> {
        let id = options.id.clone().unwrap_or_else(FileId::random);
        let wanted = OpenChannelOptions::from(options);
        let spec = spec(id, &wanted)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        create(&spec, options, options.lifetime, &deadline)
    }

    /// Opens the channel of that id.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Incompatible`] for another encoding or another [`OnFull`],
    /// [`Error::Access`], [`Error::Timeout`].
    pub fn open_existing(id: &str, options: &OpenChannelOptions) -> Result<Self> {
        let spec = spec(FileId::parse(id)?, options)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        open(&spec, options, &deadline)
    }

    /// Observes the channel of that id without joining the handles that have it open: it reads as a lossy reader,
    /// is no peer of any process, takes no lock and keeps no name. Of the options, `access` and `groups` do not count.
    ///
    /// # Errors
    /// As [`Channel::open_existing`].
    #[cfg(not(platform = "loom"))]
    pub fn observe(id: &str, options: &OpenChannelOptions) -> Result<Self> {
        let spec = spec(FileId::parse(id)?, options)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let opened = object::observe(&spec, &deadline)?;
        let options = OpenChannelOptions { groups: Vec::new(), ..options.clone() };
        finish(spec.names.id.as_str().to_owned(), None, opened, false, &options)
    }

    /// Opens the channel of that id, or creates it with [`Lifetime::LastProcess`]. One of another capacity, or
    /// for another number of participants, is accepted.
    ///
    /// # Errors
    /// As [`Channel::create_new`] and [`Channel::open_existing`].
    pub fn create_or_open(id: &str, options: &ChannelOptions) -> Result<Self> {
        let wanted = OpenChannelOptions::from(options);
        let spec = spec(FileId::parse(id)?, &wanted)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        open_or_create(
            &deadline,
            || open(&spec, &wanted, &deadline),
            || create(&spec, options, Lifetime::LastProcess, &deadline),
        )
    }
}

fn create(
    spec: &Spec,
    options: &ChannelOptions,
    lifetime: Lifetime,
    deadline: &Deadline,
) -> Result<Channel> {
    let new = new_object(options, ObjectKind::Channel, lifetime)?;
    let opened = object::create(spec, &new, deadline)?;
    let id = spec.names.id.as_str().to_owned();
    finish(id, None, opened, true, &OpenChannelOptions::from(options))
}

fn open(spec: &Spec, options: &OpenChannelOptions, deadline: &Deadline) -> Result<Channel> {
    let opened = object::open(spec, mode(options.access), deadline)?;
    finish(spec.names.id.as_str().to_owned(), None, opened, false, options)
}

fn spec(id: FileId, options: &OpenChannelOptions) -> Result<Spec> {
    let folder = Folder::of(options.directory.as_deref())?;
    let names = Names::of_channel(id, &options.prefixes);
    Ok(Spec { names, folder, kind: ObjectKind::Channel })
}

fn mode(access: Access) -> Mode {
    Mode { access, synchronized: true }
}

/// The object to create.
fn new_object(options: &ChannelOptions, kind: ObjectKind, lifetime: Lifetime) -> Result<NewObject> {
    let invalid = |name, reason: String| Error::InvalidArgument { name, reason };
    if options.capacity == 0 || options.capacity > MAX_RING {
        let reason = format!("must be 1 to {MAX_RING} bytes, not {}", options.capacity);
        return Err(invalid("capacity", reason));
    }
    let slots = options.max_participants;
    if slots == 0 || slots > MOST_PARTICIPANTS {
        let reason = format!("must be 1 to {MOST_PARTICIPANTS}, not {slots}");
        return Err(invalid("maxParticipants", reason));
    }
    let Some(encoding) = Name::new(&options.encoding) else {
        return Err(invalid("encoding", "must have a name of 1 to 64 bytes".into()));
    };
    if options.on_full == OnFull::DropOldest && !options.groups.is_empty() {
        return Err(no_groups());
    }
    let ring = options.capacity.next_power_of_two().max(LEAST_CAPACITY);
    let claims = (ring / 64).min(MOST_CLAIMS).max(u64::from(slots) * CLAIMS_PER_PARTICIPANT);
    let claims = u32::try_from(claims).unwrap_or(u32::MAX);
    let drops_oldest = options.on_full == OnFull::DropOldest;
    let shape = Shape { ring, slots, claims, drops_oldest, encoding };
    let capacity = shape.data_size().ok_or(Error::Closed)?;
    let mode = mode(Access::ReadWrite);
    Ok(NewObject { kind, capacity, lifetime, mode, channel: Some(shape) })
}

/// The error of a group where every reader is lossy.
pub(super) fn no_groups() -> Error {
    Error::unsupported(
        "groups and reliable readers with onFull 'drop-oldest', where every reader is lossy",
    )
}

/// A handle on an open object, if the object has what the options ask for.
fn finish(
    id: String,
    path: Option<PathBuf>,
    opened: Opened,
    is_creator: bool,
    options: &OpenChannelOptions,
) -> Result<Channel> {
    let Opened { object, control, source, data, lifetime, mode } = opened;
    let described = source.as_ref().unwrap_or(&control);
    let shape = described.channel_shape(described.capacity(), &id)?;
    let encoding = shape.encoding.text();
    let other = |reason, cure| Err(Error::Incompatible { id: id.clone(), reason, cure });
    if options.encoding.as_ref().is_some_and(|wanted| *wanted != encoding) {
        return other(
            "a program with another encoding",
            "open it with the encoding that it has; openExisting and openFile without `encoding` take that",
        );
    }
    let drops = OnFull::DropOldest;
    if options.on_full.is_some_and(|wanted| (wanted == drops) != shape.drops_oldest) {
        return other("a program with another onFull", "open it with the one that it has");
    }
    let Some(ring) = Ring::new(described, &data, &shape, path.is_some()) else {
        return Err(Error::access(&id, "its control block contradicts its size"));
    };
    let object = Arc::new(object);
    let handle = Handle {
        writers: Section::new(&control, LockPlace::Writers, &object),
        participants: Section::new(&control, LockPlace::Participants, &object),
        id,
        path,
        control,
        source,
        ring,
        settings: Settings {
            access: mode.access,
            lifetime,
            is_creator,
            lock_timeout: options.lock_timeout,
            encoding,
        },
        limit: Limit::default(),
        recovered: AtomicU64::new(0),
        reaped: AtomicU64::new(0),
        object,
    };
    let channel = Channel { handle: Arc::new(handle) };
    for group in &options.groups {
        channel.create_group(group, StartFrom::Oldest)?;
    }
    Ok(channel)
}

#[cfg(not(platform = "loom"))]
mod disk {
    use super::*;
    use crate::object::OnDisk;
    use std::path::Path;

    impl Channel {
        /// Creates a channel on disk. Messages, positions and groups survive every process.
        ///
        /// # Errors
        /// As [`crate::MmFile::create_file`].
        pub fn create_file(path: impl AsRef<Path>, options: &ChannelOptions) -> Result<Self> {
            let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
            let created = object::create_file(path.as_ref(), &new(options)?, &deadline)?;
            on_disk(created, &OpenChannelOptions::from(options))
        }

        /// Opens a channel on disk. One that may not be written to can be opened with [`Access::Read`]; it is
        /// then polled instead of being waited on.
        ///
        /// # Errors
        /// As [`crate::MmFile::open_file`], and [`Error::Incompatible`] as [`Channel::open_existing`].
        pub fn open_file(path: impl AsRef<Path>, options: &OpenChannelOptions) -> Result<Self> {
            let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
            let (kind, mode) = (ObjectKind::DiskChannel, mode(options.access));
            on_disk(object::open_file(path.as_ref(), kind, mode, &deadline)?, options)
        }

        /// Observes a channel on disk, as [`Channel::observe`].
        ///
        /// # Errors
        /// As [`Channel::open_file`].
        pub fn observe_file(path: impl AsRef<Path>, options: &OpenChannelOptions) -> Result<Self> {
            let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
            let found = object::observe_file(path.as_ref(), ObjectKind::DiskChannel, &deadline)?;
            let options = OpenChannelOptions { groups: Vec::new(), ..options.clone() };
            on_disk(found, &options)
        }

        /// Opens a channel on disk, or creates it.
        ///
        /// # Errors
        /// As both.
        pub fn create_or_open_file(
            path: impl AsRef<Path>,
            options: &ChannelOptions,
        ) -> Result<Self> {
            let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
            let found = object::create_or_open_file(path.as_ref(), &new(options)?, &deadline)?;
            on_disk(found, &OpenChannelOptions::from(options))
        }

        /// Writes everything that was sent so far to the disk, and waits until it is there.
        ///
        /// # Errors
        /// [`Error::Unsupported`] for a channel in memory, [`Error::NoSpace`] if the disk refuses.
        pub fn flush(&self) -> Result<()> {
            let handle = &*self.handle;
            if handle.path.is_none() {
                return Err(Error::unsupported("flushing a channel that is in memory only"));
            }
            handle.check_whole()?;
            if handle.settings.access == Access::ReadWrite {
                handle.advance_groups(handle.settings.lock_timeout)?;
            }
            let tail = handle.ring.tail();
            let memories = [handle.ring.memory(), handle.source().memory()];
            handle.object.sync(memories)?;
            if handle.settings.access == Access::Read {
                return Ok(());
            }
            // Only now: after the machine went down it tells which part was on the disk for certain.
            handle.ring.set_flushed(tail);
            handle.object.sync(memories)
        }
    }

    fn new(options: &ChannelOptions) -> Result<NewObject> {
        new_object(options, ObjectKind::DiskChannel, Lifetime::LastProcess)
    }

    fn on_disk(it: OnDisk, options: &OpenChannelOptions) -> Result<Channel> {
        let id = it.path.to_string_lossy().into_owned();
        finish(id, Some(it.path), it.opened, it.is_creator, options)
    }
}
