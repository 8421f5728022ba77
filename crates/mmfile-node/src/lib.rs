//! The Node.js binding of mmfile-core: values, errors and threads become JavaScript's. It decides
//! nothing; the TypeScript in `src/` is what programs see.
//!
//! Most are ordinary napi-rs functions. What is called for every message, and opening and closing files,
//! goes through plain Node-API functions in `operations`, which cost a sixth of that.

#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
    )
)]

mod call;
mod channel_operations;
mod channels;
mod errors;
mod files;
mod fill;
mod listing;
mod locks;
mod memory;
mod operations;
mod receivers;
mod senders;
#[cfg(any(windows, target_os = "macos"))]
mod stay;
mod table;
mod threadsafe;
mod values;
mod watch;
