//! The open files and mutexes of one JavaScript thread, by their numbers in JavaScript.
//!
//! A number instead of a pointer: for any value that a program passes, it gets an open file or an error.

use crate::errors::Failure;
use crate::memory::Buffers;
use crate::receivers::ReceiverHandle;
use crate::senders::{ChannelHandle, Sender, WriterHandle};
use crate::values::Encoding;
use crate::watch::WatchSlot;
use mmfile_core::{Channel, LockGuard, LockHolder, MmFile, NamedMutex, Peer, Timeout};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// One open file or mutex. Its parts are dropped in this order: waits, the lock, the file.
pub(crate) struct Handle {
    /// How its strings become bytes.
    pub(crate) encoding: Encoding,
    pub(crate) watch: WatchSlot,
    pub(crate) guard: RefCell<Option<LockGuard>>,
    pub(crate) holder: RefCell<Option<LockHolder>>,
    pub(crate) buffers: RefCell<Buffers>,
    resource: Resource,
}

/// The object of a handle.
pub(crate) enum Resource {
    File(MmFile),
    Mutex(NamedMutex),
    Channel(ChannelHandle),
    Writer(WriterHandle),
    Receiver(ReceiverHandle),
}

impl Handle {
    /// The subject of errors.
    pub(crate) fn subject(&self) -> String {
        match &self.resource {
            Resource::File(file) => format!("file '{}'", file.id()),
            Resource::Mutex(mutex) => format!("mutex '{}'", mutex.name()),
            Resource::Channel(handle) => format!("channel '{}'", handle.channel.id()),
            Resource::Writer(handle) => handle.subject.clone(),
            Resource::Receiver(handle) => handle.subject.clone(),
        }
    }

    /// The open file.
    pub(crate) fn file(&self) -> Result<&MmFile, Failure> {
        match &self.resource {
            Resource::File(file) => Ok(file),
            _ => Err(Failure::misuse("a file's handle")),
        }
    }

    /// The open channel and what waits for it.
    pub(crate) fn channel_handle(&self) -> Result<&ChannelHandle, Failure> {
        match &self.resource {
            Resource::Channel(handle) => Ok(handle),
            _ => Err(Failure::misuse("a channel's handle")),
        }
    }

    /// The open channel.
    pub(crate) fn channel(&self) -> Result<&Arc<Channel>, Failure> {
        Ok(&self.channel_handle()?.channel)
    }

    /// The exclusive writer.
    pub(crate) fn writer(&self) -> Result<&WriterHandle, Failure> {
        match &self.resource {
            Resource::Writer(handle) => Ok(handle),
            _ => Err(Failure::misuse("a writer's handle")),
        }
    }

    /// A sender.
    pub(crate) fn sender(&self) -> Result<Sender<'_>, Failure> {
        match &self.resource {
            Resource::Channel(handle) => Ok(Sender::Channel(handle)),
            Resource::Writer(handle) => Ok(Sender::Writer(handle)),
            _ => Err(Failure::misuse("a sender's handle")),
        }
    }

    /// A receiver.
    pub(crate) fn receiver(&self) -> Result<&ReceiverHandle, Failure> {
        match &self.resource {
            Resource::Receiver(handle) => Ok(handle),
            _ => Err(Failure::misuse("a receiver's handle")),
        }
    }

    /// Empties what shows the control block.
    pub(crate) fn detach_control(&self) {
        if let Resource::Channel(handle) = &self.resource {
            handle.control.borrow_mut().detach_all();
        }
    }

    /// Ends everything that waits for it.
    pub(crate) fn stop_waiting(&self) {
        self.watch.end();
        match &self.resource {
            Resource::Channel(handle) => handle.room.end(),
            Resource::Writer(handle) => {
                handle.room.end();
                handle.abort();
            }
            Resource::File(_) | Resource::Mutex(_) | Resource::Receiver(_) => {}
        }
    }

    /// Whether a segment of it is being written in place.
    pub(crate) fn is_filling(&self) -> bool {
        match &self.resource {
            Resource::File(file) => file.is_filling(),
            Resource::Channel(handle) => handle.filling.get(),
            Resource::Writer(handle) => handle.filling.get(),
            Resource::Mutex(_) | Resource::Receiver(_) => false,
        }
    }

    /// Ends what refers to the file, so that dropping the handle drops the file. The next holder of the lock
    /// finds it abandoned: this one has not completed its section.
    pub(crate) fn end(&self) {
        self.stop_waiting();
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
            Resource::Channel(handle) => handle.channel.leave(),
            Resource::Writer(_) | Resource::Receiver(_) => {}
        }
    }

    /// Takes the lock on this thread.
    pub(crate) fn lock(&self, timeout: Timeout) -> mmfile_core::Result<LockGuard> {
        match &self.resource {
            Resource::File(file) => file.lock(Some(timeout)),
            Resource::Mutex(mutex) => mutex.lock(Some(timeout)),
            _ => Err(mmfile_core::Error::Closed), // the TypeScript asks for no other lock
        }
    }

    /// The process that holds the lock.
    pub(crate) fn lock_holder_pid(&self) -> Option<u32> {
        match &self.resource {
            Resource::File(file) => file.lock_holder_pid(),
            Resource::Mutex(mutex) => mutex.lock_holder_pid(),
            _ => None,
        }
    }

    /// The handles on a file, a channel or a mutex that are open.
    pub(crate) fn peers(&self) -> Result<Vec<Peer>, Failure> {
        match &self.resource {
            Resource::File(file) => Ok(file.peers()),
            Resource::Mutex(mutex) => Ok(mutex.peers()),
            Resource::Channel(handle) => Ok(handle.channel.peers()),
            _ => Err(Failure::misuse("the handle of a file, a channel or a mutex")),
        }
    }

    /// A thread that can hold the lock.
    pub(crate) fn lock_holder(&self) -> mmfile_core::Result<LockHolder> {
        match &self.resource {
            Resource::File(file) => file.lock_holder(),
            Resource::Mutex(mutex) => mutex.lock_holder(),
            _ => Err(mmfile_core::Error::Closed),
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
    /// Handles that are still open were not closed with the environment: the process is ending at once, by
    /// `process.abort()` or without calling our exit listener.
    ///
    /// On Windows the system runs this after it has ended all other threads, at any instruction. Nothing is
    /// closed there; the process counts as killed.
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
        watch: WatchSlot::default(),
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

/// The subject of errors about an open file or mutex.
pub(crate) fn subject(id: u32) -> Option<String> {
    get(id).map(|handle| handle.subject())
}

/// The file with that number, if it is open.
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
        // A slot whose numbers are used up stays empty: no old number may lead to a new file.
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
