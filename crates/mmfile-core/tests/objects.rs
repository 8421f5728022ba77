//! What stands at a name, from its creation to its end, whatever processes do and whenever they die.

#![cfg(unix)]

#[path = "objects/costs.rs"]
mod costs;
#[path = "objects/forks.rs"]
mod forks;
#[cfg(feature = "fault-points")]
#[path = "objects/races.rs"]
mod races;
#[path = "objects/removal.rs"]
mod removal;
#[cfg(feature = "fault-points")]
#[path = "objects/staging.rs"]
mod staging;
#[path = "objects/stress.rs"]
mod stress;
mod support;

use mmfile_core::*;

fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.unwrap_err().code()
}
