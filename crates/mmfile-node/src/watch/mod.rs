//! The asynchronous waits of a file.
//!
//! Something sleeps until the lowest index that a call waits for is there, or can never come, and then
//! calls one JavaScript function, which checks. Where the kernel can tell the event loop of a
//! change, the event loop sleeps; elsewhere, a thread. libuv's pool is not used.

#[cfg(all(target_os = "linux", not(mmfile_portable)))]
mod ring;
mod thread;
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
mod uv;

use crate::errors::Failure;
use mmfile_core::{ChannelWaiter, RequirePeer, Timeout, Waiter};
use napi::sys;
use std::cell::RefCell;
use std::sync::atomic::AtomicU64;

/// The index while no call waits.
const NOTHING: u64 = u64::MAX;

/// Whether the event loop is libuv's; the runtime is asked before the first wait.
pub(crate) fn allow_event_loop(allowed: bool) {
    #[cfg(all(target_os = "linux", not(mmfile_portable)))]
    uv::allow(allowed);
    #[cfg(not(all(target_os = "linux", not(mmfile_portable))))]
    let _ = allowed;
}

/// The event to wait for. The index is a file's; a channel's waiter has no index.
pub(crate) trait Awaited: Send + Sync {
    /// Checks, and unless there is news, has `ring` say when to check again. Whether there is.
    #[cfg(all(target_os = "linux", not(mmfile_portable)))]
    fn arm(&self, ring: &mut mmfile_core::WakeRing, index: u64) -> bool;
    /// Sleeps until there is news.
    fn wait(&self, index: &AtomicU64);
    /// Makes the threads that wait check.
    fn look_again(&self);
    /// Ends every wait.
    fn cancel(&self);
    /// Which peers are required from now on.
    fn require_peer(&self, _required: RequirePeer) {}
    /// The event for JavaScript.
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

/// The watch of one handle, started when it is first armed.
#[derive(Default)]
pub(crate) struct WatchSlot(RefCell<Option<Watch>>);

impl WatchSlot {
    /// Calls `callback` as soon as there is a segment `index`, or a reason to try again. A later call replaces an
    /// earlier one, but keeps the callback. With `keeps_alive`, the event loop stays alive until then, or until
    /// [`Self::disarm`].
    pub(crate) fn arm(
        &self,
        env: sys::napi_env,
        callback: sys::napi_value,
        awaited: impl Fn() -> Box<dyn Awaited>,
        (index, require_peer): (u64, RequirePeer),
        keeps_alive: bool,
    ) -> Result<(), Failure> {
        let mut slot = self.0.borrow_mut();
        let watch = match &mut *slot {
            Some(watch) if watch.is_useful() => watch,
            none => none.insert(Watch::start(env, callback, awaited)?),
        };
        watch.arm(index, require_peer, keeps_alive);
        Ok(())
    }

    /// No call waits any more, although it has not called back.
    pub(crate) fn disarm(&self) {
        if let Some(watch) = &*self.0.borrow() {
            watch.disarm();
        }
    }

    /// Ends with the handle.
    pub(crate) fn end(&self) {
        drop(self.0.take());
    }
}

/// The waiter of one file: the event loop or a thread.
enum Watch {
    #[cfg(all(target_os = "linux", not(mmfile_portable)))]
    Ring(ring::RingWatch),
    Thread(thread::ThreadWatch),
}

impl Watch {
    /// Begins, idle. `callback` is called with the number of segments.
    fn start(
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
    fn is_useful(&self) -> bool {
        match self {
            #[cfg(all(target_os = "linux", not(mmfile_portable)))]
            Self::Ring(_) => !mmfile_core::WakeRing::is_refused(),
            Self::Thread(_) => true,
        }
    }

    fn arm(&self, index: u64, require_peer: RequirePeer, keeps_alive: bool) {
        match self {
            #[cfg(all(target_os = "linux", not(mmfile_portable)))]
            Self::Ring(ring) => ring.arm(index, require_peer, keeps_alive),
            Self::Thread(thread) => thread.arm(index, require_peer, keeps_alive),
        }
    }

    fn disarm(&self) {
        match self {
            #[cfg(all(target_os = "linux", not(mmfile_portable)))]
            Self::Ring(ring) => ring.disarm(),
            Self::Thread(thread) => thread.disarm(),
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
