//! The requirements for every platform, tested through the public interface only.

mod support;

mod conformance {
    use super::*;

    mod lifetimes;
    mod listing;
    mod locks;
    mod peers;
    mod segments;
    mod waiting;
}

use mmfile_core::*;
use std::time::{Duration, Instant};
use support::{Actor, common_part, hear, is_woken, left_behind, listing, own_prefixes, say};

fn new(capacity: u64) -> MmFile {
    MmFile::create_new(capacity, &CreateOptions::default()).unwrap()
}

fn open(file: &MmFile) -> MmFile {
    MmFile::open_existing(file.id(), &OpenOptions::default()).unwrap()
}

fn open_to_read(file: &MmFile) -> MmFile {
    let options = OpenOptions { access: Access::Read, ..Default::default() };
    MmFile::open_existing(file.id(), &options).unwrap()
}

fn named(id: &str) -> CreateOptions {
    CreateOptions { id: Some(FileId::parse(id).unwrap()), ..Default::default() }
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.unwrap_err().code()
}

fn creator(args: &[String]) {
    let file = MmFile::create_new(1000, &named(&args[0])).unwrap();
    file.append("from the creator").unwrap();
    say("made");
    if hear().is_some() {
        drop(file);
        say("closed");
    }
    hear();
}

/// Makes a file and a mutex with prefixes of the test's.
fn maker(args: &[String]) {
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    let _file = MmFile::create_new(10, &CreateOptions { prefixes, ..Default::default() }).unwrap();
    let own = MutexOptions { prefix: args[2].clone(), ..Default::default() };
    let _mutex = NamedMutex::open("b", &own).unwrap();
    say("made");
    hear();
}
