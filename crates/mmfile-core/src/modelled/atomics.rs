//! The atomics: loom's in shared memory, plain ones elsewhere. A process that has died does nothing
//! more, though its stack is still unwound.

use super::{Fault, has, kernel};
use loom::sync::atomic as modelled;
pub use loom::sync::atomic::AtomicBool;
use std::sync::atomic as plain;
use std::sync::atomic::Ordering;
use std::thread::panicking;

macro_rules! atomic {
    ($name:ident, $int:ty) => {
        /// An atomic number.
        #[derive(Debug)]
        pub struct $name(Kind<plain::$name, modelled::$name>);

        impl $name {
            /// One that no other process sees.
            pub const fn new(value: $int) -> Self {
                Self(Kind::Plain(plain::$name::new(value)))
            }

            pub(super) fn shared(value: $int) -> Self {
                Self(Kind::Modelled(modelled::$name::new(value)))
            }

            pub fn load(&self, order: Ordering) -> $int {
                match &self.0 {
                    Kind::Plain(atomic) => atomic.load(order),
                    Kind::Modelled(_) if panicking() => 0,
                    Kind::Modelled(atomic) => atomic.load(order),
                }
            }

            pub fn store(&self, value: $int, order: Ordering) {
                match &self.0 {
                    Kind::Plain(atomic) => atomic.store(value, order),
                    Kind::Modelled(_) if panicking() => {}
                    Kind::Modelled(atomic) => atomic.store(value, order),
                }
            }

            pub fn compare_exchange(
                &self,
                expected: $int,
                value: $int,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$int, $int> {
                match &self.0 {
                    Kind::Plain(atomic) => {
                        atomic.compare_exchange(expected, value, success, failure)
                    }
                    Kind::Modelled(_) if panicking() => Ok(expected),
                    Kind::Modelled(atomic) => {
                        atomic.compare_exchange(expected, value, success, failure)
                    }
                }
            }

            atomic!(@rmw fetch_add fetch_max fetch_or swap, $int);
        }
    };
    (@rmw $($method:ident)*, $int:ty) => {$(
        pub fn $method(&self, value: $int, order: Ordering) -> $int {
            match &self.0 {
                Kind::Plain(atomic) => atomic.$method(value, order),
                Kind::Modelled(_) if panicking() => 0,
                Kind::Modelled(atomic) => atomic.$method(value, order),
            }
        }
    )*};
}

#[derive(Debug)]
enum Kind<P, M> {
    Plain(P),
    Modelled(M),
}

atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);

pub(crate) fn fence(order: Ordering) {
    if !panicking() && !has(Fault::NoFence) {
        modelled::fence(order);
    }
}

/// Copies bytes into shared memory.
///
/// # Safety
/// As `std::ptr::copy`.
pub(crate) unsafe fn copy(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::copy(from, to, count) };
    if let Some((memory, offset)) = kernel().memory_at(to as usize) {
        // SAFETY: as above.
        memory.put(offset, unsafe { std::slice::from_raw_parts(from, count) });
    }
}
