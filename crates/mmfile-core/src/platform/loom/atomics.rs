//! The atomics: loom's in memory that several processes may reach, plain ones elsewhere. A process that
//! has died does nothing more, though its stack is still unwound.

use super::mistakes::{Fault, has};
use loom::sync::atomic as modelled;
pub use loom::sync::atomic::AtomicBool;
use std::sync::OnceLock;
use std::sync::atomic as plain;
use std::sync::atomic::Ordering;
use std::thread::panicking;

macro_rules! atomic {
    ($name:ident, $int:ty) => {
        /// An atomic number.
        #[derive(Debug)]
        pub struct $name {
            /// The last value that was stored.
            last: plain::$name,
            /// Loom's, once other processes may reach it.
            shared: OnceLock<modelled::$name>,
        }

        impl $name {
            /// One that no other process reaches.
            pub const fn new(value: $int) -> Self {
                Self { last: plain::$name::new(value), shared: OnceLock::new() }
            }

            /// From here on other processes may reach it.
            pub(super) fn share(&self) {
                self.shared.get_or_init(|| modelled::$name::new(self.last()));
            }

            /// The last value that was stored, seen by others or not: for the kernel of the model.
            pub(super) fn last(&self) -> $int {
                self.last.load(Ordering::Relaxed)
            }

            pub fn load(&self, order: Ordering) -> $int {
                match self.shared.get() {
                    None => self.last(),
                    Some(_) if panicking() => 0,
                    Some(atomic) => atomic.load(order),
                }
            }

            pub fn store(&self, value: $int, order: Ordering) {
                if panicking() {
                    return;
                }
                if let Some(atomic) = self.shared.get() {
                    atomic.store(value, order);
                }
                self.last.store(value, Ordering::Relaxed);
            }

            pub fn compare_exchange(
                &self,
                expected: $int,
                value: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                let Some(atomic) = self.shared.get() else {
                    return self.last.compare_exchange(
                        expected,
                        value,
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    );
                };
                if panicking() {
                    return Ok(expected);
                }
                if success == Ordering::SeqCst && has(Fault::BlindExchange) {
                    atomic.store(value, success); // of all, claims alone are in one order
                    self.last.store(value, Ordering::Relaxed);
                    return Ok(expected);
                }
                let exchanged = atomic.compare_exchange(expected, value, success, failure);
                if exchanged.is_ok() {
                    self.last.store(value, Ordering::Relaxed);
                }
                exchanged
            }

            atomic!(@rmw fetch_add fetch_max fetch_or swap, $int);
        }
    };
    (@rmw $($method:ident)*, $int:ty) => {$(
        pub fn $method(&self, value: $int, order: Ordering) -> $int {
            match self.shared.get() {
                None => self.last.$method(value, Ordering::Relaxed),
                Some(_) if panicking() => 0,
                Some(atomic) => {
                    let before = atomic.$method(value, order);
                    self.last.store(before, Ordering::Relaxed);
                    self.last.$method(value, Ordering::Relaxed);
                    before
                }
            }
        }
    )*};
}

atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);

pub(crate) fn fence(order: Ordering) {
    if !panicking() && !has(Fault::NoFence) {
        modelled::fence(order);
    }
}
