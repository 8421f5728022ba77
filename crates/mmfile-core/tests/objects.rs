//! The object at a name, from its creation to its end, with any actions of processes and deaths at any time.

#![cfg(unix)]

mod support;

mod objects {
    use super::*;

    mod costs;
    mod forks;
    #[cfg(feature = "fault-points")]
    mod races;
    mod removal;
    #[cfg(feature = "fault-points")]
    mod staging;
    mod stress;
}

use mmfile_core::*;

fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.unwrap_err().code()
}
