//! The layout that only channels have: words in the control block, and the tables behind the ring.
//! docs/memory-layout.md describes it for other programs.
//!
//! Positions are 32-bit counts of 16-byte units since the channel was made. They wrap, and are compared by
//! their difference.

use super::layout as at;

/// The bytes of a unit.
pub(crate) const UNIT: u64 = 16;
/// The smallest ring: one message of the largest size, another that is the newest, and padding.
pub(crate) const MIN_RING: u64 = 128;
/// The largest ring: positions of one lap are told apart with one bit to spare.
pub(crate) const MAX_RING: u64 = 1 << 34;
/// The longest name of an encoding and of a group, in bytes.
pub(crate) const NAME_SIZE: u64 = 64;

// In the control block, in place of a file's `TAIL` and `INTENT_BASE`.
/// The position behind the last record.
pub(crate) const RING_TAIL: u64 = 0x0c0;
/// Two positions: the later of those before the tail is where the newest message begins.
pub(crate) const RING_START: u64 = 0x0c4;
/// The position of the seal, which is the last record then.
pub(crate) const RING_SEAL: u64 = 0x0cc;
/// The exclusive writer: its slot in the upper half, its number in the lower one; 0 for none.
pub(crate) const RING_WRITER: u64 = 0x100;
/// The handle that waits for room and goes first; 0 for none.
pub(crate) const TICKET_OWNER: u64 = 0x108;
/// How many units it needs.
pub(crate) const TICKET_NEED: u64 = 0x110;
/// When it began to wait, and when it checked last, in milliseconds of the machine's clock.
pub(crate) const TICKET_SINCE: u64 = 0x114;
pub(crate) const TICKET_SEEN: u64 = 0x118;
/// Not 0 while a process may be asleep that waits for messages: a file's `WAITING`.
pub(crate) const WAITING: u64 = at::OFF_WAITING;
/// The word that members of groups sleep on.
pub(crate) const MEMBERS_WAKE: u64 = 0x150;
pub(crate) const MEMBERS_WAITING: u64 = 0x154;
/// The word that writers without room sleep on.
pub(crate) const ROOM_WAKE: u64 = 0x180;
pub(crate) const ROOM_WAITING: u64 = 0x184;
/// The position of the oldest message that a reader may begin with.
pub(crate) const RING_OLDEST: u64 = 0x1c0;
/// Up to where a flush has brought the records to the disk.
pub(crate) const RING_FLUSHED: u64 = 0x1c4;
/// The participants' lock, laid out as the first one.
pub(crate) const SECOND_LOCK: u64 = 0x200;
/// The number of the participant that came last.
pub(crate) const RING_NUMBER: u64 = 0x240;
/// Behind the last claim that was ever used.
pub(crate) const RING_CLAIMED: u64 = 0x244;
/// How many groups there are.
pub(crate) const RING_GROUPS: u64 = 0x248;
// Constant from the creation on.
/// Bytes in the ring, a power of two.
pub(crate) const RING_CAPACITY: u64 = 0x280;
/// How many slots and claims the tables have.
pub(crate) const RING_SLOTS: u64 = 0x288;
pub(crate) const RING_CLAIMS: u64 = 0x28c;
/// On disk: in which run of the machine, and in which file, the positions were written.
pub(crate) const RING_SESSION: u64 = 0x290;
/// The name of the encoding: how many bytes, and the bytes.
pub(crate) const ENCODING_LENGTH: u64 = 0x298;
pub(crate) const ENCODING: u64 = 0x2c0;

/// A slot for a participant, of which the table behind the ring consists.
pub(crate) const SLOT_SIZE: u64 = 128;
// Within a slot.
/// The handle that it belongs to; 0 in a group's.
pub(crate) const SLOT_OWNER: u64 = 0x00;
/// Milliseconds since 1970.
pub(crate) const SLOT_SINCE: u64 = 0x08;
/// One of the states below. Last when a slot is filled, first when it is freed.
pub(crate) const SLOT_STATE: u64 = 0x10;
/// The number of the participant, which no other of this channel has.
pub(crate) const SLOT_NUMBER: u64 = 0x14;
/// One of the roles below.
pub(crate) const SLOT_ROLE: u64 = 0x18;
pub(crate) const SLOT_PID: u64 = 0x1c;
/// A reader's, or a group's: the position of the first record that is still needed.
pub(crate) const SLOT_CURSOR: u64 = 0x20;
/// A group's: the position of the next record that no member has taken.
pub(crate) const SLOT_NEXT: u64 = 0x24;
/// A member's: the number of its group.
pub(crate) const SLOT_GROUP: u64 = 0x28;
/// A group's name: how many bytes, and the bytes.
pub(crate) const SLOT_NAME_LENGTH: u64 = 0x2c;
pub(crate) const SLOT_NAME: u64 = 0x40;

pub(crate) const STATE_FREE: u32 = 0;
pub(crate) const STATE_LIVE: u32 = 1;
/// Detached by another participant; its owner has not noticed yet.
pub(crate) const STATE_EVICTED: u32 = 2;

pub(crate) const ROLE_READER: u32 = 1;
pub(crate) const ROLE_MEMBER: u32 = 2;
pub(crate) const ROLE_WRITER: u32 = 3;
pub(crate) const ROLE_GROUP: u32 = 4;

/// A claim: a message that a member has. The table of claims follows the slots.
pub(crate) const CLAIM_SIZE: u64 = 32;
// Within a claim.
/// The member's slot, how often the message was handed out, and one of the states below.
pub(crate) const CLAIM_WORD: u64 = 0x00;
/// Where the message is.
pub(crate) const CLAIM_POSITION: u64 = 0x04;
/// The number of the group.
pub(crate) const CLAIM_GROUP: u64 = 0x08;
/// The message's index.
pub(crate) const CLAIM_INDEX: u64 = 0x10;

pub(crate) const CLAIM_FREE: u32 = 0;
/// A member has it, and its program does not yet.
pub(crate) const CLAIM_FETCHED: u32 = 1;
/// A program has it.
pub(crate) const CLAIM_HELD: u32 = 2;
/// Given back: any member of the group may take it.
pub(crate) const CLAIM_RETURNED: u32 = 3;

/// A record: length of the payload, kind, nothing, and the index of the message, or of the next one.
pub(crate) const RECORD_HEADER: u64 = 16;
pub(crate) const RECORD_MESSAGE: u32 = 1;
/// Fills the ring up to its end.
pub(crate) const RECORD_PADDING: u32 = 2;
/// Nothing follows.
pub(crate) const RECORD_SEAL: u32 = 3;
/// On disk a payload is followed by its checksum and its position.
pub(crate) const TRAILER: u64 = 8;
