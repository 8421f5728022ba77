//! Groups: a work queue's position in the channel.

use super::handle::Handle;
use super::open::no_groups;
use super::{Channel, OnFull, StartFrom};
use crate::control::channel::{self as at, Name};
use crate::control::now;
use crate::error::{Error, Result};
use crate::fault;
use crate::ring::{Joining, SlotState};

impl Channel {
    /// Creates a group, unless one of that name exists. Returns whether it did. It holds writers back from
    /// then on, with or without members, until it is removed.
    ///
    /// # Errors
    /// [`Error::NoSpace`] without a slot, [`Error::InvalidArgument`] for a name that is empty or longer than 64
    /// bytes, [`Error::Unsupported`] with [`OnFull::DropOldest`], [`Error::Lost`], [`Error::ReadOnly`],
    /// [`Error::Timeout`].
    pub fn create_group(&self, name: &str, from: StartFrom) -> Result<bool> {
        let handle = &*self.handle;
        let name = name_of(name)?;
        if self.on_full() == OnFull::DropOldest {
            return Err(no_groups());
        }
        handle.check_whole()?;
        if handle.ring.group_named(&name).is_some() {
            return Ok(false);
        }
        handle.check_writable()?;
        let held = handle.lock_participants(handle.settings.lock_timeout)?;
        if handle.ring.group_named(&name).is_some() {
            return Ok(false);
        }
        let (cursor, wanted) = handle.start(from)?;
        if let Some(index) = wanted {
            let next = handle.ring.newest()?.next_index;
            if index > next {
                let reason = format!("must be at most {next}, the index of the next message");
                return Err(Error::InvalidArgument { name: "from", reason });
            }
        }
        let new = Joining {
            owner: 0,
            pid: 0,
            role: at::ROLE_GROUP,
            group: 0,
            name: Some(name),
            since: now(),
            cursor,
        };
        let slot = handle.enter(&new)?;
        let settled = slot.settle(wanted);
        if settled.is_err() {
            slot.free();
        }
        handle.ring.count_groups();
        fault::point("group.created");
        drop(held);
        settled.map(|_| true)
    }

    /// Removes a group. Its members are evicted.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::ReadOnly`], [`Error::Timeout`].
    pub fn remove_group(&self, name: &str) -> Result<()> {
        let handle = &*self.handle;
        let wanted = name_of(name)?;
        handle.check_writable()?;
        let held = handle.lock_participants(handle.settings.lock_timeout)?;
        let Some(group) = handle.ring.group_named(&wanted) else {
            return Err(handle.no_group(name));
        };
        // From here on the group is gone, even if this process dies.
        group.evict();
        handle.finish_removals();
        drop(held);
        handle.wake_all();
        Ok(())
    }

    /// The names of the groups that there are.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a channel on disk that another program cut.
    pub fn groups(&self) -> Result<Vec<String>> {
        self.handle.check_whole()?;
        Ok(self.handle.group_names())
    }
}

impl Handle {
    pub(super) fn group_names(&self) -> Vec<String> {
        let groups = self.ring.slots().filter(|slot| slot.is_live(at::ROLE_GROUP));
        groups.map(|slot| slot.name().text()).collect()
    }

    /// The error of a group that there is not.
    pub(super) fn no_group(&self, name: &str) -> Error {
        Error::NoGroup { group: name.into(), groups: self.group_names() }
    }

    /// Completes the work of a dead holder of the participants' lock: evicted members' jobs go to others, and
    /// groups that are being removed are removed. Under the participants' lock.
    pub(super) fn finish_evictions(&self) {
        self.ring.forget_void_claims();
        for slot in self.ring.slots().filter(|slot| slot.state() == SlotState::Evicted) {
            if slot.role() == at::ROLE_MEMBER {
                self.ring.give_back_all(slot.row);
            }
        }
        self.finish_removals();
    }

    /// Removes the groups that are being removed: their members, their claims, their slots. Under the
    /// participants' lock.
    pub(super) fn finish_removals(&self) {
        let is_going = |slot: &crate::ring::Slot<'_>| {
            slot.state() == SlotState::Evicted && slot.role() == at::ROLE_GROUP
        };
        for group in self.ring.slots().filter(is_going) {
            let number = group.number();
            let is_member = |slot: &crate::ring::Slot<'_>| {
                slot.is_live(at::ROLE_MEMBER) && slot.group_number() == number
            };
            self.ring.slots().filter(is_member).for_each(|member| member.evict());
            self.ring.forget_claims(number);
            fault::point("group.emptied");
            group.free();
        }
        self.ring.count_groups();
    }
}

pub(super) fn name_of(name: &str) -> Result<Name> {
    Name::new(name).ok_or_else(|| Error::InvalidArgument {
        name: "group",
        reason: format!("must have 1 to {} bytes", at::NAME_SIZE),
    })
}
