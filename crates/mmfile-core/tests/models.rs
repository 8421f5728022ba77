//! The protocols between processes, in every order in which their steps can follow one another: what
//! runs is the library itself on a modelled platform (`src/platform/loom`). Each protocol is run a second
//! time with a mistake made on purpose, which has to be found.
//!
//! `npm run models`, or `RUSTFLAGS="--cfg loom" cargo test -p mmfile-core --release --test models`
#![cfg(loom)]

mod models {
    use super::*;

    mod channels;
    mod names;
    mod participants;
    mod publish;
    mod wait;
}

use mmfile_core::platform::loom::{Fault, check, here, process};
use mmfile_core::{CreateOptions, Error, FileId, MmFile, OpenOptions, Result};
use std::io::Write;
use std::time::Instant;

const ID: &str = "m";
const CAPACITY: u64 = 40;

/// How often one process may interrupt another, unless the environment asks for more.
fn depth(usual: usize) -> usize {
    let more = std::env::var("MMFILE_MODEL_DEPTH").ok().and_then(|text| text.parse().ok());
    more.unwrap_or(0).max(usual)
}

/// The model holds in every order.
fn holds(what: &str, preemptions: usize, model: fn()) {
    let started = Instant::now();
    let (orders, deaths) = check(depth(preemptions), None, model);
    let seconds = started.elapsed().as_secs_f32();
    let _ =
        writeln!(std::io::stderr(), "    {what}: {orders} orders, {deaths} deaths, {seconds:.1} s");
    assert_eq!(what.starts_with("death"), deaths > 0, "{what}: deaths");
}

/// The model finds the mistake, in one order at least.
fn finds(fault: Fault, preemptions: usize, model: fn()) {
    let found = std::panic::catch_unwind(|| check(depth(preemptions), Some(fault), model));
    let reason = match found {
        Ok((orders, _)) => panic!("{fault:?} was not found in {orders} orders"),
        Err(reason) => reason,
    };
    let text = reason.downcast_ref::<&str>().copied();
    let text = text.or(reason.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    // Not for another reason, such as an error in the model itself.
    assert!(!text.contains("exceeded") && !text.contains("self.threads"), "{text}");
    let line = text.lines().next().unwrap_or_default();
    let _ = writeln!(std::io::stderr(), "    {fault:?} is found: {line}");
}

fn options() -> CreateOptions {
    CreateOptions { id: Some(FileId::parse(ID).unwrap()), ..CreateOptions::default() }
}

fn create() -> MmFile {
    MmFile::create_new(CAPACITY, &options()).unwrap()
}

fn open() -> Result<MmFile> {
    MmFile::open_existing(ID, &OpenOptions::default())
}

/// A file and two more handles on it, made by a process that has long done so.
fn three_handles() -> (MmFile, MmFile, MmFile) {
    here(9, None, || (create(), open().unwrap(), open().unwrap())).unwrap()
}

/// Closes handles in a separate process.
fn close(files: impl Send + 'static) {
    here(9, None, || drop(files)).unwrap();
}
