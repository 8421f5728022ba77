//! Constants of Linux: see the list of constants in `platform/mod.rs`.

pub(crate) const C_LIBRARY: u32 = if cfg!(target_env = "musl") { 2 } else { 1 };
pub(crate) const KERNEL_TELLS_OF_DEATHS: bool = true;
pub(crate) const RELEASE_ORDERS_ALL: bool = cfg!(target_arch = "x86_64");
pub(crate) const FAULT_AROUND: Option<u64> = Some(64 << 10);
/// The suffix of the name of a channel's data, where data and lock have separate names. No id contains it.
pub(crate) const DATA_SUFFIX: &str = "";
