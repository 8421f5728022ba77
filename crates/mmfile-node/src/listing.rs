//! Lists objects, and the handles of one of them.

use crate::errors::{self, Failure, nothing};
use crate::files::open;
use crate::table::subject;
use mmfile_core::{
    Access, FileId, Kind, Lifetime, ListOptions, MutexOptions, NamedMutex, ObjectInfo, Peer,
    Prefixes, list as list_objects, remove as remove_object, sweep as sweep_objects,
};
use napi::Env;
use napi_derive::napi;

/// Where objects are.
#[napi(object)]
pub struct NativePlace {
    /// The folder, unless it is the system's.
    pub directory: Option<String>,
    /// The text before the id in a file's name.
    pub data_prefix: String,
    /// The text before the id in the name of a file's lock, where that is an object.
    pub mutex_prefix: String,
    /// The text before the id in the name of a channel.
    pub channel_prefix: String,
    /// The text before the name in the name of a mutex; without it, mutexes are left out.
    pub prefix: Option<String>,
}

/// An object in shared memory, seen from outside.
#[napi(object)]
pub struct NativeInfo {
    /// Its id.
    pub id: String,
    /// Its kind.
    #[napi(ts_type = "'file' | 'channel' | 'mutex'")]
    pub kind: String,
    /// In bytes.
    pub capacity: f64,
    /// Bytes used.
    pub size: f64,
    /// Segments.
    pub length: f64,
    /// Whether it takes no more.
    pub sealed: bool,
    /// Whether it lives until its last process.
    pub last_process: bool,
    /// Milliseconds since 1970.
    pub created_at: f64,
    /// The process that created it.
    pub creator_pid: u32,
    /// Whether no live process has it open.
    pub stale: bool,
}

/// An open handle.
#[napi(object)]
pub struct NativePeer {
    /// Its process.
    pub pid: u32,
    /// Whether it reads only.
    pub read_only: bool,
    /// Milliseconds since 1970.
    pub since: f64,
    /// Whether it created the file.
    pub is_creator: bool,
    /// Whether it holds the lock.
    pub holds_lock: bool,
    /// Whether it is the handle that asks.
    pub is_self: bool,
}

/// The files and mutexes of this user on this machine.
#[napi]
pub fn list(env: Env, place: NativePlace) -> napi::Result<Vec<NativeInfo>> {
    errors::attempt(&env, nothing, || rows(list_objects(&options(place)?)?))
}

/// Removes the objects that no live process has open, and returns their rows.
#[napi]
pub fn sweep(env: Env, place: NativePlace) -> napi::Result<Vec<NativeInfo>> {
    errors::attempt(&env, nothing, || rows(sweep_objects(&options(place)?)?))
}

/// Removes the name of one.
#[napi]
pub fn remove(
    env: Env,
    id: String,
    #[napi(ts_arg_type = "'file' | 'channel' | 'mutex'")] name: String,
    place: NativePlace,
) -> napi::Result<()> {
    let kinds = [Kind::Mutex, Kind::Channel];
    let kind = kinds.into_iter().find(|kind| name_of(*kind) == name).unwrap_or(Kind::File);
    errors::attempt(
        &env,
        || Some(format!("{name} '{id}'")),
        || Ok(remove_object(&FileId::parse(&id)?, kind, &options(place)?)?),
    )
}

/// The open handles on a file, a channel or a mutex.
#[napi]
pub fn peers(env: Env, handle: u32) -> napi::Result<Vec<NativePeer>> {
    errors::attempt(
        &env,
        || subject(handle),
        || Ok(open(handle)?.peers()?.into_iter().map(NativePeer::from).collect()),
    )
}

/// The open handles on the mutex of that name, seen from outside.
#[napi]
pub fn mutex_peers(env: Env, name: String, place: NativePlace) -> napi::Result<Vec<NativePeer>> {
    errors::attempt(
        &env,
        || Some(format!("mutex '{name}'")),
        || {
            let default = MutexOptions::default();
            let options = MutexOptions {
                directory: place.directory.map(Into::into),
                prefix: place.prefix.unwrap_or(default.prefix),
                lock_timeout: default.lock_timeout,
            };
            let peers = NamedMutex::peers_of(&name, &options)?;
            Ok(peers.into_iter().map(NativePeer::from).collect())
        },
    )
}

fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Channel => "channel",
        Kind::Mutex => "mutex",
    }
}

fn options(place: NativePlace) -> Result<ListOptions, Failure> {
    Ok(ListOptions {
        directory: place.directory.map(Into::into),
        prefixes: Prefixes::new(place.data_prefix, place.mutex_prefix)?
            .with_channel(place.channel_prefix)?,
        mutex_prefix: place.prefix,
    })
}

fn rows(infos: Vec<ObjectInfo>) -> Result<Vec<NativeInfo>, Failure> {
    Ok(infos.into_iter().map(NativeInfo::from).collect())
}

#[allow(clippy::cast_precision_loss, reason = "for people; exact below 2^53")]
impl From<ObjectInfo> for NativeInfo {
    fn from(info: ObjectInfo) -> Self {
        Self {
            id: info.id.to_string(),
            kind: name_of(info.kind).into(),
            capacity: info.capacity as f64,
            size: info.size as f64,
            length: info.length as f64,
            sealed: info.sealed,
            last_process: info.lifetime == Lifetime::LastProcess,
            created_at: info.created_at as f64,
            creator_pid: info.creator_pid,
            stale: info.stale,
        }
    }
}

impl From<Peer> for NativePeer {
    fn from(peer: Peer) -> Self {
        Self {
            pid: peer.pid,
            read_only: peer.access == Access::Read,
            #[allow(clippy::cast_precision_loss, reason = "exact below 2^53")]
            since: peer.since as f64,
            is_creator: peer.is_creator,
            holds_lock: peer.holds_lock,
            is_self: peer.is_self,
        }
    }
}
