//! The asynchronous waits of a file.
//!
//! Something sleeps until the lowest index that anybody waits for is there, or can never come, and then
//! calls one JavaScript function, which looks for itself. Where the kernel can tell the event loop of a
//! change, the event loop sleeps; elsewhere, a thread. libuv's pool is not used.

#[cfg(all(target_os = "linux", not(mmfile_portable)))]
mod ring;
mod thread;
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
mod uv;

use crate::errors::Failure;
use mmfile_core::{ChannelWaiter, RequirePeer, Timeout, Waiter};
use napi::sys;
use std::sync::atomic::AtomicU64;

/// The index that stands for "nobody waits".
const NOTHING: u64 = u64::MAX;

/// Whether the event loop is libuv's, which the runtime is asked for before the first wait.
pub(crate) fn allow_event_loop(allowed: bool) {
    #[cfg(all(target_os = "linux", not(mmfile_portable)))]
    uv::allow(allowed);
    #[cfg(not(all(target_os = "linux", not(mmfile_portable))))]
    let _ = allowed;
}

/// What is waited for. The index is a file's; a channel's waiter knows by itself.
pub(crate) trait Awaited: Send + Sync {
    /// Checks, and unless there is news, has `ring` say when to check again. Whether there is.
    #[cfg(all(target_os = "linux", not(mmfile_portable)))]
    fn arm(&self, ring: &mut mmfile_core::WakeRing, index: u64) -> bool;
    /// Sleeps until there is news.
    fn wait(&self, index: &AtomicU64);
    /// Makes those who wait check.
    fn look_again(&self);
    /// Ends every wait.
    fn cancel(&self);
    /// Which peers are required from now on.
    fn require_peer(&self, _required: RequirePeer) {}
    /// What JavaScript is told.
    fn length(&self) -> u64 {
        0
    }
}

impl Awaited for Waiter {
    #[cfg(all(target_os = "linux", not(mmfile_portable)))]
    fn arm(&self, ring: &mut mmfile_core::WakeRing, index: u64) -> bool {
        !matches!(Self::arm(self, ring, index), Ok(false))
    }

    fn wait(&self, index: &AtomicU64) {
        let _ = self.wait_for_any(index, Timeout::Infinite);
    }

    fn look_again(&self) {
        Self::look_again(self);
    }

    fn cancel(&self) {
        Self::cancel(self);
    }

    fn require_peer(&self, required: RequirePeer) {
        Self::require_peer(self, required);
    }

    fn length(&self) -> u64 {
        Self::length(self)
    }
}

impl Awaited for ChannelWaiter {
    #[cfg(all(target_os = "linux", not(mmfile_portable)))]
    fn arm(&self, ring: &mut mmfile_core::WakeRing, _index: u64) -> bool {
        !matches!(Self::arm(self, ring), Ok(false))
    }

    fn wait(&self, _index: &AtomicU64) {
        let _ = Self::wait(self, Timeout::Infinite, std::time::Duration::ZERO);
    }

    fn look_again(&self) {
        Self::look_again(self);
    }

    fn cancel(&self) {
        Self::cancel(self);
    }
}

/// Whoever sleeps for one file.
pub(crate) enum Watch {
    #[cfg(all(target_os = "linux", not(mmfile_portable)))]
    Ring(ring::RingWatch),
    Thread(thread::ThreadWatch),
}

impl Watch {
    /// Begins, idle. `callback` is called with the number of segments.
    pub(crate) fn start(
        env: sys::napi_env,
        callback: sys::napi_value,
        awaited: impl Fn() -> Box<dyn Awaited>,
    ) -> Result<Self, Failure> {
        #[cfg(all(target_os = "linux", not(mmfile_portable)))]
        if let Some(ring) = ring::RingWatch::start(env, callback, &awaited) {
            return Ok(Self::Ring(ring));
        }
        thread::ThreadWatch::start(env, callback, awaited()).map(Self::Thread)
    }

    /// Whether it still learns of anything: the kernel may have refused what it granted before.
    pub(crate) fn is_useful(&self) -> bool {
        match self {
            #[cfg(all(target_os = "linux", not(mmfile_portable)))]
            Self::Ring(_) => !mmfile_core::WakeRing::is_refused(),
            Self::Thread(_) => true,
        }
    }

    /// Calls back as soon as there is a segment `index`; if `keeps_alive`, the event loop goes on until then,
    /// or until [`Self::rest`].
    pub(crate) fn aim(&self, index: u64, require_peer: RequirePeer, keeps_alive: bool) {
        match self {
            #[cfg(all(target_os = "linux", not(mmfile_portable)))]
            Self::Ring(ring) => ring.aim(index, require_peer, keeps_alive),
            Self::Thread(thread) => thread.aim(index, require_peer, keeps_alive),
        }
    }

    /// Nobody waits any more, though it has not called back.
    pub(crate) fn rest(&self) {
        match self {
            #[cfg(all(target_os = "linux", not(mmfile_portable)))]
            Self::Ring(ring) => ring.rest(),
            Self::Thread(thread) => thread.rest(),
        }
    }
}

/// A number of segments as JavaScript's.
///
/// # Safety
/// On the thread of `env`, with a scope; `into` is writable.
unsafe fn count_of(env: sys::napi_env, count: u64, into: *mut sys::napi_value) -> sys::napi_status {
    #[allow(clippy::cast_precision_loss, reason = "below 2^53, as every capacity is")]
    let count = count as f64;
    // SAFETY: the caller's promise.
    unsafe { sys::napi_create_double(env, count, into) }
}
