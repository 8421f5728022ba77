//! The Node.js binding of mmfile-core: values, errors and threads become JavaScript's. It decides nothing;
//! programs use it through the TypeScript in `src/`.
//!
//! Most are ordinary napi-rs functions. Operations on messages, and opening and closing files, are plain
//! Node-API functions in `operations`, which cost a sixth of that.

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
