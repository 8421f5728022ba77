//! What a kernel keeps for all processes: names, objects, and who has which of them open or locked.

use super::memory::Memory;
use super::{Fault, has, kernel};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Condvar, Mutex};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One object, which stays after its last name and descriptor are gone.
#[derive(Debug, Default)]
struct Node {
    links: u32,
    memory: Option<Arc<Memory>>,
    shared: Vec<u32>,
    exclusive: Option<u32>,
    announced: Vec<u32>,
}

#[derive(Debug, Default)]
struct State {
    names: BTreeMap<String, usize>,
    nodes: Vec<Node>,
    /// Of which object and whose each descriptor is.
    descriptors: BTreeMap<u32, (usize, u32)>,
    opened: u32,
}

/// Who sleeps on which word, as numbered tickets.
#[derive(Debug, Default)]
pub(super) struct Sleepers {
    pub(super) waiting: Vec<(usize, u64)>,
    pub(super) tickets: u64,
}

#[derive(Debug)]
pub(super) struct Kernel {
    /// Every system call takes a turn: that is where loom chooses who comes next.
    turn: AtomicUsize,
    state: RefCell<State>,
    pub(super) sleepers: Mutex<Sleepers>,
    pub(super) woken: Condvar,
    /// Which lock words a process has told of.
    pub(super) robust: RefCell<BTreeMap<u32, Vec<super::robust_list::Word>>>,
}

impl Kernel {
    pub(super) fn new() -> Self {
        Self {
            turn: AtomicUsize::new(0),
            state: RefCell::default(),
            sleepers: Mutex::default(),
            woken: Condvar::new(),
            robust: RefCell::default(),
        }
    }

    pub(super) fn memory_at(&self, address: usize) -> Option<(Arc<Memory>, u64)> {
        self.memories().into_iter().find_map(|memory| {
            let offset = memory.offset_of(address)?;
            Some((memory, offset))
        })
    }

    pub(super) fn memories(&self) -> Vec<Arc<Memory>> {
        self.state.borrow().nodes.iter().filter_map(|node| node.memory.clone()).collect()
    }
}

/// One system call. A process that has died makes none.
fn call<R>(work: impl FnOnce(&mut State) -> R) -> Option<R> {
    if std::thread::panicking() {
        return None;
    }
    let kernel = kernel();
    kernel.turn.fetch_add(1, Ordering::AcqRel);
    Some(work(&mut kernel.state.borrow_mut()))
}

/// The names that are there.
#[must_use]
pub fn names() -> Vec<String> {
    call(|state| state.names.keys().cloned().collect()).unwrap_or_default()
}

/// A descriptor of the object at that name, and the object's number.
pub(super) fn open(name: &str, process: u32) -> Option<(u32, usize)> {
    call(|state| {
        let node = *state.names.get(name)?;
        Some((state.descriptor(node, process), node))
    })?
}

/// As [`open`], of a new empty object; `None` if the name is taken.
pub(super) fn create(name: &str, process: u32) -> Option<(u32, usize)> {
    call(|state| (!state.names.contains_key(name)).then(|| state.create(name, process)))?
}

/// Either of them, in one step.
pub(super) fn open_or_create(name: &str, process: u32) -> Option<(u32, usize)> {
    call(|state| match state.names.get(name) {
        Some(&node) => (state.descriptor(node, process), node),
        None => state.create(name, process),
    })
}

pub(super) fn resize(node: usize, size: u64) {
    call(|state| state.nodes[node].memory = Some(Arc::new(Memory::new(size))));
}

pub(super) fn memory(node: usize) -> Option<Arc<Memory>> {
    call(|state| state.nodes[node].memory.clone())?
}

pub(super) fn links(node: usize) -> u32 {
    call(|state| state.nodes[node].links).unwrap_or(0)
}

pub(super) fn unlink(name: &str) -> bool {
    let done = call(|state| {
        let node = state.names.remove(name)?;
        state.nodes[node].links -= 1;
        Some(())
    });
    done.flatten().is_some()
}

pub(super) fn close(descriptor: u32) {
    call(|state| state.close(descriptor));
}

/// A lock shared with others, if nobody has it alone.
pub(super) fn lock_shared(descriptor: u32) -> bool {
    if has(Fault::NobodyShares) {
        return true;
    }
    convert(descriptor, |node| {
        let free = node.exclusive.is_none();
        if free {
            node.shared.push(descriptor);
        }
        free
    })
}

/// A lock of nobody else's, if nobody else has one.
pub(super) fn lock_exclusive(descriptor: u32) -> bool {
    convert(descriptor, |node| {
        let free = node.exclusive.is_none() && node.shared.is_empty();
        if free {
            node.exclusive = Some(descriptor);
        }
        free
    })
}

/// Linux gives the old lock up before it looks whether the new one is to be had, and others may come
/// between.
fn convert(descriptor: u32, take: impl FnOnce(&mut Node) -> bool) -> bool {
    let converts = call(|state| state.node(descriptor).unlock(descriptor)).unwrap_or(false);
    if !converts {
        // One step where there was nothing to give up.
        return kernel_now(descriptor, take);
    }
    call(|state| take(state.node(descriptor))).unwrap_or(false)
}

fn kernel_now(descriptor: u32, take: impl FnOnce(&mut Node) -> bool) -> bool {
    if std::thread::panicking() {
        return false;
    }
    take(kernel().state.borrow_mut().node(descriptor))
}

/// Tells others of this descriptor until it is closed.
pub(super) fn announce(descriptor: u32) {
    call(|state| state.node(descriptor).announced.push(descriptor));
}

pub(super) fn withdraw(descriptor: u32) {
    call(|state| state.node(descriptor).announced.retain(|other| *other != descriptor));
}

/// Whether another descriptor of the object has been announced.
pub(super) fn is_announced(descriptor: u32) -> bool {
    let others = |state: &mut State| {
        state.node(descriptor).announced.iter().any(|other| *other != descriptor)
    };
    call(others).unwrap_or(true)
}

pub(super) fn unlock(descriptor: u32) {
    call(|state| state.node(descriptor).unlock(descriptor));
}

/// The descriptors of a process that dies.
pub(super) fn descriptors_of(process: u32) -> Vec<u32> {
    let open = |state: &mut State| {
        let of = state.descriptors.iter().filter(|(_, (_, owner))| *owner == process);
        of.map(|(descriptor, _)| *descriptor).collect()
    };
    call(open).unwrap_or_default()
}

impl State {
    fn create(&mut self, name: &str, process: u32) -> (u32, usize) {
        let node = self.nodes.len();
        self.nodes.push(Node { links: 1, ..Node::default() });
        self.names.insert(name.to_owned(), node);
        (self.descriptor(node, process), node)
    }

    fn descriptor(&mut self, node: usize, process: u32) -> u32 {
        self.opened += 1;
        self.descriptors.insert(self.opened, (node, process));
        self.opened
    }

    fn node(&mut self, descriptor: u32) -> &mut Node {
        let (node, _) = self.descriptors[&descriptor];
        &mut self.nodes[node]
    }

    fn close(&mut self, descriptor: u32) {
        self.node(descriptor).unlock(descriptor);
        self.node(descriptor).announced.retain(|other| *other != descriptor);
        self.descriptors.remove(&descriptor);
    }
}

impl Node {
    /// Whether there was a lock.
    fn unlock(&mut self, descriptor: u32) -> bool {
        let before = self.shared.len() + usize::from(self.exclusive.is_some());
        self.shared.retain(|holder| *holder != descriptor);
        self.exclusive = self.exclusive.filter(|holder| *holder != descriptor);
        before != self.shared.len() + usize::from(self.exclusive.is_some())
    }
}
