//! Processes that are killed, at named points and at random moments, and what the others see of it.
//!
//! The points need `cargo test -p mmfile-core --features fault-points`; without the feature the
//! random part runs alone.

mod support;

mod kills {
    use super::*;

    #[cfg(all(feature = "fault-points", any(target_os = "macos", mmfile_portable)))]
    mod anchors;
    #[cfg(feature = "fault-points")]
    mod channels;
    mod churn;
    #[cfg(feature = "fault-points")]
    mod closing;
    #[cfg(feature = "fault-points")]
    mod disk;
    #[cfg(feature = "fault-points")]
    mod figures;
    #[cfg(feature = "fault-points")]
    mod group;
    #[cfg(feature = "fault-points")]
    mod lifecycle;
    #[cfg(feature = "fault-points")]
    mod locking;
    #[cfg(feature = "fault-points")]
    mod mutexes;
    #[cfg(feature = "fault-points")]
    mod operations;
    #[cfg(feature = "fault-points")]
    mod participants;
    mod place;
    #[cfg(feature = "fault-points")]
    mod points;
    mod random;
    #[cfg(feature = "fault-points")]
    mod repairs;
    #[cfg(feature = "fault-points")]
    mod sweeping;
    #[cfg(all(feature = "fault-points", target_os = "linux", target_env = "gnu"))]
    mod truncating;
    #[cfg(feature = "fault-points")]
    mod victim;
}

/// Whether a kill before `ftruncate` is possible.
#[cfg(feature = "fault-points")]
const HAS_TRUNCATING: bool = cfg!(all(target_os = "linux", target_env = "gnu"));
