//! Opening channels, and joining them as a reader, a member or the exclusive writer.

use crate::errors::{self, Failure};
use crate::files::{insert, open};
use crate::locks::flush_on_a_thread;
use crate::operations::milliseconds;
use crate::receivers::{Receiver, ReceiverHandle};
use crate::senders::{ChannelHandle, WriterHandle};
use crate::table::{Resource, subject};
use crate::values::Encoding;
use mmfile_core::{
    Access, CHANNEL_LAYOUT, Channel, ChannelOptions, Error, FileId, Lifetime, Lossy, OnFull,
    OpenChannelOptions, ParticipantInfo, Prefixes, RequirePeer, Role, StartFrom, Timeout,
};
use napi::Env;
use napi::bindgen_prelude::Function;
use napi_derive::napi;
use std::sync::Arc;

/// How a channel is created or opened; the TypeScript has filled everything in that creating needs.
#[napi(object)]
pub struct NativeChannelOptions {
    /// The id, or an empty string for a fresh UUID; the path of a channel on disk.
    pub id: String,
    /// In bytes.
    pub capacity: f64,
    /// The name of the encoding; any, where it is left out.
    pub encoding: Option<String>,
    /// Whether the oldest messages are dropped; any if it is left out.
    pub drops_oldest: Option<bool>,
    /// Slots for participants.
    pub max_participants: u32,
    /// Groups that must exist.
    pub groups: Vec<String>,
    /// Whether the channel lives until its last process.
    pub last_process: bool,
    /// Whether it is opened for reading only.
    pub read_only: bool,
    /// Whether it is looked at without joining it.
    pub observes: bool,
    /// In milliseconds.
    pub lock_timeout: f64,
    /// The folder of the object, unless it is the system's.
    pub directory: Option<String>,
    /// The text before the id in a file's name.
    pub data_prefix: String,
    /// The text before the id in the name of a file's lock, where that is an object.
    pub mutex_prefix: String,
    /// The text before the id in the object's name.
    pub channel_prefix: String,
}

/// An open channel.
#[napi(object)]
pub struct NativeChannel {
    /// The handle's number: the first argument of the operations.
    pub handle: u32,
    /// The id.
    pub id: String,
    /// Where it is on disk, if it is.
    pub path: Option<String>,
    /// In bytes.
    pub capacity: f64,
    /// The most bytes that a message may have.
    pub max_byte_length: f64,
    /// The bytes of the ring and of the tables behind it; 0 for a handle that only reads.
    pub data_length: f64,
    /// The name of the encoding.
    pub encoding: String,
    /// Whether the oldest messages are dropped.
    pub drops_oldest: bool,
    /// Whether this call created it.
    pub is_creator: bool,
}

/// Offsets, sizes and kinds by their names, for a program that works on a channel's memory without calls.
#[napi(ts_return_type = "Record<string, number>")]
pub fn channel_layout() -> std::collections::HashMap<String, u32> {
    let entry = |(name, value): &(&str, u64)| Some(((*name).into(), u32::try_from(*value).ok()?));
    CHANNEL_LAYOUT.iter().filter_map(entry).collect()
}

/// How a channel comes about.
#[napi(string_enum)]
pub enum Opening {
    /// A new one in memory.
    CreateNew,
    /// One in memory that there is.
    OpenExisting,
    /// One in memory, which is created unless it is there.
    CreateOrOpen,
    /// A new one on disk.
    CreateFile,
    /// One on disk that there is.
    OpenFile,
    /// One on disk, which is created unless it is there.
    CreateOrOpenFile,
}

/// Creates or opens a channel.
#[napi]
pub fn open_channel(
    env: Env,
    how: Opening,
    options: NativeChannelOptions,
) -> napi::Result<NativeChannel> {
    let id = options.id.clone();
    let about =
        || Some(if id.is_empty() { "a new channel".into() } else { format!("channel '{id}'") });
    errors::attempt(&env, about, || {
        let id = options.id.as_str();
        let channel = match how {
            Opening::CreateNew => {
                let mut create = creating(&options)?;
                if !id.is_empty() {
                    create.id = Some(FileId::parse(id)?);
                }
                Channel::create_new(&create)?
            }
            Opening::OpenExisting if options.observes => Channel::observe(id, &opening(&options)?)?,
            Opening::OpenFile if options.observes => {
                Channel::observe_file(id, &opening(&options)?)?
            }
            Opening::OpenExisting => Channel::open_existing(id, &opening(&options)?)?,
            Opening::CreateOrOpen => Channel::create_or_open(id, &creating(&options)?)?,
            Opening::CreateFile => Channel::create_file(id, &creating(&options)?)?,
            Opening::OpenFile => Channel::open_file(id, &opening(&options)?)?,
            Opening::CreateOrOpenFile => Channel::create_or_open_file(id, &creating(&options)?)?,
        };
        opened(channel)
    })
}

fn opened(channel: Channel) -> Result<NativeChannel, Failure> {
    let encoding = channel.encoding().to_owned();
    let id = channel.id().to_owned();
    let path = channel.path().map(|path| path.to_string_lossy().into_owned());
    let (capacity, max) = (number(channel.capacity()), number(channel.max_byte_length()));
    let data_length = channel.memory().map_or(0, |memory| memory.data.len() as u64);
    let drops_oldest = channel.on_full() == OnFull::DropOldest;
    let is_creator = channel.is_creator();
    let text = match encoding.as_str() {
        "utf8" | "json" => Encoding::Utf8,
        "latin1" => Encoding::Latin1,
        _ => Encoding::Utf16,
    };
    let handle = insert(Resource::Channel(ChannelHandle::new(channel)), text)?;
    Ok(NativeChannel {
        handle,
        id,
        path,
        capacity,
        max_byte_length: max,
        data_length: number(data_length),
        encoding,
        drops_oldest,
        is_creator,
    })
}

fn prefixes(options: &NativeChannelOptions) -> Result<Prefixes, Failure> {
    Ok(Prefixes::new(options.data_prefix.as_str(), options.mutex_prefix.as_str())?
        .with_channel(options.channel_prefix.as_str())?)
}

fn on_full(drops_oldest: bool) -> OnFull {
    if drops_oldest { OnFull::DropOldest } else { OnFull::Wait }
}

fn creating(options: &NativeChannelOptions) -> Result<ChannelOptions, Failure> {
    let defaults = ChannelOptions::default();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let capacity = options.capacity as u64;
    Ok(ChannelOptions {
        id: None,
        capacity,
        encoding: options.encoding.clone().unwrap_or(defaults.encoding),
        on_full: options.drops_oldest.map_or(defaults.on_full, on_full),
        max_participants: options.max_participants,
        groups: options.groups.clone(),
        lifetime: if options.last_process { Lifetime::LastProcess } else { Lifetime::Creator },
        lock_timeout: milliseconds(options.lock_timeout),
        directory: options.directory.clone().map(Into::into),
        prefixes: prefixes(options)?,
    })
}

fn opening(options: &NativeChannelOptions) -> Result<OpenChannelOptions, Failure> {
    Ok(OpenChannelOptions {
        access: if options.read_only { Access::Read } else { Access::ReadWrite },
        encoding: options.encoding.clone(),
        on_full: options.drops_oldest.map(on_full),
        groups: options.groups.clone(),
        lock_timeout: milliseconds(options.lock_timeout),
        directory: options.directory.clone().map(Into::into),
        prefixes: prefixes(options)?,
    })
}

/// Where a reader or a group begins: an index, or -1 for the next message, -2 for the oldest, -3 for the newest.
fn position(from: f64) -> StartFrom {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    match from {
        from if from >= 0.0 => StartFrom::Index(from as u64),
        -2.0 => StartFrom::Oldest,
        -3.0 => StartFrom::Newest,
        _ => StartFrom::New,
    }
}

/// Which peers a receiver requires is the sum of 1 for any, 2 for the creator and 4 for an exclusive writer.
fn join(channel: u32, receiver: Receiver, require_peer: u32) -> Result<u32, Failure> {
    let handle = open(channel)?;
    let waiter = receiver.waiter();
    waiter.require_peer(RequirePeer::from_bits(require_peer), require_peer & 4 != 0);
    let subject = handle.subject();
    let receiver = ReceiverHandle::new(receiver, waiter, subject);
    insert(Resource::Receiver(receiver), handle.encoding)
}

/// Begins to read: a reader that no writer overtakes.
#[napi]
pub fn open_reader(env: Env, channel: u32, from: f64, require_peer: u32) -> napi::Result<u32> {
    errors::attempt(
        &env,
        || subject(channel),
        || {
            let reader = open(channel)?.channel()?.reader(position(from))?;
            join(channel, Receiver::Reader(reader), require_peer)
        },
    )
}

/// Begins to read without holding anything back.
#[napi]
pub fn open_lossy_reader(
    env: Env,
    channel: u32,
    from: f64,
    newest: bool,
    require_peer: u32,
) -> napi::Result<u32> {
    errors::attempt(
        &env,
        || subject(channel),
        || {
            let lossy = if newest { Lossy::Newest } else { Lossy::Oldest };
            let reader = open(channel)?.channel()?.lossy_reader(position(from), lossy)?;
            join(channel, Receiver::Lossy(reader), require_peer)
        },
    )
}

/// Joins a group.
#[napi]
pub fn open_member(
    env: Env,
    channel: u32,
    group: String,
    prefetch: u32,
    require_peer: u32,
) -> napi::Result<u32> {
    errors::attempt(
        &env,
        || subject(channel),
        || {
            let member = open(channel)?.channel()?.member(&group, prefetch)?;
            join(channel, Receiver::member(member), require_peer)
        },
    )
}

/// Becomes the only writer; nothing while there is another one.
#[napi]
pub fn open_writer(env: Env, channel: u32) -> napi::Result<Option<u32>> {
    errors::attempt(
        &env,
        || subject(channel),
        || match writer(channel) {
            Ok(handle) => Ok(Some(handle)),
            Err(Failure::Core(Error::ExclusiveWriter { .. })) => Ok(None),
            Err(failure) => Err(failure),
        },
    )
}

/// The same, and throws while there is another one.
#[napi]
pub fn open_writer_now(env: Env, channel: u32) -> napi::Result<u32> {
    errors::attempt(&env, || subject(channel), || writer(channel))
}

fn writer(channel: u32) -> Result<u32, Failure> {
    let handle = open(channel)?;
    let core = handle.channel()?;
    let writer = core.exclusive_writer(Timeout::Val(std::time::Duration::ZERO))?;
    let memory = core.memory()?.data;
    let on_disk = core.path().is_some();
    let writer = WriterHandle::new(writer, memory, on_disk, handle.subject());
    insert(Resource::Writer(writer), handle.encoding)
}

/// Creates a group unless one of that name exists.
#[napi]
pub fn create_group(env: Env, channel: u32, name: String, from: f64) -> napi::Result<bool> {
    errors::attempt(
        &env,
        || subject(channel),
        || Ok(open(channel)?.channel()?.create_group(&name, position(from))?),
    )
}

/// Removes a group.
#[napi]
pub fn remove_group(env: Env, channel: u32, name: String) -> napi::Result<()> {
    errors::attempt(
        &env,
        || subject(channel),
        || Ok(open(channel)?.channel()?.remove_group(&name)?),
    )
}

/// A participant of a channel.
#[napi(object)]
pub struct NativeParticipant {
    /// Its number.
    pub number: u32,
    /// Its process; 0 for a group.
    pub pid: Option<u32>,
    /// Its role.
    #[napi(ts_type = "'reader' | 'member' | 'writer' | 'group'")]
    pub role: String,
    /// The name of the group, for a group and for its members.
    pub group: Option<String>,
    /// The next message that it still needs.
    pub next_index: f64,
    /// How many messages there are from there on.
    pub lag: f64,
    /// Milliseconds since 1970.
    pub since: f64,
}

impl From<&ParticipantInfo> for NativeParticipant {
    fn from(info: &ParticipantInfo) -> Self {
        Self {
            number: info.number,
            pid: info.pid,
            role: role(info.role).into(),
            group: info.group.clone(),
            next_index: number(info.next_index),
            lag: number(info.lag),
            since: number(info.since),
        }
    }
}

pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Reader => "reader",
        Role::Member => "member",
        Role::Writer => "writer",
        Role::Group => "group",
    }
}

#[allow(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn number(number: u64) -> f64 {
    number as f64
}

/// The participants.
#[napi]
pub fn participants(env: Env, channel: u32) -> napi::Result<Vec<NativeParticipant>> {
    errors::attempt(
        &env,
        || subject(channel),
        || {
            let rows = open(channel)?.channel()?.participants()?;
            Ok(rows.iter().map(NativeParticipant::from).collect())
        },
    )
}

/// Detaches a reader or a member.
#[napi]
pub fn evict(env: Env, channel: u32, number: u32) -> napi::Result<()> {
    errors::attempt(&env, || subject(channel), || Ok(open(channel)?.channel()?.evict(number)?))
}

/// How often this handle went on behind a dead process.
#[napi]
pub fn channel_recovered(env: Env, channel: u32) -> napi::Result<f64> {
    errors::attempt(&env, || subject(channel), || Ok(number(open(channel)?.channel()?.recovered())))
}

/// Waits until everything is on the disk.
#[napi]
pub fn flush_channel_sync(env: Env, channel: u32) -> napi::Result<()> {
    errors::attempt(&env, || subject(channel), || Ok(open(channel)?.channel()?.flush()?))
}

/// The same on a new thread. The callback gets 1, or an error. Unless `keeps_alive`, the process may end
/// before that.
#[napi]
pub fn flush_channel(
    env: Env,
    channel: u32,
    keeps_alive: bool,
    #[napi(ts_arg_type = "(error: Error | 1) => void")] callback: Function<'_>,
) -> napi::Result<()> {
    errors::attempt(
        &env,
        || subject(channel),
        || {
            let channel_of_thread = Arc::clone(open(channel)?.channel()?);
            flush_on_a_thread(&env, subject(channel), keeps_alive, callback, move || {
                channel_of_thread.flush()
            })
        },
    )
}
