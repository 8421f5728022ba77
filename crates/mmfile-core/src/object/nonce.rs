//! The numbers of handles.

use crate::platform::{PROCESS_BITS, process_number};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// All of them fit into so many bits.
pub(crate) const NONCE_BITS: u32 = 60;
/// Each process has a block of numbers of so many bits, one for each of its handles.
const HANDLE_BITS: u32 = NONCE_BITS - PROCESS_BITS;

/// A number for a new handle. Among the handles of an object it is checked to be the only one: a process has a
/// million numbers, several copies of this library in it share them, and two processes may have drawn the
/// same block.
pub(crate) fn new_nonce() -> u64 {
    static NEXT: OnceLock<AtomicU64> = OnceLock::new();
    // Several copies of this library in one process begin at different numbers.
    let next = NEXT.get_or_init(|| AtomicU64::new(uuid::Uuid::new_v4().as_u64_pair().0));
    let handle = next.fetch_add(1, Ordering::Relaxed) % (1 << HANDLE_BITS);
    nonces().start + handle
}

/// The nonces of this process.
pub(crate) fn nonces() -> std::ops::Range<u64> {
    let first = (process_number() << HANDLE_BITS) + 1;
    first..first + (1 << HANDLE_BITS)
}
