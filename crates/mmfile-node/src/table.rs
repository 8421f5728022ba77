//! The open files and mutexes of one JavaScript thread, by the numbers that stand for them in JavaScript.
//!
//! A number instead of a pointer: whatever a program passes, it gets an open file or an error.

use crate::errors::Failure;
use crate::memory::Buffers;
use crate::values::Encoding;
use crate::watch::Watch;
use mmfile_core::{LockGuard, LockHolder, MmFile, NamedMutex, Timeout};
use std::cell::RefCell;
use std::rc::Rc;

/// One open file or mutex. Its parts go in this order: who waits, the lock, what is locked.
pub(crate) struct Handle {
    /// What its strings are as bytes.
    pub(crate) encoding: Encoding,
    pub(crate) watch: RefCell<Option<Watch>>,
    pub(crate) guard: RefCell<Option<LockGuard>>,
    pub(crate) holder: RefCell<Option<LockHolder>>,
    pub(crate) buffers: RefCell<Buffers>,
    resource: Resource,
}

/// What a handle stands for.
pub(crate) enum Resource {
    File(MmFile),
    Mutex(NamedMutex),
}

impl Handle {
    /// What errors are about.
    pub(crate) fn subject(&self) -> String {
        match &self.resource {
            Resource::File(file) => format!("file '{}'", file.id()),
            Resource::Mutex(mutex) => format!("mutex '{}'", mutex.name()),
        }
    }

    /// The open file.
    pub(crate) fn file(&self) -> Result<&MmFile, Failure> {
        match &self.resource {
            Resource::File(file) => Ok(file),
            Resource::Mutex(_) => Err(Failure::misuse("a file's handle")),
        }
    }

    /// Whether a segment of it is being written in place.
    pub(crate) fn is_filling(&self) -> bool {
        matches!(&self.resource, Resource::File(file) if file.is_filling())
    }

    /// Ends what refers to the file, so that dropping the handle drops the file. The next holder of the lock
    /// finds it abandoned: this one has not come to the end of its section.
    pub(crate) fn end(&self) {
        drop(self.watch.take());
        if let Some(holder) = self.holder.take() {
            holder.abandon();
        }
        if let Some(mut guard) = self.guard.take() {
            guard.abandon();
        }
    }

    /// Does what closing does for others.
    pub(crate) fn leave(&self) {
        match &self.resource {
            Resource::File(file) => file.leave(),
            Resource::Mutex(mutex) => mutex.leave(),
        }
    }

    /// Takes the lock on this thread.
    pub(crate) fn lock(&self, timeout: Timeout) -> mmfile_core::Result<LockGuard> {
        match &self.resource {
            Resource::File(file) => file.lock(Some(timeout)),
            Resource::Mutex(mutex) => mutex.lock(Some(timeout)),
        }
    }

    /// A thread that can hold the lock.
    pub(crate) fn lock_holder(&self) -> mmfile_core::Result<LockHolder> {
        match &self.resource {
            Resource::File(file) => file.lock_holder(),
            Resource::Mutex(mutex) => mutex.lock_holder(),
        }
    }
}

/// A place in the table, and how often it was used before.
struct Slot {
    generation: u32,
    handle: Option<Rc<Handle>>,
}

/// Numbers stay below 2^31, which JavaScript keeps without a heap object.
const INDEX_BITS: u32 = 20;
const GENERATIONS: u32 = 1 << 11;

thread_local! {
    static TABLE: RefCell<Table> = const { RefCell::new(Table { slots: Vec::new(), free: Vec::new() }) };
}

struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Drop for Table {
    /// What is still there was not closed with the environment: the process is ending at once, by
    /// `process.abort()` or without coming to our listener of its end.
    ///
    /// On Windows the system runs this when all other threads are gone already, whatever they were in the
    /// middle of. Nothing is closed there; it counts as killed.
    fn drop(&mut self) {
        let slots = std::mem::take(&mut self.slots);
        if cfg!(windows) {
            std::mem::forget(slots);
        } else {
            slots.iter().filter_map(|slot| slot.handle.as_ref()).for_each(|handle| handle.end());
        }
    }
}

fn split(id: u32) -> (usize, u32) {
    ((id & ((1 << INDEX_BITS) - 1)) as usize, id >> INDEX_BITS)
}

/// Puts a file or a mutex into the table. `None` if a million are open.
pub(crate) fn insert(resource: Resource, encoding: Encoding) -> Option<u32> {
    let handle = Rc::new(Handle {
        encoding,
        watch: RefCell::new(None),
        guard: RefCell::new(None),
        holder: RefCell::new(None),
        buffers: RefCell::new(Buffers::default()),
        resource,
    });
    TABLE.with_borrow_mut(|table| {
        if let Some(index) = table.free.pop() {
            let slot = table.slots.get_mut(index as usize)?;
            slot.handle = Some(handle);
            return Some(index | slot.generation << INDEX_BITS);
        }
        let index = u32::try_from(table.slots.len()).ok().filter(|at| *at < 1 << INDEX_BITS)?;
        table.slots.push(Slot { generation: 0, handle: Some(handle) });
        Some(index)
    })
}

/// What errors about an open file or mutex are about.
pub(crate) fn subject(id: u32) -> Option<String> {
    get(id).map(|handle| handle.subject())
}

/// The file that a number stands for, if it is open.
pub(crate) fn get(id: u32) -> Option<Rc<Handle>> {
    let (index, generation) = split(id);
    TABLE.with_borrow(|table| {
        let slot = table.slots.get(index).filter(|slot| slot.generation == generation)?;
        slot.handle.clone()
    })
}

/// Takes a file out of the table.
pub(crate) fn remove(id: u32) -> Option<Rc<Handle>> {
    let (index, generation) = split(id);
    TABLE.with_borrow_mut(|table| {
        let slot = table.slots.get_mut(index).filter(|slot| slot.generation == generation)?;
        let handle = slot.handle.take()?;
        slot.generation += 1;
        // A slot whose numbers are used up stays empty: no old number may stand for a new file.
        if slot.generation < GENERATIONS {
            table.free.push(id & ((1 << INDEX_BITS) - 1));
        }
        Some(handle)
    })
}

/// All files in the table.
pub(crate) fn all() -> Vec<Rc<Handle>> {
    TABLE.with_borrow(|table| table.slots.iter().filter_map(|slot| slot.handle.clone()).collect())
}

/// Takes all files out of the table.
pub(crate) fn remove_all() -> Vec<Rc<Handle>> {
    TABLE.with_borrow_mut(|table| {
        let slots = std::mem::take(&mut table.slots);
        table.free.clear();
        slots.into_iter().filter_map(|slot| slot.handle).collect()
    })
}
