//! Mistakes that are made on purpose.

use std::cell::Cell;

/// A mistake in a protocol, made on purpose: its model has to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The committed end is published before the first size word.
    EndBeforeSizeWord,
    /// The end word and the payload are written after the committed end is published.
    PayloadUnordered,
    /// Sleepers are woken before the committed end moves.
    WakeBeforeChange,
    /// Nothing orders the request to be woken before the check of the condition.
    NoFence,
    /// A name is removed without a check of which object it leads to.
    NoComparison,
    /// No handle's byte is locked.
    NoBytesLocked,
    /// A handle that leaves still holds its byte when it tries the exclusive lock.
    StaysLocked,
    /// An opener takes any lock, even a sweeper's, for the lock of a living handle.
    AnyLockIsAlive,
    /// A creator closes under an exclusive lock on all handles, not on the name alone.
    AllForTheName,
    /// An object is removed after asking for other handles, under a lock on the name alone.
    NameForAll,
    /// A participant's row counts before it is filled.
    LiveBeforeContents,
    /// A claim changes hands without a check of its owner.
    BlindExchange,
    /// A handle is taken for dead without asking whether its byte is locked.
    LocksUnasked,
}

thread_local! {
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// The one that is made from now on.
pub(super) fn make(fault: Option<Fault>) {
    FAULT.set(fault);
}

/// Whether it is that one.
pub(super) fn has(fault: Fault) -> bool {
    FAULT.get() == Some(fault)
}
