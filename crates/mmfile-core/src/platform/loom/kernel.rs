//! The state of a kernel for all processes: names, objects, and which process has which of them open or
//! locked.

use super::atomics::AtomicU32;
use super::byte_locks::ByteLocks;
use super::current::{self, Died, process_id};
use super::memory::Memory;
use super::sleepers::Sleepers;
use crate::platform::locks::{ByteRange, LockKind};
use loom::sync::atomic::AtomicUsize;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

thread_local! {
    static KERNEL: RefCell<Option<Rc<Kernel>>> = const { RefCell::new(None) };
    static DEATHS: Cell<u64> = const { Cell::new(0) };
}

/// Runs a model with a new kernel.
pub(super) fn run(model: fn()) {
    KERNEL.set(Some(Rc::new(Kernel::new())));
    model();
    KERNEL.take();
}

pub(super) fn kernel() -> Rc<Kernel> {
    KERNEL.with_borrow(|kernel| kernel.clone()).expect("only in a model")
}

/// How many processes have died in all models.
pub(super) fn deaths() -> u64 {
    DEATHS.get()
}

/// One object, which stays after its last name and descriptor are gone.
#[derive(Debug)]
struct Node {
    memory: Arc<Memory>,
    locks: ByteLocks,
    turn: Turn,
    /// The processes whose handles on it a model watches.
    watched: Vec<u32>,
}

/// Where loom chooses which process comes next.
type Turn = Arc<AtomicUsize>;

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<String, usize>,
    nodes: Vec<Node>,
    descriptors: BTreeMap<u32, Open>,
    opened: u32,
}

/// An open descriptor.
#[derive(Debug, Clone, Copy)]
struct Open {
    node: usize,
    process: u32,
}

/// The address of a lock word in a memory that the kernel keeps for as long as the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(*const AtomicU32);

impl Word {
    pub(super) fn of(word: &AtomicU32) -> Self {
        Self(std::ptr::from_ref(word))
    }
}

/// By which the kernel knows a word that is slept on.
pub(super) fn address(word: &AtomicU32) -> usize {
    std::ptr::from_ref(word) as usize
}

#[derive(Debug)]
pub(super) struct Kernel {
    /// Calls that read or change names take turns.
    names: Turn,
    state: RefCell<State>,
    pub(super) sleepers: Sleepers,
    /// The lock words that each process has registered.
    pub(super) robust: RefCell<BTreeMap<u32, Vec<Word>>>,
    /// The statics of each process, by their address.
    pub(super) statics: RefCell<BTreeMap<(u32, usize), Box<dyn Any>>>,
}

impl Kernel {
    fn new() -> Self {
        Self {
            names: Turn::default(),
            state: RefCell::default(),
            sleepers: Sleepers::new(),
            robust: RefCell::default(),
            statics: RefCell::default(),
        }
    }

    pub(super) fn memory_at(&self, address: usize) -> Option<(Arc<Memory>, u64)> {
        self.memories().into_iter().find_map(|memory| {
            let offset = memory.offset_of(address)?;
            Some((memory, offset))
        })
    }

    pub(super) fn memories(&self) -> Vec<Arc<Memory>> {
        self.state.borrow().nodes.iter().map(|node| Arc::clone(&node.memory)).collect()
    }
}

/// A system call about names: one step. A process that has died makes none.
fn on_names<R>(work: impl FnOnce(&mut State) -> R) -> Option<R> {
    if std::thread::panicking() {
        return None;
    }
    call();
    let kernel = kernel();
    kernel.names.fetch_add(1, Ordering::AcqRel);
    Some(work(&mut kernel.state.borrow_mut()))
}

/// The same about the locks of one object: it conflicts with no call about names or about another object.
fn on_locks<R>(descriptor: u32, work: impl FnOnce(&mut ByteLocks) -> R) -> Option<R> {
    if std::thread::panicking() {
        return None;
    }
    call();
    let kernel = kernel();
    let open = kernel.state.borrow().descriptors.get(&descriptor).copied()?;
    let turn = Arc::clone(&kernel.state.borrow().nodes[open.node].turn);
    turn.fetch_add(1, Ordering::AcqRel);
    Some(work(&mut kernel.state.borrow_mut().nodes[open.node].locks))
}

/// The names that are there.
#[must_use]
pub fn names() -> Vec<String> {
    on_names(|state| state.names.keys().cloned().collect()).unwrap_or_default()
}

/// A descriptor of the object at that name, and the object's number.
pub(super) fn open(name: &str) -> Option<(u32, usize)> {
    on_names(|state| {
        let node = *state.names.get(name)?;
        state.opened += 1;
        state.descriptors.insert(state.opened, Open { node, process: process_id() });
        Some((state.opened, node))
    })?
}

/// The number of the object at that name.
pub(super) fn find(name: &str) -> Option<usize> {
    on_names(|state| state.names.get(name).copied())?
}

/// A new object at a name that nothing has.
pub(super) fn create(name: &str, memory: Memory) -> Option<usize> {
    on_names(|state| {
        let node = state.nodes.len();
        let taken = state.names.insert(name.to_owned(), node);
        assert!(taken.is_none(), "two staging objects of one name");
        let (memory, turn) = (Arc::new(memory), Turn::default());
        state.nodes.push(Node { memory, locks: ByteLocks::default(), turn, watched: Vec::new() });
        node
    })
}

/// The outcome of a new name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renamed {
    Done,
    /// Nothing has the old name.
    Gone,
    /// Something has the new one.
    Taken,
}

/// Gives an object another name, and its memory to all processes.
pub(super) fn rename(from: &str, to: &str) -> Renamed {
    let renamed = on_names(|state| {
        let Some(&node) = state.names.get(from) else { return Renamed::Gone };
        if state.names.contains_key(to) {
            return Renamed::Taken;
        }
        state.names.remove(from);
        state.names.insert(to.to_owned(), node);
        state.nodes[node].memory.share();
        Renamed::Done
    });
    renamed.unwrap_or(Renamed::Gone)
}

pub(super) fn unlink(name: &str) {
    on_names(|state| {
        let Some(node) = state.names.remove(name) else { return };
        let node = &state.nodes[node];
        assert!(
            node.watched.is_empty() || node.memory.has_ended(),
            "the name of an object that is open was removed"
        );
    });
}

/// The memory of an object.
pub(super) fn memory(node: usize) -> Arc<Memory> {
    Arc::clone(&kernel().state.borrow().nodes[node].memory)
}

/// Acquires, converts or releases a lock. Whether it was granted.
pub(super) fn lock(descriptor: u32, kind: Option<LockKind>, bytes: ByteRange) -> bool {
    on_locks(descriptor, |locks| locks.set(descriptor, kind, bytes)).unwrap_or(false)
}

/// A lock of another descriptor.
pub(super) fn blocker(descriptor: u32, bytes: ByteRange) -> Option<LockKind> {
    on_locks(descriptor, |locks| locks.blocker(descriptor, LockKind::Exclusive, bytes))?
}

pub(super) fn close(descriptor: u32) {
    on_locks(descriptor, |locks| locks.forget(descriptor));
    kernel().state.borrow_mut().descriptors.remove(&descriptor);
}

/// A system call begins.
fn call() {
    if current::dies_before_call() {
        die();
    }
}

/// The calling process dies: the kernel then cleans up, step by step; the process itself takes no more steps.
pub(super) fn die() {
    DEATHS.set(DEATHS.get() + 1);
    let process = process_id();
    release_all(process);
    for descriptor in descriptors_of(process) {
        close(descriptor);
    }
    resume_unwind(Box::new(Died));
}

/// How the kernel releases the locks of a process that dies.
fn release_all(process: u32) {
    let words = kernel().robust.borrow_mut().remove(&process).unwrap_or_default();
    for Word(word) in words {
        // SAFETY: the kernel of the model keeps all memory until the model is over.
        let word = unsafe { &*word };
        let seen = word.load(Ordering::SeqCst);
        if seen & libc::FUTEX_TID_MASK == process {
            // Until it is marked, only sleepers change the word, and only their bit of it.
            let waiters = word.swap(libc::FUTEX_OWNER_DIED, Ordering::AcqRel) & libc::FUTEX_WAITERS;
            word.fetch_or(waiters, Ordering::AcqRel);
        }
        kernel().sleepers.wake(address(word), 1);
    }
}

/// The descriptors of a process that dies, whose handles no model watches any more.
fn descriptors_of(process: u32) -> Vec<u32> {
    let kernel = kernel();
    let mut state = kernel.state.borrow_mut();
    for node in &mut state.nodes {
        node.watched.retain(|watched| *watched != process);
    }
    let of = state.descriptors.iter().filter(|(_, open)| open.process == process);
    of.map(|(descriptor, _)| *descriptor).collect()
}

/// From now on the name must lead to the object that has this address, unless it has ended.
///
/// # Panics
/// If it does not.
pub(super) fn watch(name: &str, process: u32, address: usize) {
    let kernel = kernel();
    let mut state = kernel.state.borrow_mut();
    let named = state.names.get(name).copied();
    let node = node_of(&state, address);
    let is_living = !state.nodes[node].memory.has_ended();
    assert!(!is_living || named == Some(node), "an object is open that its name does not lead to");
    state.nodes[node].watched.push(process);
}

/// The end of [`watch`].
pub(super) fn unwatch(process: u32, address: usize) {
    let kernel = kernel();
    let mut state = kernel.state.borrow_mut();
    let node = node_of(&state, address);
    let watched = &mut state.nodes[node].watched;
    let at = watched.iter().position(|watcher| *watcher == process);
    watched.swap_remove(at.expect("it is watched"));
}

fn node_of(state: &State, address: usize) -> usize {
    let found = state.nodes.iter().position(|node| node.memory.offset_of(address).is_some());
    found.expect("an address of an object")
}

/// Copies bytes into shared memory.
///
/// # Safety
/// As `std::ptr::copy`.
pub(crate) unsafe fn copy(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy(from, to, count) };
    if let Some((memory, offset)) = kernel().memory_at(to as usize) {
        // SAFETY: as above.
        memory.put(offset, unsafe { std::slice::from_raw_parts(from, count) });
    }
}
