//! Objects and their names. It has the interface of `mapping/named.rs` and `mapping/object.rs`, and
//! takes the same steps, of which another process can come between any two.

use super::kernel;
use super::memory::Region;
use super::{Fault, has, process_id};
use crate::error::{Error, Result};
use crate::mapping::{Access, Identity, Mapping};

/// An open descriptor of an object.
#[derive(Debug)]
pub(crate) struct Object {
    descriptor: u32,
    node: usize,
}

pub(crate) fn current_user() -> u32 {
    0
}

pub(crate) const NAMES_OUTLIVE_PROCESSES: bool = true;

pub(crate) fn size_of_named(capacity: u64) -> u64 {
    capacity
}

pub(crate) fn map_copy_on_write(_: &Object, _: u64) -> Result<Mapping> {
    Err(Error::Unsupported { what: "a copy of a model's memory" })
}

pub(crate) fn create_named(name: &str, size: u64, id: &str) -> Result<(Object, Mapping)> {
    let Some((descriptor, node)) = kernel::create(name, process_id()) else {
        return Err(Error::Exists { id: id.into() });
    };
    let first = Object { descriptor, node };
    kernel::resize(node, size);
    let object = Object::open(name, Access::ReadWrite, id)?;
    drop(first);
    let mapping = object.map(id)?;
    Ok((object, mapping))
}

pub(crate) fn open_named(_: &str, object: &Object, _: Access, id: &str) -> Result<Mapping> {
    object.map(id)
}

pub(crate) fn list_named() -> Result<Vec<String>> {
    Ok(kernel::names())
}

pub(crate) fn unlink(name: &str) -> bool {
    kernel::unlink(name)
}

pub(crate) fn unlink_bare(name: &str) -> bool {
    kernel::unlink(name)
}

pub(crate) fn clear_up() {}

impl Object {
    pub(crate) fn open(name: &str, _: Access, id: &str) -> Result<Self> {
        let opened = kernel::open(name, process_id());
        let (descriptor, node) = opened.ok_or_else(|| Error::NotFound { id: id.into() })?;
        Ok(Self { descriptor, node })
    }

    pub(crate) fn open_or_create(name: &str, id: &str) -> Result<Self> {
        let opened = kernel::open_or_create(name, process_id());
        let (descriptor, node) = opened.ok_or_else(|| Error::NotFound { id: id.into() })?;
        Ok(Self { descriptor, node })
    }

    fn map(&self, id: &str) -> Result<Mapping> {
        let memory = kernel::memory(self.node).ok_or_else(|| Error::NotFound { id: id.into() })?;
        Ok(Mapping::modelled(Region::new(memory)))
    }

    pub(crate) fn announce(&self) {
        kernel::announce(self.descriptor);
    }

    pub(crate) fn is_announced(&self) -> Option<bool> {
        Some(kernel::is_announced(self.descriptor))
    }

    pub(crate) fn withdraw(&self) {
        kernel::unlock(self.descriptor);
        if !has(Fault::StaysAnnounced) {
            kernel::withdraw(self.descriptor);
        }
    }

    #[allow(clippy::unused_self, reason = "a model's processes are not missed by others")]
    pub(crate) fn others_are_here(&self) -> Option<bool> {
        None
    }

    pub(crate) fn identity(&self) -> Identity {
        let inode = if has(Fault::NoComparison) { 1 } else { self.node as u64 + 1 };
        Identity { device: 1, inode }
    }

    pub(crate) fn size(&self) -> Result<u64> {
        Ok(kernel::memory(self.node).map_or(0, |memory| Region::new(memory).len() as u64))
    }

    pub(crate) fn linked_size(&self) -> Result<Option<u64>> {
        Ok(if self.is_linked() { Some(self.size()?) } else { None })
    }

    pub(crate) fn is_linked(&self) -> bool {
        has(Fault::RegistryNotLookedAt) || kernel::links(self.node) > 0
    }

    pub(crate) fn share(&self) -> Result<bool> {
        Ok(kernel::lock_shared(self.descriptor))
    }

    pub(crate) fn try_exclusive(&self) -> Result<bool> {
        Ok(kernel::lock_exclusive(self.descriptor))
    }

    pub(crate) fn unshare(&self) {
        kernel::unlock(self.descriptor);
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        kernel::close(self.descriptor);
    }
}
