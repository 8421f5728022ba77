//! The kernel's list of the locks that this thread holds.
//!
//! Every thread has a list head that the C library registered. When a thread dies, the kernel walks that list
//! and the one entry that is "pending", and marks each word that carries the thread's id. A lock held for one
//! operation stays in the pending entry the whole time, so that nothing in shared memory is linked at all,
//! unless the thread takes another one meanwhile. A lock held for longer goes into the list, since the C
//! library needs the pending entry for its own; we keep a private copy of its links and use only that.

use crate::platform::unix::generation;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU32, Ordering, compiler_fence};

/// The head as `linux/futex.h` has it.
#[repr(C)]
struct Head {
    first: usize,
    futex_offset: isize,
    pending: usize,
}

/// One of our locks in this thread's list.
struct Entry {
    node: usize,
    next: usize,
}

struct Thread {
    id: Cell<u32>,
    head: Cell<*mut Head>,
    generation: Cell<u32>,
    /// The node of the held lock in the pending entry, or 0.
    kept: Cell<usize>,
    /// Never dropped with the thread, so that locks can be released while a thread is taken apart;
    /// it owns no memory while it is empty.
    entries: RefCell<ManuallyDrop<Vec<Entry>>>,
}

thread_local! {
    static THREAD: Thread = const {
        Thread {
            id: Cell::new(0),
            head: Cell::new(std::ptr::null_mut()),
            generation: Cell::new(0),
            kept: Cell::new(0),
            entries: RefCell::new(ManuallyDrop::new(Vec::new())),
        }
    };
}

/// The calling thread's id, as the kernel compares it.
pub(crate) fn thread_id() -> u32 {
    THREAD.with(|thread| {
        thread.refresh();
        thread.id.get()
    })
}

impl Thread {
    /// Asks the kernel for this thread's id, once, and again after a fork.
    #[inline(always)]
    fn refresh(&self) {
        let generation = generation();
        if self.generation.get() != generation {
            self.begin(generation);
        }
    }

    #[cold]
    fn begin(&self, generation: u32) {
        // SAFETY: takes nothing and cannot fail.
        let id = unsafe { libc::syscall(libc::SYS_gettid) };
        self.id.set(u32::try_from(id).unwrap_or(0));
        #[cfg(target_env = "musl")]
        self.empty();
        self.head.set(registered_head());
        self.entries.borrow_mut().clear();
        self.kept.set(0);
        self.generation.set(generation);
    }

    /// Begins the list of a forked child, which holds nothing. musl leaves its parent's in it, whose
    /// links are in memory that both share.
    #[cfg(target_env = "musl")]
    fn empty(&self) {
        let head = self.first_link();
        if head != 0 {
            store(head, head);
        }
    }

    fn node(&self, word: &AtomicU32) -> usize {
        let head = self.head.get();
        if head.is_null() {
            return 0;
        }
        // SAFETY: the head belongs to this thread's control structure and lives as long as it; only
        // this thread uses it.
        let offset = unsafe { (*head).futex_offset };
        (word.as_ptr() as usize).wrapping_add_signed(offset.wrapping_neg())
    }

    fn set_pending(&self, node: usize) {
        let head = self.head.get();
        if head.is_null() {
            return;
        }
        compiler_fence(Ordering::SeqCst);
        // SAFETY: as in `node`. The kernel reads it only when this thread dies.
        unsafe { (&raw mut (*head).pending).write_volatile(node) };
        compiler_fence(Ordering::SeqCst);
    }
}

/// This thread's list head, or null where there is none (an emulator without robust lists: locks
/// work there, and do not survive their holder).
fn registered_head() -> *mut Head {
    #[cfg(target_env = "musl")]
    register_with_musl();
    let mut head: *mut Head = std::ptr::null_mut();
    let mut size: usize = 0;
    // SAFETY: both targets are writable and outlive the call; 0 asks for the calling thread.
    let result =
        unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut size) };
    if result == 0 && size == size_of::<Head>() { head } else { std::ptr::null_mut() }
}

/// musl registers its head with the first mutex of several processes that a thread locks: lock one. A
/// robust one of this process alone would not do, since musl needs no kernel for those.
#[cfg(target_env = "musl")]
fn register_with_musl() {
    // SAFETY: a mutex on this stack that is made, locked, unlocked and destroyed before it goes.
    unsafe {
        let mut attributes: libc::pthread_mutexattr_t = std::mem::zeroed();
        let mut mutex: libc::pthread_mutex_t = std::mem::zeroed();
        libc::pthread_mutexattr_init(&raw mut attributes);
        libc::pthread_mutexattr_setpshared(&raw mut attributes, libc::PTHREAD_PROCESS_SHARED);
        libc::pthread_mutexattr_setrobust(&raw mut attributes, libc::PTHREAD_MUTEX_ROBUST);
        libc::pthread_mutex_init(&raw mut mutex, &raw const attributes);
        libc::pthread_mutex_lock(&raw mut mutex);
        libc::pthread_mutex_unlock(&raw mut mutex);
        libc::pthread_mutex_destroy(&raw mut mutex);
        libc::pthread_mutexattr_destroy(&raw mut attributes);
    }
}

/// The time in which this thread is taking or giving up a lock. Its end takes the announcement back.
pub(crate) struct Pending {
    /// This thread's, which a value that cannot leave the thread may keep: looking it up again would
    /// cost as much as the rest.
    thread: *const Thread,
    node: usize,
}

impl Pending {
    /// Tells the kernel which word this thread is about to take.
    #[inline(always)]
    pub(crate) fn announce(word: &AtomicU32) -> Self {
        THREAD.with(|thread| {
            thread.refresh();
            thread.make_room();
            Self::of(thread, thread.node(word))
        })
    }

    /// Restores an announcement that was kept.
    #[inline(always)]
    pub(crate) fn resume(word: &AtomicU32) -> Self {
        THREAD.with(|thread| {
            thread.refresh();
            let node = thread.node(word);
            if thread.kept.get() == node {
                thread.kept.set(0);
                return Self::of(thread, node);
            }
            // Another lock has been taken meanwhile: this one had to move into the list.
            thread.make_room();
            Self::of(thread, node).delisted()
        })
    }

    fn of(thread: &Thread, node: usize) -> Self {
        thread.set_pending(node);
        Self { thread, node }
    }

    fn thread(&self) -> &Thread {
        // SAFETY: it is the calling thread's, since a value with a raw pointer stays on its thread and
        // each lives on a stack; a thread's own memory lives as long as the thread, and this kind of
        // it is not dropped with it.
        unsafe { &*self.thread }
    }

    pub(crate) fn thread_id(&self) -> u32 {
        self.thread().id.get()
    }

    /// Whether the kernel would still come to one more lock of this thread.
    pub(crate) fn has_room(&self) -> bool {
        self.thread().entries.borrow().len() < ROOM
    }

    /// Leaves the announcement standing while the lock is held.
    pub(crate) fn keep(self) {
        self.thread().kept.set(self.node);
        std::mem::forget(self);
    }

    /// Moves the lock from the pending entry into the list.
    pub(crate) fn enlist(self) {
        self.thread().enlist(self.node);
    }

    /// Moves a lock from the list back into the pending entry.
    pub(crate) fn delist(word: &AtomicU32) -> Self {
        Self::announce(word).delisted()
    }

    fn delisted(self) -> Self {
        self.thread().delist(self.node);
        self
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.thread().set_pending(0);
    }
}

/// A node is the address of its link to the next; the link to the one before is 8 bytes below it in every C
/// library that has robust mutexes. The package never follows its own nodes through that link, but the C
/// library follows its own.
const BACK: usize = size_of::<usize>();
/// Marks, in the link to it, a node of a mutex with priority inheritance. Ours have none.
const INHERITS: usize = 1;
/// As far as the kernel would walk.
const LIMIT: usize = 2048;
/// How many of these are for us: the C library has its own.
pub(crate) const ROOM: usize = 2000;

impl Thread {
    /// Moves the lock in the pending entry into the list before another takes its place: a value may use
    /// other files while it is written to this one.
    #[inline(always)]
    fn make_room(&self) {
        let kept = self.kept.replace(0);
        if kept != 0 {
            self.enlist(kept);
        }
    }

    fn first_link(&self) -> usize {
        self.head.get() as usize // the link is the head's first field
    }

    /// Puts a node at the end of the list. The C library puts its own at the front, so that behind a node of
    /// the package there is only another one of the package, or the head: no link has to be read from shared
    /// memory.
    fn enlist(&self, node: usize) {
        let head = self.first_link();
        if head == 0 {
            return;
        }
        let mut entries = self.entries.borrow_mut();
        let Some(last) = walk(head, &entries, head) else { return };
        store(node, head);
        store(node.wrapping_sub(BACK), last);
        compiler_fence(Ordering::SeqCst);
        crate::fault::point("enlist.linked");
        store(last, node);
        compiler_fence(Ordering::SeqCst);
        crate::fault::point("enlist.listed");
        if let Some(entry) = entries.iter_mut().find(|entry| entry.node == last) {
            entry.next = node;
        }
        entries.push(Entry { node, next: head });
    }

    fn delist(&self, node: usize) {
        let head = self.first_link();
        let mut entries = self.entries.borrow_mut();
        let Some(position) = entries.iter().position(|entry| entry.node == node) else { return };
        if let Some(before) = walk(head, &entries, node) {
            let next = entries.remove(position).next;
            if let Some(entry) = entries.iter_mut().find(|entry| entry.node == before) {
                entry.next = next;
            }
            crate::fault::point("delist.begun");
            store(before, next);
            crate::fault::point("delist.unlinked");
            if next != head {
                store(next.wrapping_sub(BACK), before);
            }
        } else {
            entries.remove(position);
        }
        compiler_fence(Ordering::SeqCst);
        if entries.is_empty() {
            entries.shrink_to_fit();
        }
    }
}

/// The link that leads to `node`, from the head on. Our own links are known; the others are the
/// head's and those of the C library's mutexes.
fn walk(head: usize, entries: &[Entry], node: usize) -> Option<usize> {
    let mut link = head;
    for _ in 0..LIMIT {
        let ours = entries.iter().find(|entry| entry.node == link);
        let next = ours.map_or_else(|| load(link) & !INHERITS, |entry| entry.next);
        if next == node {
            return Some(link);
        }
        if next == head || next == 0 {
            return None;
        }
        link = next;
    }
    None
}

fn load(address: usize) -> usize {
    // SAFETY: called for this thread's list head, and for nodes that the C library linked into the
    // list of this thread and relies on itself; never for a value that we keep in shared memory.
    unsafe { (address as *const usize).read_volatile() }
}

fn store(address: usize, value: usize) {
    // SAFETY: called for this thread's list head, for the links of locks that it holds (whose mapping
    // a guard keeps), and for those of the C library's mutexes in the same list; each of these words
    // is there to be written by its thread.
    unsafe { (address as *mut usize).write_volatile(value) }
}
