//! Members of a group: each message goes to one of them, and to another one until it is acknowledged.

use super::Channel;
use super::groups::name_of;
use super::handle::{Group, Handle};
use super::participants::is_due;
use super::reader::Message;
use super::wait::{ChannelWaiter, What};
use crate::control::{WakePlace, channel as at, now};
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::ring::{Slot, Taken};
use crate::wake;
use raw_sync::Timeout;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// A message that a member has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// Where it is.
    pub message: Message,
    /// How often it was handed out to a program, this time included.
    pub attempt: u32,
    /// The key by which [`Member::ack`] and [`Member::nak`] find it.
    pub claim: u32,
}

/// A member of a group. Dropping it gives back what it has.
#[derive(Debug)]
pub struct Member {
    handle: Arc<Handle>,
    row: u32,
    number: u32,
    group: Group,
    prefetch: usize,
    /// Claimed, and not handed out yet.
    fetched: VecDeque<Taken>,
    /// When it last asked whether a dead member has jobs, while there were newer ones.
    asked: u64,
}

impl Channel {
    /// Joins a group. A member takes up to `prefetch` (at least 1) jobs at a time, with one search.
    ///
    /// # Errors
    /// [`Error::NoGroup`] if there is no such group, [`Error::NoSpace`] if no slot is free, [`Error::ReadOnly`],
    /// [`Error::Timeout`].
    pub fn member(&self, group: &str, prefetch: u32) -> Result<Member> {
        let handle = &self.handle;
        let name = name_of(group)?;
        handle.check_writable()?;
        let held = handle.lock_participants(handle.settings.lock_timeout)?;
        let Some(slot) = handle.ring.group_named(&name) else {
            return Err(handle.no_group(group));
        };
        let group = Group { row: slot.row, number: slot.number(), name: group.into() };
        let slot = handle.join(at::ROLE_MEMBER, group.number, 0)?;
        let (row, number) = (slot.row, slot.number());
        drop(held);
        let prefetch = usize::try_from(prefetch).unwrap_or(usize::MAX).max(1);
        let fetched = VecDeque::new();
        Ok(Member { handle: Arc::clone(handle), row, number, group, prefetch, fetched, asked: 0 })
    }
}

impl Member {
    fn slot(&self) -> Result<Slot<'_>> {
        let slot = self.handle.ring.slot(self.row).filter(|slot| slot.is_of(self.number));
        slot.ok_or(Error::Evicted)
    }

    fn group_slot(&self) -> Result<Slot<'_>> {
        let slot = self.handle.ring.slot(self.group.row);
        slot.filter(|slot| slot.is_of(self.group.number)).ok_or(Error::Evicted)
    }

    /// The next job, if there is one now.
    ///
    /// # Errors
    /// [`Error::Sealed`] once the group has acknowledged all messages and none can come any more, [`Error::Evicted`],
    /// [`Error::Corrupt`], [`Error::Timeout`] if the lock cannot be had.
    pub fn try_take(&mut self) -> Result<Option<Job>> {
        loop {
            if let Some(job) = self.hand_out()? {
                return Ok(Some(job));
            }
            if !self.fetch(self.prefetch)? {
                return Ok(None);
            }
        }
    }

    /// Up to `max` jobs that are there now, added to `jobs`: how many.
    ///
    /// # Errors Those of [`Member::try_take`], if it takes no job.
    pub fn try_take_all(&mut self, max: usize, jobs: &mut Vec<Job>) -> Result<usize> {
        let before = jobs.len();
        while jobs.len() - before < max {
            match self.hand_out() {
                Ok(Some(job)) => jobs.push(job),
                Ok(None) => {
                    let missing = max - (jobs.len() - before);
                    match self.fetch(self.prefetch.max(missing)) {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(error) if jobs.len() == before => return Err(error),
                        Err(_) => break,
                    }
                }
                Err(error) if jobs.len() == before => return Err(error),
                Err(_) => break,
            }
        }
        Ok(jobs.len() - before)
    }

    /// The first of the fetched jobs that it has still.
    fn hand_out(&mut self) -> Result<Option<Job>> {
        self.handle.check_own()?;
        self.handle.check_storable()?;
        while let Some(taken) = self.fetched.pop_front() {
            if let Some(attempt) = self.handle.ring.hand_out(&taken, self.row) {
                let message = Message::of(&taken.record);
                return Ok(Some(Job { message, attempt, claim: taken.claim }));
            }
            self.slot()?; // it was evicted
        }
        Ok(None)
    }

    /// Claims jobs. Whether there were any.
    fn fetch(&mut self, max: usize) -> Result<bool> {
        let handle = Arc::clone(&self.handle);
        handle.check_whole()?;
        let asks = self.asks_for_orphans();
        self.slot()?;
        let group = self.group_slot()?;
        let ring = &handle.ring;
        if !ring.has_work(&group) {
            if ring.is_finished(&group) {
                return Err(Error::Sealed);
            }
            if !handle.has_orphans(&group) || !handle.tidy()? || !ring.has_work(&group) {
                return Ok(false);
            }
        } else if asks && handle.has_orphans(&group) {
            // A dead member's jobs come before newer ones, even if there are always newer ones.
            handle.tidy()?;
        }
        let held = handle.lock_participants(handle.settings.lock_timeout)?;
        let (group, slot) = (self.group_slot()?, self.slot()?);
        let mut taken = Vec::new();
        let cursor = group.cursor();
        let result = ring.take(&group, &slot, max, &mut taken);
        let moved = group.cursor() != cursor;
        drop(held);
        if moved {
            handle.signal_room();
        }
        if ring.has_work(&group) {
            // The writer that woke this member woke no other.
            handle.signal_work();
        }
        self.fetched.extend(taken);
        result.map(|()| !self.fetched.is_empty())
    }

    /// Whether it is time to ask that although there are jobs.
    fn asks_for_orphans(&mut self) -> bool {
        // The models check only when there are no newer ones.
        let asks = !cfg!(platform = "loom") && is_due(self.asked);
        if asks {
            self.asked = now();
        }
        asks
    }

    /// The next job.
    ///
    /// # Errors
    /// As [`Member::try_take`], and [`Error::Timeout`] when the time is over.
    pub fn take(&mut self, timeout: Timeout, spin: Duration) -> Result<Job> {
        if let Some(job) = self.try_take()? {
            return Ok(job);
        }
        let (deadline, waiter) = (Deadline::after(&timeout), self.waiter());
        loop {
            waiter.wait_until(&deadline, spin)?;
            if let Some(job) = self.try_take()? {
                return Ok(job);
            }
        }
    }

    /// The job is done: no member gets it again.
    ///
    /// # Errors
    /// [`Error::Evicted`] if it has gone to another member, or was acknowledged or given back before.
    pub fn ack(&mut self, job: &Job) -> Result<()> {
        self.end(job, true)?;
        let handle = &*self.handle;
        let has_waiting = wake::has_sleepers(&handle.control, WakePlace::Room);
        if has_waiting || handle.ring.is_sealed() {
            self.advance();
        }
        Ok(())
    }

    /// Gives the job back to the group at once. A delay is the caller's: it keeps the job for so long.
    ///
    /// # Errors
    /// As [`Member::ack`].
    pub fn nak(&mut self, job: &Job) -> Result<()> {
        self.end(job, false)?;
        self.handle.signal_work();
        Ok(())
    }

    fn end(&self, job: &Job, acknowledged: bool) -> Result<()> {
        let handle = &*self.handle;
        handle.check_own()?;
        handle.check_storable()?;
        // If this one was evicted and has closed, another participant may have the slot and its claims by
        // now.
        let (row, index) = (self.row, job.message.index);
        let ended = handle.ring.end_claim(job.claim, row, index, acknowledged);
        if ended { Ok(()) } else { Err(Error::Evicted) }
    }

    /// Moves the group's cursor, since a writer waits for that, or members for the end.
    fn advance(&self) {
        let handle = &*self.handle;
        let Ok(group) = self.group_slot() else { return };
        let Ok(held) = handle.lock_participants(handle.settings.lock_timeout) else { return };
        let moved = handle.ring.advance(&group);
        let finished = handle.ring.is_finished(&group);
        drop(held);
        if moved {
            handle.signal_room();
        }
        if finished {
            wake::signal(&handle.control, WakePlace::Work);
        }
    }

    /// A copy of the message of a job that is neither acknowledged nor given back.
    ///
    /// # Errors
    /// [`Error::Evicted`], [`Error::NoSpace`] without memory for it.
    pub fn read(&self, job: &Job) -> Result<Vec<u8>> {
        self.handle.check_whole()?;
        let bytes = self.handle.copy_out(&job.message);
        self.slot()?;
        bytes
    }

    /// Copies such a message.
    ///
    /// # Errors
    /// [`Error::Evicted`], [`Error::Corrupt`].
    ///
    /// # Safety
    /// `target` is writable for its `byte_length`.
    pub unsafe fn copy(&self, job: &Job, target: *mut u8) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.handle.copy_to(&job.message, target)? };
        self.slot().map(|_| ())
    }

    /// How many messages there are from the first on that the group has not acknowledged.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Evicted`].
    pub fn lag(&self) -> Result<u64> {
        self.handle.check_whole()?;
        Ok(self.handle.describe(&self.group_slot()?)?.lag)
    }

    /// The name of the group.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.group.name
    }

    /// Waits until there is a reason to call [`Member::try_take`].
    #[must_use]
    pub fn waiter(&self) -> ChannelWaiter {
        let what = What::Work { participant: (self.row, self.number), group: self.group.clone() };
        ChannelWaiter::new(&self.handle, what)
    }

    /// Its number among the participants.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl Handle {
    /// Whether a dead member has jobs of a group.
    pub(super) fn has_orphans(&self, group: &Slot<'_>) -> bool {
        let mut asked = self.object.nonce();
        self.ring.claimants(group).any(|row| {
            let Some(slot) = self.ring.slot(row) else { return false };
            let owner = slot.owner();
            owner != std::mem::replace(&mut asked, owner) && !self.object.is_alive(owner)
        })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.handle.leave(self.row, self.number);
    }
}
