//! Systems that allow less than usual, and processes that see the same folder from different places: it
//! works, or the error says what is missing.

#![cfg(all(target_os = "linux", not(mmfile_portable)))]

mod support;

mod environment {
    use super::*;

    mod folders;
    mod full;
    mod memory;
    mod namespaces;
    mod refusals;
    mod storage;
    mod unreported_deaths;
    mod users;
}

use mmfile_core::*;
use std::path::{Path, PathBuf};

fn prefixes(args: &[String]) -> Prefixes {
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let channel = format!("{}channel-", support::common_part(&prefixes));
    prefixes.with_channel(channel).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.unwrap_err().code()
}

fn is_root() -> bool {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

fn options(prefixes: &Prefixes, id: &str, directory: Option<&Path>) -> CreateOptions {
    CreateOptions {
        id: Some(FileId::parse(id).unwrap()),
        prefixes: prefixes.clone(),
        directory: directory.map(PathBuf::from),
        ..Default::default()
    }
}

fn mutex_options(prefixes: &Prefixes) -> MutexOptions {
    let prefix = format!("{}mutex-", support::common_part(prefixes));
    MutexOptions { prefix, ..Default::default() }
}
