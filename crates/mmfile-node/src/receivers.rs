//! Receivers: readers and members of groups.

use mmfile_core::{ChannelWaiter, Error, Job, LossyReader, Member, Message, Reader, Result};
use std::cell::RefCell;
use std::collections::HashMap;

/// A reader or a member.
pub(crate) struct ReceiverHandle {
    pub(crate) waiter: ChannelWaiter,
    pub(crate) receiver: RefCell<Receiver>,
    pub(crate) subject: String,
}

pub(crate) enum Receiver {
    Reader(Reader),
    Lossy(LossyReader),
    Member { member: Member, jobs: HashMap<u32, Job>, taken: Vec<Job> },
}

impl ReceiverHandle {
    pub(crate) fn new(receiver: Receiver, waiter: ChannelWaiter, subject: String) -> Self {
        Self { waiter, receiver: RefCell::new(receiver), subject }
    }
}

impl Receiver {
    pub(crate) fn member(member: Member) -> Self {
        Self::Member { member, jobs: HashMap::new(), taken: Vec::new() }
    }

    pub(crate) fn waiter(&self) -> ChannelWaiter {
        match self {
            Self::Reader(reader) => reader.waiter(),
            Self::Lossy(reader) => reader.waiter(),
            Self::Member { member, .. } => member.waiter(),
        }
    }

    pub(crate) fn lag(&self) -> Result<u64> {
        match self {
            Self::Reader(reader) => reader.lag(),
            Self::Lossy(reader) => reader.lag(),
            Self::Member { member, .. } => member.lag(),
        }
    }

    pub(crate) fn missed(&self) -> u64 {
        match self {
            Self::Lossy(reader) => reader.missed(),
            _ => 0,
        }
    }

    /// Up to `max` messages that are there now: where each is, and of a job its claim and its attempt.
    pub(crate) fn receive(
        &mut self,
        max: usize,
        mut each: impl FnMut(&Message, u32, u32),
    ) -> Result<()> {
        match self {
            Self::Reader(reader) if max == 1 => {
                if let Some(message) = reader.try_receive()? {
                    each(&message, message.position, 0);
                }
            }
            Self::Reader(reader) => {
                let mut messages = Vec::with_capacity(max.min(1024));
                reader.try_receive_all(max, &mut messages)?;
                for message in &messages {
                    each(message, message.position, 0);
                }
            }
            Self::Member { member, jobs, taken } => {
                taken.clear();
                if max == 1 {
                    taken.extend(member.try_take()?);
                } else {
                    member.try_take_all(max, taken)?;
                }
                for job in taken {
                    each(&job.message, job.claim, job.attempt);
                    jobs.insert(job.claim, *job);
                }
            }
            Self::Lossy(_) => {}
        }
        Ok(())
    }

    /// Copies a message that is not released to `target`.
    ///
    /// # Safety
    /// `target` is writable for as many bytes as the message has.
    pub(crate) unsafe fn copy(&self, message: &Message, claim: u32, target: *mut u8) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::Reader(reader) => reader.copy(message, target),
                Self::Member { member, jobs, .. } => {
                    let job = jobs.get(&claim).filter(|job| job.message == *message);
                    member.copy(job.ok_or(Error::Evicted)?, target)
                }
                Self::Lossy(_) => Err(Error::Evicted),
            }
        }
    }

    /// Lets a message's memory be overwritten.
    pub(crate) fn release(&mut self, position: u32) {
        if let Self::Reader(reader) = self {
            reader.release(position);
        }
    }

    /// Acknowledges a job, or gives it back.
    pub(crate) fn settle(&mut self, claim: u32, done: bool) -> Result<()> {
        let Self::Member { member, jobs, .. } = self else { return Ok(()) };
        let job = jobs.remove(&claim).ok_or(Error::Evicted)?;
        if done { member.ack(&job) } else { member.nak(&job) }
    }
}
