//! Objects and their names. It has the interface of `linux/location.rs` and `unix/descriptor.rs`, and takes
//! the same steps, of which another process can come between any two.

use super::current::process_id;
use super::kernel::{self, Renamed};
use super::memory::{Memory as Words, Region};
use super::mistakes::{Fault, has};
use crate::error::{Error, Result};
use crate::fault;
use crate::ids::{Prefixes, staging_name};
use crate::memory::{Access, Memory};
use crate::platform::locks::{ByteRange, LockKind};
use std::path::Path;

/// Distinguishes an object from another one that later got the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity(usize);

/// No model maps an object twice.
pub(crate) type ViewSource = ();

/// The prefix of the objects of files.
pub(crate) fn listed_prefix(prefixes: &Prefixes) -> &str {
    prefixes.data()
}

/// The folder of all objects.
#[derive(Debug, Clone)]
pub(crate) struct Folder;

/// Where one object is.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    name: String,
    id: String,
}

/// An object that is mapped.
pub(crate) struct Mapped {
    pub(crate) memory: Memory,
    pub(crate) descriptor: Option<ViewSource>,
}

/// An object that does not have its name yet. Dropped, it is gone.
pub(crate) struct Staged {
    pub(crate) descriptor: Descriptor,
    pub(crate) memory: Memory,
    at: StagingName,
}

/// The name of a staged object, which is removed unless the object has got its own.
struct StagingName {
    name: String,
    published: bool,
}

/// An open object.
#[derive(Debug)]
pub(crate) struct Descriptor {
    number: u32,
    node: usize,
}

impl Folder {
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(crate) fn of(_: Option<&Path>) -> Result<Self> {
        Ok(Self)
    }

    pub(crate) fn path(&self) -> &Path {
        Path::new("/")
    }

    pub(crate) fn location(&self, name: &str) -> Location {
        Location { name: name.into(), id: name.into() }
    }

    #[allow(clippy::unused_self, reason = "elsewhere it can be at fault")]
    pub(crate) fn explain(&self, error: Error, _: bool) -> Error {
        error
    }

    #[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(crate) fn names(&self) -> Result<impl Iterator<Item = String> + Send + use<>> {
        Ok(kernel::names().into_iter())
    }
}

impl Location {
    pub(crate) fn known_as(mut self, id: &str) -> Self {
        self.id = id.into();
        self
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn open(&self) -> Result<Descriptor> {
        let opened = kernel::open(&self.name);
        let (number, node) = opened.ok_or_else(|| Error::not_found(&self.id))?;
        Ok(Descriptor { number, node })
    }

    pub(crate) fn leads_to(&self, Identity(node): Identity) -> Result<bool> {
        Ok(has(Fault::NoComparison) || kernel::find(&self.name) == Some(node))
    }

    pub(crate) fn unlink(&self) -> Result<()> {
        kernel::unlink(&self.name);
        Ok(())
    }

    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "elsewhere it has")]
    pub(crate) fn unlink_memory(&self, _: &Descriptor) -> Result<()> {
        Ok(())
    }

    pub(crate) fn map(&self, descriptor: &Descriptor, _: Access) -> Result<Option<Mapped>> {
        if kernel::find(&self.name) != Some(descriptor.node) {
            return Ok(None);
        }
        Ok(Some(Mapped {
            memory: map(Region::of(kernel::memory(descriptor.node))),
            descriptor: None,
        }))
    }

    pub(crate) fn copy_control(&self, descriptor: &Descriptor) -> Result<Option<Memory>> {
        let copy = kernel::memory(descriptor.node).copy_control();
        Ok(Some(map(Region::of(copy.into()))))
    }

    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "elsewhere it is looked at")]
    pub(crate) fn is_staging(&self, _: &Descriptor) -> Result<bool> {
        Ok(true)
    }

    pub(crate) fn stage(&self, capacity: u64, nonce: u64, _: bool) -> Result<Option<Staged>> {
        let at = StagingName { name: staging_name(&self.name, nonce), published: false };
        let created = kernel::create(&at.name, Words::new(capacity)).ok_or(Error::Closed)?;
        fault::point("stage.made");
        let memory = map(Region::of(kernel::memory(created)));
        // Another process may take it for a dead one's until it is locked.
        let opened = kernel::open(&at.name);
        Ok(opened.map(|(number, node)| Staged {
            descriptor: Descriptor { number, node },
            memory,
            at,
        }))
    }

    #[allow(clippy::unused_self, reason = "elsewhere it has work to do")]
    pub(crate) fn reserve(&self, _: &Staged, _: u64) -> Result<()> {
        Ok(())
    }

    pub(crate) fn publish(&self, staged: &mut Staged) -> Result<bool> {
        match kernel::rename(&staged.at.name, &self.name) {
            Renamed::Done => {
                staged.at.published = true;
                Ok(true)
            }
            Renamed::Gone => Ok(false),
            Renamed::Taken => Err(Error::Exists { id: self.id.clone() }),
        }
    }
}

impl Drop for StagingName {
    fn drop(&mut self) {
        if !self.published {
            kernel::unlink(&self.name);
        }
    }
}

impl Identity {
    /// No model has a disk.
    #[allow(clippy::unused_self, reason = "elsewhere it counts")]
    pub(crate) fn number(self) -> u64 {
        0
    }
}

impl Descriptor {
    pub(crate) fn identity(&self) -> Identity {
        Identity(self.node)
    }

    #[allow(clippy::unused_self, reason = "no process of a model forks")]
    pub(crate) fn is_own(&self) -> bool {
        !std::thread::panicking()
    }

    pub(crate) fn size(&self) -> Result<u64> {
        Ok(kernel::memory(self.node).len())
    }

    pub(crate) fn lock(&self, kind: Option<LockKind>, mut bytes: ByteRange) -> Result<bool> {
        match kind {
            Some(LockKind::Shared) if has(Fault::NoBytesLocked) => return Ok(true),
            None if has(Fault::StaysLocked) => return Ok(true),
            // The name alone.
            Some(LockKind::Exclusive) if has(Fault::AllForTheName) => bytes.length = 0,
            Some(LockKind::Exclusive) if has(Fault::NameForAll) && bytes.length == 0 => {
                if self.blocker(bytes)?.is_some() {
                    return Ok(false);
                }
                bytes.length = 1;
            }
            _ => {}
        }
        Ok(kernel::lock(self.number, kind, bytes))
    }

    pub(crate) fn blocker(&self, bytes: ByteRange) -> Result<Option<LockKind>> {
        let unasked = bytes.length == 1 && has(Fault::LocksUnasked);
        let blocker = kernel::blocker(self.number, bytes).filter(|_| !unasked);
        Ok(blocker.map(|kind| if has(Fault::AnyLockIsAlive) { LockKind::Shared } else { kind }))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        kernel::close(self.number);
    }
}

fn map(region: Region) -> Memory {
    // SAFETY: the region keeps its memory itself.
    unsafe { Memory::new(region, ()) }
}

/// The kernel's objects for a lock and for sleepers: none, there is only memory.
#[derive(Debug, Clone)]
pub(crate) struct SyncObjects;

pub(crate) fn sync_objects(_: &Descriptor) -> SyncObjects {
    SyncObjects
}

/// The kernel of the model marks the locks of every process that dies.
pub(crate) fn is_no_thread(_: u32) -> bool {
    false
}

pub(crate) fn map_copy_on_write(_: &ViewSource, _: u64) -> Result<Option<Memory>> {
    Ok(None)
}

pub(crate) fn release_pages(_: &Memory, _: bool) {}

pub(crate) fn map_private(_: u64) -> Result<Memory> {
    Err(Error::unsupported("memory that no process of a model shares"))
}

pub(crate) fn sync(_: &Descriptor, _: [&Memory; 2]) -> Result<()> {
    Err(Error::unsupported("a model's disk"))
}

/// The bits of a process's number.
pub(crate) const PROCESS_BITS: u32 = 8;

/// No model is about a disk.
pub(crate) fn boot_number() -> u64 {
    0
}

pub(crate) fn process_number() -> u64 {
    process_id().into()
}

/// All processes of a model are in one.
pub(crate) fn process_namespace() -> u64 {
    0
}
