//! The participants of a channel, and what is done for those that have died.

use super::Channel;
use super::handle::Handle;
use crate::control::{WakePlace, channel as at, now};
use crate::error::{Error, ParticipantInfo, Result, Role};
use crate::fault;
use crate::ring::{Joining, Slot, SlotState};
use crate::timeouts::{REAP_PAUSE, TIDY_WAIT};
use crate::wake;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl Channel {
    /// All participants: reliable readers, members, the exclusive writer and groups. None of a dead process.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn participants(&self) -> Result<Vec<ParticipantInfo>> {
        let handle = &*self.handle;
        handle.check_whole()?;
        let mut all = Vec::new();
        for slot in handle.ring.slots() {
            let number = slot.number();
            if !slot.is_of(number) {
                continue;
            }
            let is_dead = slot.role() != at::ROLE_GROUP && !handle.object.is_alive(slot.owner());
            let info = handle.describe(&slot);
            // It may have left meanwhile.
            if !is_dead && slot.is_of(number) {
                all.push(info?);
            }
        }
        Ok(all)
    }

    /// Detaches a reader or a member, by its number. It is no error if that one is gone. A member's jobs go
    /// to other members.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a writer or a group, [`Error::ReadOnly`], [`Error::Timeout`].
    pub fn evict(&self, number: u32) -> Result<()> {
        let handle = &*self.handle;
        handle.check_writable()?;
        let held = handle.lock_participants(handle.settings.lock_timeout)?;
        let Some(slot) = handle.ring.slots().find(|slot| slot.is_of(number)) else { return Ok(()) };
        if !matches!(slot.role(), at::ROLE_READER | at::ROLE_MEMBER) {
            let reason = "must be a reader or a member: close a writer, remove a group".into();
            return Err(Error::InvalidArgument { name: "participant", reason });
        }
        handle.detach(&slot);
        drop(held);
        handle.wake_all();
        Ok(())
    }
}

impl Handle {
    /// Takes a slot, under the participants' lock that the caller holds.
    ///
    /// # Errors
    /// [`Error::NoSpace`].
    pub(super) fn join(&self, role: u32, group: u32, cursor: u32) -> Result<Slot<'_>> {
        let new = Joining {
            owner: self.object.nonce(),
            pid: std::process::id(),
            role,
            group,
            name: None,
            since: now(),
            cursor,
        };
        self.enter(&new)
    }

    /// The same for anything.
    pub(super) fn enter(&self, new: &Joining) -> Result<Slot<'_>> {
        if let Some(slot) = self.ring.join(new) {
            return Ok(slot);
        }
        self.reap();
        self.ring.join(new).ok_or_else(|| Error::NoSpace {
            needed: "a slot for another participant of the channel (close one, or create the \
                     channel with a larger maxParticipants)"
                .into(),
            os: None,
        })
    }

    /// Frees the slot of a participant of this handle, which has left. Without the lock: no other process changes
    /// what it has.
    pub(super) fn leave(&self, row: u32, number: u32) {
        if !self.object.is_own() || self.check_storable().is_err() {
            return;
        }
        let Some(slot) = self.ring.slot(row) else { return };
        if slot.state() == SlotState::Free || slot.number() != number {
            return;
        }
        let role = slot.role();
        if role == at::ROLE_MEMBER {
            self.ring.give_back_all(row);
        }
        if role == at::ROLE_WRITER {
            self.ring.set_exclusive(Some((row, number)), None);
        }
        fault::point("leave.begun");
        slot.free();
        wake::signal(&self.control, WakePlace::Room);
        wake::signal(&self.control, WakePlace::Work);
        if role == at::ROLE_WRITER {
            wake::signal(&self.control, WakePlace::News); // a wait that requires one fails
        }
    }

    /// Detaches a participant whose process is alive, under the participants' lock.
    pub(super) fn detach(&self, slot: &Slot<'_>) {
        let role = slot.role();
        slot.evict();
        if role == at::ROLE_MEMBER {
            self.ring.give_back_all(slot.row);
        }
    }

    /// Frees the slots of dead processes, under the participants' lock. Whether there was any.
    pub(super) fn reap(&self) -> bool {
        let mut asked = (self.object.nonce(), true);
        let mut any = false;
        for slot in self.ring.slots() {
            if slot.state() == SlotState::Free || slot.role() == at::ROLE_GROUP {
                continue;
            }
            let owner = slot.owner();
            if asked.0 != owner {
                asked = (owner, self.object.is_alive(owner));
            }
            if asked.1 {
                continue;
            }
            fault::point("reap.found");
            // In this order: if this process dies on the way, the next one finds the slot again.
            if slot.role() == at::ROLE_MEMBER {
                self.ring.give_back_all(slot.row);
            }
            if slot.role() == at::ROLE_WRITER {
                self.ring.set_exclusive(Some((slot.row, slot.number())), None);
            }
            slot.free();
            any = true;
            self.recovered.fetch_add(1, Ordering::Relaxed);
        }
        any
    }

    /// Frees what dead participants keep, and moves the groups' cursors: whether there may be more room, or more
    /// work, than before. It waits for the lock only briefly.
    pub(super) fn tidy(&self) -> Result<bool> {
        let may_help = self.is_due() || self.ring.group_count() > 0;
        if !may_help || self.check_writable().is_err() {
            return Ok(false);
        }
        let held = match self.lock_participants(TIDY_WAIT.min(self.settings.lock_timeout)) {
            Err(Error::Timeout { .. } | Error::LockHeld) => return Ok(false),
            held => held?,
        };
        let reaped = self.claim_due() && self.reap();
        let moved = self.advance_all();
        drop(held);
        if reaped || moved {
            wake::signal(&self.control, WakePlace::Room);
            wake::signal(&self.control, WakePlace::Work);
        }
        Ok(reaped || moved)
    }

    /// Moves the cursors of all groups to their first message that is not acknowledged.
    #[cfg_attr(platform = "loom", allow(dead_code, reason = "no model is about a disk"))]
    pub(super) fn advance_groups(&self, limit: Duration) -> Result<()> {
        let held = self.lock_participants(limit)?;
        self.advance_all();
        drop(held);
        self.signal_room();
        Ok(())
    }

    /// The same, under the participants' lock. Whether one moved.
    fn advance_all(&self) -> bool {
        let groups = self.ring.slots().filter(|slot| slot.is_live(at::ROLE_GROUP));
        groups.fold(false, |any, group| any | self.ring.advance(&group))
    }

    /// Whether it is time to ask again which participants are dead.
    fn is_due(&self) -> bool {
        cfg!(platform = "loom") || is_due(self.reaped.load(Ordering::Relaxed))
    }

    /// The same, and notes that it is being asked.
    fn claim_due(&self) -> bool {
        let is_due = self.is_due();
        if is_due {
            self.reaped.store(now(), Ordering::Relaxed);
        }
        is_due
    }

    /// The index of the first message that a reader or a group still needs.
    fn index_of(&self, holder: &Slot<'_>) -> Result<u64> {
        loop {
            let cursor = holder.cursor();
            let needed = match holder.role() {
                at::ROLE_GROUP => self.ring.first_unacknowledged(holder),
                _ => cursor,
            };
            let index = self.ring.index_at(needed);
            // The messages before its cursor may be overwritten by now.
            if index.is_ok() || holder.cursor() == cursor {
                return index;
            }
        }
    }

    /// The public description of a participant.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it has left meanwhile, or its cursor leads to no message.
    pub(super) fn describe(&self, slot: &Slot<'_>) -> Result<ParticipantInfo> {
        let role = match slot.role() {
            at::ROLE_READER => Role::Reader,
            at::ROLE_MEMBER => Role::Member,
            at::ROLE_WRITER => Role::Writer,
            _ => Role::Group,
        };
        let holder = match role {
            Role::Reader | Role::Group => Some(*slot),
            Role::Member => self.ring.group(slot.group_number()),
            Role::Writer => None,
        };
        let group = holder.filter(|_| role != Role::Reader).map(|group| group.name().text());
        let at = holder.map(|holder| self.index_of(&holder)).transpose()?;
        let next = self.ring.newest()?.next_index;
        let next_index = at.unwrap_or(next).min(next);
        Ok(ParticipantInfo {
            number: slot.number(),
            role,
            pid: (role != Role::Group).then(|| slot.pid()),
            group,
            next_index,
            lag: next - next_index,
            since: slot.since(),
        })
    }
}

/// Whether so much time has passed since participants were asked for that it is time to ask again.
pub(super) fn is_due(last: u64) -> bool {
    let now = now();
    now < last || u128::from(now - last) >= REAP_PAUSE.as_millis()
}

#[cfg(all(test, not(platform = "loom")))]
mod tests {
    use super::*;
    use crate::channel::{ChannelOptions, StartFrom};

    /// A participant leaves without the lock: also between the check of its number and its eviction.
    #[test]
    fn a_slot_that_is_free_is_not_evicted() {
        let channel = Channel::create_new(&ChannelOptions::default()).unwrap();
        let reader = channel.reader(StartFrom::New).unwrap();
        let slot = channel.handle.ring.slots().find(|slot| slot.is_of(reader.number())).unwrap();
        drop(reader);
        channel.handle.detach(&slot);
        assert_eq!(slot.state(), SlotState::Free);
    }

    #[test]
    fn a_cursor_that_holds_no_writer_back_is_not_named() {
        let channel = Channel::create_new(&ChannelOptions::default()).unwrap();
        let slow = channel.reader(StartFrom::New).unwrap();
        let wild = channel.reader(StartFrom::New).unwrap();
        channel.try_send(b"a", None).unwrap().unwrap();
        let ring = &channel.handle.ring;
        let slot = ring.slots().find(|slot| slot.is_of(wild.number())).unwrap();
        slot.set_cursor(ring.tail().wrapping_add(1));
        let Error::Full { slowest: Some(info) } = channel.handle.full() else { panic!() };
        assert_eq!(info.number, slow.number());
    }
}
