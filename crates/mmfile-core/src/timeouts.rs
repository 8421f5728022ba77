//! Every timeout, polling interval and pause of the crate.

use crate::platform::KERNEL_TELLS_OF_DEATHS;
use std::time::Duration;

/// How long an operation waits for the lock, and opening and creating for a name that other processes
/// are creating or removing, unless the options say otherwise.
pub const DEFAULT_LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause between two attempts at a name or a file that another process holds for a moment. It
/// doubles up to the longest.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_micros(50);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(5);
/// It tries at least this long, even with a shorter time limit: the moment is part of one attempt.
pub(crate) const LEAST_PATIENCE: Duration = Duration::from_millis(20);

/// The longest sleep before a waiter checks for itself. Foreign writers wake no sleeper, so their segments
/// are seen after this time at the latest. The sleeps grow towards it.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_millis(500);
/// The same for a waiter that requires a peer, since a process that dies wakes no sleeper.
pub(crate) const PEER_SLEEP: Duration = Duration::from_millis(200);
/// The longest sleep of a waiter on a channel: a process that dies wakes no sleeper, and must not hold others
/// back for longer than a tenth of a second.
pub(crate) const CHANNEL_SLEEP: Duration = Duration::from_millis(40);
/// The shortest time between two checks of a handle for dead participants.
pub(crate) const REAP_PAUSE: Duration = Duration::from_millis(20);
/// How long a waiting sender keeps its turn without checking for room.
pub(crate) const TICKET_LIFE: Duration = Duration::from_millis(90);
/// How long a sender waits for the participants' lock, to check for dead participants that leave no room.
pub(crate) const TIDY_WAIT: Duration = Duration::from_millis(20);
/// The first sleep of a waiter.
pub(crate) const FIRST_SLEEP: Duration = Duration::from_millis(5);

/// The longest single sleep for the lock. It bounds the cost of a wake-up that got lost with its
/// sender, and the time until a cancelled wait ends.
pub(crate) const LOCK_SLEEP: Duration =
    Duration::from_millis(if KERNEL_TELLS_OF_DEATHS { 20 } else { 10 });

/// How long the names of an ending process may take to vanish one by one, where the kernel removes them.
#[allow(dead_code, reason = "on Windows alone")]
pub(crate) const LONGEST_END: Duration = Duration::from_secs(2);
