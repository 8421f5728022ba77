//! Which processes are alive. The kernel tells: each handle on an object holds a lock on a byte far behind
//! the object's end, which the kernel releases when the process ends, however it ends.
//!
//! One byte stands for the name: only its holder removes it. The bytes behind it stand for handles. An
//! exclusive lock on all of them is granted only while no handle exists and none is being made.

use crate::error::Result;
use crate::object::nonce::{NONCE_BITS, nonces};
use crate::platform::Descriptor;
use crate::platform::locks::{ByteRange, LockKind};

/// The byte of the name.
const NAME: u64 = 1 << 60;
/// The name and all handles.
const ALL: ByteRange = ByteRange { start: NAME, length: 0 };

/// Whether an object has other handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occupancy {
    /// None: every process that had it open has left or died.
    Vacant,
    /// At least one.
    Live,
    /// A process is about to remove the name, or to repair a file on disk.
    Locked,
}

/// The byte of a handle; `None` for a number that no handle has.
fn byte_of(nonce: u64) -> Option<ByteRange> {
    let valid = nonce > 0 && nonce <= 1 << NONCE_BITS;
    valid.then(|| ByteRange { start: NAME + nonce, length: 1 })
}

/// Whether another handle of the object has that number.
pub(super) fn is_taken(descriptor: &Descriptor, nonce: u64) -> Result<bool> {
    let holder = byte_of(nonce).map(|byte| descriptor.blocker(byte)).transpose()?;
    Ok(holder.flatten() == Some(LockKind::Shared)) // an exclusive one is no handle's
}

/// Counts as alive from now on. `false` while another handle holds the name and all handles.
pub(crate) fn join(descriptor: &Descriptor, nonce: u64) -> Result<bool> {
    let Some(byte) = byte_of(nonce) else { return Ok(false) };
    descriptor.lock(Some(LockKind::Shared), byte)
}

/// Counts as alive no more, and holds nothing.
pub(super) fn leave(descriptor: &Descriptor) {
    // It can only fail for wrong arguments, and closing the descriptor does the same.
    let _ = descriptor.lock(None, ALL);
}

/// Acquires the name and all handles: `false` if there is another handle, or one is being made.
pub(super) fn lock_all(descriptor: &Descriptor) -> Result<bool> {
    descriptor.lock(Some(LockKind::Exclusive), ALL)
}

/// Of the bytes that [`lock_all`] acquired, keeps this handle's.
pub(super) fn downgrade(descriptor: &Descriptor, nonce: u64) -> Result<()> {
    let Some(own) = byte_of(nonce) else { return Ok(()) };
    descriptor.lock(Some(LockKind::Shared), own)?;
    descriptor.lock(None, ByteRange { start: NAME, length: nonce })?;
    descriptor.lock(None, ByteRange { start: own.start + 1, length: 0 })?;
    Ok(())
}

/// Acquires the name alone, although there are other handles.
pub(super) fn lock_name(descriptor: &Descriptor) -> Result<bool> {
    descriptor.lock(Some(LockKind::Exclusive), ByteRange { start: NAME, length: 1 })
}

/// Whether there are other handles.
pub(super) fn occupancy(descriptor: &Descriptor) -> Result<Occupancy> {
    Ok(match descriptor.blocker(ALL)? {
        None => Occupancy::Vacant,
        Some(LockKind::Shared) => Occupancy::Live,
        Some(LockKind::Exclusive) => Occupancy::Locked,
    })
}

/// Whether another process has a handle.
pub(super) fn has_other_process(descriptor: &Descriptor) -> Result<bool> {
    let own = nonces();
    let below = ByteRange { start: NAME + 1, length: own.start - 1 };
    let above = ByteRange { start: NAME + own.end, length: 0 };
    // A length of 0 would reach to the end of all bytes.
    Ok(below.length > 0 && descriptor.blocker(below)?.is_some()
        || descriptor.blocker(above)?.is_some())
}

/// Whether the handle of that number is open. A handle is not asked about itself.
pub(super) fn is_alive(descriptor: &Descriptor, nonce: u64) -> Result<bool> {
    let Some(byte) = byte_of(nonce) else { return Ok(false) };
    Ok(descriptor.blocker(byte)?.is_some())
}
