//! What files there are.

use crate::errors;
use mmfile_core::{FileId, FileInfo, Lifetime, Prefixes};
use napi::Env;
use napi_derive::napi;

/// A file in shared memory, seen from outside.
#[napi(object)]
pub struct NativeInfo {
    /// Its id.
    pub id: String,
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
    /// The process that made it.
    pub creator: u32,
    /// Whether no live process has it open.
    pub stale: bool,
}

/// The files of this user on this machine.
#[napi]
pub fn list(env: Env, data_prefix: String, mutex_prefix: String) -> napi::Result<Vec<NativeInfo>> {
    errors::attempt(&env, || {
        let prefixes = Prefixes::new(data_prefix, mutex_prefix)?;
        Ok(mmfile_core::list(&prefixes)?.into_iter().map(NativeInfo::from).collect())
    })
}

/// Takes the names of one away.
#[napi]
pub fn remove(env: Env, id: String, data_prefix: String, mutex_prefix: String) -> napi::Result<()> {
    errors::attempt(&env, || {
        let prefixes = Prefixes::new(data_prefix, mutex_prefix)?;
        Ok(mmfile_core::remove(&FileId::parse(&id)?, &prefixes)?)
    })
}

/// Removes those that no live process has open, and answers their ids.
#[napi]
pub fn sweep(env: Env, data_prefix: String, mutex_prefix: String) -> napi::Result<Vec<String>> {
    errors::attempt(&env, || {
        let prefixes = Prefixes::new(data_prefix, mutex_prefix)?;
        let removed = mmfile_core::sweep(&prefixes)?;
        Ok(removed.into_iter().map(|id| id.to_string()).collect())
    })
}

#[allow(clippy::cast_precision_loss, reason = "for people; exact below 2^53")]
impl From<FileInfo> for NativeInfo {
    fn from(info: FileInfo) -> Self {
        Self {
            id: info.id.to_string(),
            capacity: info.capacity as f64,
            size: info.size as f64,
            length: info.length as f64,
            sealed: info.sealed,
            last_process: info.lifetime == Lifetime::LastProcess,
            created_at: info.created_at as f64,
            creator: info.creator,
            stale: info.stale,
        }
    }
}
