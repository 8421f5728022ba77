//! Closes the descriptors that hold locks in a forked child, which must not share them with its parent.
//!
//! A lock belongs to the open file description, of which the child has a copy: it would keep a dead
//! parent alive for others, and its `close` would be the parent's. In the child every such descriptor
//! therefore leads to a harmless object, and every handle knows that it is not its own.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// Counts the forks that lead to this process.
static GENERATION: AtomicU32 = AtomicU32::new(1);
/// Counts the forks of this process. Changed while the list is locked.
static FORKS: AtomicU32 = AtomicU32::new(0);
static LOCK_DESCRIPTORS: Mutex<BTreeSet<RawFd>> = Mutex::new(BTreeSet::new());

thread_local! {
    /// The list, locked while this thread forks.
    static FORKING: RefCell<Option<MutexGuard<'static, BTreeSet<RawFd>>>> = const { RefCell::new(None) };
}

/// A number that differs between a process and its forked child.
#[inline(always)]
pub(crate) fn generation() -> u32 {
    static HANDLERS: Once = Once::new();
    HANDLERS.call_once(|| {
        // SAFETY: the handlers lock a list, and in the child make system calls that are allowed there.
        unsafe { libc::pthread_atfork(Some(prepare), Some(in_parent), Some(in_child)) };
    });
    GENERATION.load(Ordering::Relaxed)
}

/// How often this process has forked.
pub(super) fn forks() -> u32 {
    generation();
    FORKS.load(Ordering::Acquire)
}

/// Adds a descriptor that will hold locks. `false` if the process has forked since the count of `forks` was
/// read: the child may have a copy of it.
pub(super) fn add(descriptor: RawFd, forks: u32) -> bool {
    let mut list = list();
    let is_unshared = FORKS.load(Ordering::Relaxed) == forks;
    if is_unshared {
        list.insert(descriptor);
    }
    is_unshared
}

/// Removes it, before it is closed.
pub(super) fn remove(descriptor: RawFd) {
    list().remove(&descriptor);
}

fn list() -> MutexGuard<'static, BTreeSet<RawFd>> {
    LOCK_DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn prepare() {
    let list = list();
    FORKS.fetch_add(1, Ordering::Release);
    let _ = FORKING.try_with(|forking| *forking.borrow_mut() = Some(list));
}

extern "C" fn in_parent() {
    let _ = FORKING.try_with(|forking| drop(forking.borrow_mut().take()));
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    let _ = FORKING.try_with(|forking| {
        if let Some(list) = forking.borrow_mut().take() {
            replace_all(&list);
        }
    });
}

/// Has each descriptor lead to the root folder. Their numbers stay in use: their owners close them.
fn replace_all(descriptors: &BTreeSet<RawFd>) {
    if descriptors.is_empty() {
        return;
    }
    // SAFETY: a NUL-terminated name; each descriptor of the list is open, and what its owner loses is the
    // lock that it shares with the parent. The child has one thread: a number that is free for a moment is
    // given to the call that follows.
    unsafe {
        let open = || libc::open(c"/".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        let mut root = open();
        let is_full = root < 0;
        if is_full && let Some(first) = descriptors.first() {
            libc::close(*first);
            root = open();
        }
        for descriptor in descriptors.iter().filter(|it| **it != root) {
            if libc::dup2(root, *descriptor) >= 0 {
                libc::fcntl(*descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
            } else {
                // Without a folder at all: better than a parent that never dies.
                libc::close(*descriptor);
            }
        }
        if !is_full {
            libc::close(root);
        }
    }
}
