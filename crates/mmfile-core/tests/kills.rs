//! Processes that are killed, at named points and at random moments, and what the others see of it.
//!
//! The points need `cargo test -p mmfile-core --features fault-points`; without the feature the
//! random part runs alone.

mod support;

#[cfg(all(feature = "fault-points", any(target_os = "macos", mmfile_portable)))]
#[path = "kills/anchors.rs"]
mod anchors;
#[path = "kills/churn.rs"]
mod churn;
#[cfg(feature = "fault-points")]
#[path = "kills/closing.rs"]
mod closing;
#[cfg(feature = "fault-points")]
#[path = "kills/disk.rs"]
mod disk;
#[cfg(feature = "fault-points")]
#[path = "kills/figures.rs"]
mod figures;
#[cfg(feature = "fault-points")]
#[path = "kills/group.rs"]
mod group;
#[cfg(feature = "fault-points")]
#[path = "kills/leftovers.rs"]
mod leftovers;
#[cfg(feature = "fault-points")]
#[path = "kills/lifecycle.rs"]
mod lifecycle;
#[cfg(feature = "fault-points")]
#[path = "kills/locking.rs"]
mod locking;
#[cfg(feature = "fault-points")]
#[path = "kills/mutexes.rs"]
mod mutexes;
#[cfg(feature = "fault-points")]
#[path = "kills/operations.rs"]
mod operations;
#[cfg(feature = "fault-points")]
#[path = "kills/points.rs"]
mod points;
#[path = "kills/random.rs"]
mod random;
#[cfg(feature = "fault-points")]
#[path = "kills/repairs.rs"]
mod repairs;
#[cfg(feature = "fault-points")]
#[path = "kills/sweeping.rs"]
mod sweeping;
#[cfg(all(feature = "fault-points", target_os = "linux", target_env = "gnu"))]
#[path = "kills/truncating.rs"]
mod truncating;
#[cfg(feature = "fault-points")]
#[path = "kills/victim.rs"]
mod victim;

/// Whether a kill in front of `ftruncate` is to be had.
#[cfg(feature = "fault-points")]
const HAS_TRUNCATING: bool = cfg!(all(target_os = "linux", target_env = "gnu"));
