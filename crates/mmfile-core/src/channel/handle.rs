//! The state that a channel's handle shares with its readers, members and writers.

use super::OnFull;
use super::limit::Limit;
use crate::control::{Control, Lifetime, WakePlace};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::lock::Section;
use crate::memory::Access;
use crate::object::{Object, Peer};
use crate::peer;
use crate::platform::{Acquired, Hold};
use crate::ring::Ring;
use crate::sync::AtomicU64;
use crate::wake;
use raw_sync::Timeout;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Handle {
    /// The id; the path of one on disk.
    pub(super) id: String,
    pub(super) path: Option<PathBuf>,
    /// The control block with the locks and the wake words.
    pub(super) control: Control,
    /// Another control block, with everything else: of a handle that may not write to a file on disk.
    pub(super) source: Option<Control>,
    pub(super) ring: Ring,
    /// Held to send.
    pub(super) writers: Section,
    /// Held to join, to take jobs and to remove participants.
    pub(super) participants: Section,
    pub(super) settings: Settings,
    pub(super) limit: Limit,
    pub(super) recovered: AtomicU64,
    /// When this handle last asked which participants are dead.
    pub(super) reaped: AtomicU64,
    /// Last: it is left after everything else is gone.
    pub(super) object: Arc<Object>,
}

/// How a handle was opened.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) access: Access,
    pub(super) lifetime: Lifetime,
    pub(super) is_creator: bool,
    pub(super) lock_timeout: Duration,
    pub(super) encoding: String,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.object.leave();
    }
}

/// Which group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) row: u32,
    pub(super) number: u32,
    pub(super) name: String,
}

/// A lock that is held for one operation.
pub(super) struct Held<'a>(&'a Section);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.release(Hold::Operation, Acquired::Clean);
    }
}

impl Handle {
    pub(super) fn on_full(&self) -> OnFull {
        if self.ring.shape().drops_oldest { OnFull::DropOldest } else { OnFull::Wait }
    }

    /// Refuses a file on disk that another program has cut short: touching what is gone would kill the
    /// process. It can only be seen, not prevented.
    pub(super) fn check_whole(&self) -> Result<()> {
        self.object.check_whole(&self.control)
    }

    /// The same; on disk it also ensures that stores without a lock do not end the process.
    #[inline(always)]
    pub(super) fn check_storable(&self) -> Result<()> {
        if self.path.is_none() {
            return Ok(());
        }
        self.object.check_writable(&self.control)?;
        self.ring.make_tables_writable()
    }

    pub(super) fn check_writable(&self) -> Result<()> {
        if self.settings.access == Access::ReadWrite { Ok(()) } else { Err(Error::ReadOnly) }
    }

    /// Refuses a forked child, which shares its parent's memory but holds none of its locks.
    pub(super) fn check_own(&self) -> Result<()> {
        if self.object.is_own() { Ok(()) } else { Err(Error::forked()) }
    }

    /// Acquires the writers' lock. A dead holder's record is either behind the tail or published, so nothing
    /// has to be repaired.
    pub(super) fn lock_writers(&self, limit: Duration) -> Result<Held<'_>> {
        self.lock(&self.writers, limit).map(|(held, _)| held)
    }

    /// Acquires the participants' lock, and ends what a dead holder began.
    pub(super) fn lock_participants(&self, limit: Duration) -> Result<Held<'_>> {
        self.check_whole()?;
        self.ring.make_tables_writable()?;
        let (held, acquired) = self.lock(&self.participants, limit)?;
        if acquired == Acquired::Abandoned {
            self.finish_evictions();
        }
        Ok(held)
    }

    /// Acquires a lock, and learns how the holder before left it.
    fn lock<'a>(&self, section: &'a Section, limit: Duration) -> Result<(Held<'a>, Acquired)> {
        let deadline = Deadline::after(&Timeout::Val(limit));
        let acquired = section.acquire(&deadline, Hold::Operation)?;
        if acquired == Acquired::Abandoned {
            self.recovered.fetch_add(1, Ordering::Relaxed);
        }
        Ok((Held(section), acquired))
    }

    /// Wakes waiters for messages, after they were published.
    #[inline(always)]
    pub(super) fn signal_news(&self) {
        wake::order();
        wake::signal_ordered(&self.control, WakePlace::News);
        self.signal_work_ordered();
    }

    /// Wakes a member that waits for work. With a single group one is enough: it wakes the next one.
    #[inline(always)]
    pub(super) fn signal_work(&self) {
        wake::order();
        self.signal_work_ordered();
    }

    #[inline(always)]
    fn signal_work_ordered(&self) {
        match self.ring.group_count() {
            // A group is counted before a member of it can wait.
            0 => {}
            1 => wake::signal_one_ordered(&self.control, WakePlace::Work),
            _ => wake::signal_ordered(&self.control, WakePlace::Work),
        }
    }

    /// Wakes waiters for room, after a cursor moved.
    #[inline(always)]
    pub(super) fn signal_room(&self) {
        wake::signal_after_release(&self.control, WakePlace::Room);
    }

    /// Wakes all waiters: something else has changed than the messages.
    pub(super) fn wake_all(&self) {
        for place in [WakePlace::News, WakePlace::Room, WakePlace::Work] {
            wake::wake_all(&self.control, place);
        }
    }

    /// The control block, and the channel's shape.
    pub(super) fn source(&self) -> &Control {
        self.source.as_ref().unwrap_or(&self.control)
    }

    pub(super) fn oldest_index(&self) -> Result<u64> {
        loop {
            let oldest = self.ring.oldest();
            let found = self.ring.index_at(oldest);
            if !self.ring.is_gone(oldest) {
                return found;
            }
        }
    }

    pub(super) fn peers(&self) -> Vec<Peer> {
        peer::peers(&self.object, &self.control, self.source.as_ref())
    }
}
