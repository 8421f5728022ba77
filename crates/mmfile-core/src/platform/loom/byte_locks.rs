//! Locks on ranges of bytes, as Linux keeps those of open file descriptions.

use crate::platform::locks::{ByteRange, LockKind};

/// One lock.
#[derive(Debug, Clone, Copy)]
struct Lock {
    owner: u32,
    kind: LockKind,
    start: u64,
    /// Behind its last byte.
    end: u64,
}

/// The locks of one object: those of an owner follow one another, in the order of their bytes; owners in the
/// order in which they came.
#[derive(Debug, Default)]
pub(super) struct ByteLocks(Vec<Lock>);

impl ByteLocks {
    /// Acquires, converts or (`None`) releases. A refused call changes nothing.
    pub(super) fn set(&mut self, owner: u32, kind: Option<LockKind>, bytes: ByteRange) -> bool {
        let (start, end) = bounds(bytes);
        if let Some(kind) = kind
            && self.blocker(owner, kind, bytes).is_some()
        {
            return false;
        }
        let at = self.0.iter().position(|lock| lock.owner == owner).unwrap_or(self.0.len());
        let (own, mut locks): (Vec<Lock>, Vec<Lock>) =
            self.0.iter().partition(|lock| lock.owner == owner);
        // The remains of the old ones on either side.
        let mut kept: Vec<Lock> = own
            .iter()
            .flat_map(|old| {
                let below = Lock { end: old.end.min(start), ..*old };
                let above = Lock { start: old.start.max(end), ..*old };
                [below, above]
            })
            .filter(|lock| lock.start < lock.end)
            .collect();
        kept.extend(kind.map(|kind| Lock { owner, kind, start, end }));
        kept.sort_by_key(|lock| lock.start);
        let at = at.min(locks.len());
        locks.splice(at..at, kept);
        self.0 = locks;
        true
    }

    /// The first lock of another owner that excludes one of that kind.
    pub(super) fn blocker(&self, owner: u32, kind: LockKind, bytes: ByteRange) -> Option<LockKind> {
        let (start, end) = bounds(bytes);
        let excludes = |lock: &&Lock| {
            lock.owner != owner
                && (lock.kind == LockKind::Exclusive || kind == LockKind::Exclusive)
                && lock.start < end
                && start < lock.end
        };
        self.0.iter().find(excludes).map(|lock| lock.kind)
    }

    /// The owner is closed.
    pub(super) fn forget(&mut self, owner: u32) {
        self.0.retain(|lock| lock.owner != owner);
    }
}

fn bounds(bytes: ByteRange) -> (u64, u64) {
    let end = if bytes.length == 0 { u64::MAX } else { bytes.start + bytes.length };
    (bytes.start, end)
}
