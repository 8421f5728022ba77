//! Constants of macOS: see the list of constants in `platform/mod.rs`.

pub(crate) const C_LIBRARY: u32 = 3;
pub(crate) const KERNEL_TELLS_OF_DEATHS: bool = false;
pub(crate) const RELEASE_ORDERS_ALL: bool = false;
pub(crate) const FAULT_AROUND: Option<u64> = None;
/// The suffix of the name of a channel's data, where data and lock have separate names. No id contains it.
pub(crate) const DATA_SUFFIX: &str = "";
