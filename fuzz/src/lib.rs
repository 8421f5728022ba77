//! The work of the fuzz targets. For every input, the library returns errors or data: a panic, a crash, an
//! access outside of the mapping or a call that takes too long is a finding.

mod channel;
mod disk;
mod input;
mod object;
mod open;
mod race;
mod scribble;
mod scribbler;

pub use channel::channel;
pub use disk::disk;
pub use open::open;
pub use race::{prepare_race, race};
pub use scribble::scribble;

use input::Input;
use mmfile_core::{
    Access, CreateOptions, Error, FileId, ListOptions, MmFile, OpenOptions, Prefixes, Result,
    Timeout, list,
};
use std::time::{Duration, Instant};

/// No operation may take longer with any contents: ten times the lock timeout.
const LIMIT: Duration = Duration::from_secs(2);
const LOCK_TIMEOUT: Duration = Duration::from_millis(1);
const ID: &str = "fuzz";

fn prefixes() -> Prefixes {
    let process = std::process::id();
    let run = std::env::var("MMFILE_TEST_RUN").unwrap_or_else(|_| "mmfuzz".into());
    let prefix = |kind: &str| format!("{run}-{process}-{kind}-");
    let prefixes = Prefixes::new(prefix("data"), prefix("lock")).expect("these are names");
    prefixes.with_channel(prefix("channel")).expect("another one")
}

fn open_with(access: Access, synchronized: bool) -> Result<MmFile> {
    open_for(access, synchronized, LOCK_TIMEOUT)
}

fn open_for(access: Access, synchronized: bool, lock_timeout: Duration) -> Result<MmFile> {
    let prefixes = prefixes();
    let defaults = OpenOptions::default();
    let options = OpenOptions { access, synchronized, lock_timeout, prefixes, ..defaults };
    MmFile::open_existing(ID, &options)
}

/// A folder with only this process's files.
fn place() -> ListOptions {
    ListOptions { prefixes: prefixes(), mutex_prefix: None, ..ListOptions::default() }
}

/// Does something and measures it.
fn timed<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = act();
    let took = started.elapsed();
    assert!(took < LIMIT, "{what} took {took:?}");
    result
}

/// A segment that was read is no longer than the file has room for.
fn read_some(file: &MmFile, index: u64) {
    let check = |length: u64| assert!(length <= file.capacity(), "{length} bytes");
    timed("a read", || {
        if let Ok(bytes) = file.read(index) {
            check(bytes.len() as u64);
        }
        let _ = file.read_text(index);
        let mut target = [0; 64];
        if let Ok(length) = file.read_into(index, &mut target) {
            check(length as u64);
        }
        if let Ok(length) = file.byte_length(index) {
            check(length);
        }
        if let Ok(span) = file.span(index) {
            check(span.offset + span.size);
            assert!(file.address(span).is_some());
        }
    });
}

fn read_all(file: &MmFile) {
    timed("all reads", || {
        let length = file.len().unwrap_or(0);
        assert!(length <= file.capacity() / 4);
        assert!(file.size().unwrap_or(0) <= file.capacity());
        let mut seen = 0;
        let _ = file.spans(0, |span| {
            assert!(span.offset + span.size <= file.capacity());
            seen += 1;
            true
        });
        assert!(seen <= file.capacity() / 4);
        assert!(file.peers().len() <= 96);
        for index in (0..length.min(20)).chain([length, u64::MAX]) {
            read_some(file, index);
        }
    });
}

/// A file in memory with three handles: its creator's, a reader's and one that takes no lock.
fn create(capacity: u64, lock_timeout: Duration) -> [MmFile; 3] {
    let options = CreateOptions {
        id: Some(FileId::parse(ID).expect("a name")),
        lock_timeout,
        prefixes: prefixes(),
        ..CreateOptions::default()
    };
    let file = loop {
        match MmFile::create_new(capacity, &options) {
            // Some other program of this user makes or removes a file.
            Err(Error::Timeout { .. }) => {}
            made => break made.expect("nothing has that name"),
        }
    };
    let open = |access, synchronized| {
        // If another process examines it at this moment, it takes another try.
        let opened = open_for(access, synchronized, lock_timeout);
        opened.or_else(|_| open_with(access, synchronized)).expect("it was made just now")
    };
    let (reader, loose) = (open(Access::Read, true), open(Access::ReadWrite, false));
    [file, reader, loose]
}

/// Closes the handles. An overwritten object may keep its name, which no other input uses.
fn end(files: [MmFile; 3]) {
    read_all(&files[0]);
    drop(files);
    object::unlink(&name());
    assert!(matches!(open_with(Access::Read, true), Err(Error::NotFound { .. })));
}

/// The name of the file's object.
fn name() -> String {
    format!("{}{ID}", prefixes().data())
}

/// The operation of one of the handles that `step` says: 5 to 15 in its lower half. `inside` is done
/// while we have the lock.
fn operate(step: u8, files: &[MmFile; 3], input: &mut Input, inside: impl FnOnce(&mut Input)) {
    let file = &files[usize::from(step >> 6).min(2)];
    match step & 15 {
        5 => {
            let length = usize::from(input.byte());
            let _ = timed("append", || file.append(&vec![step; length]));
        }
        6 => {
            let values = vec![vec![step; 3]; usize::from(input.byte() % 6)];
            let _ = timed("append", || file.append_all(&values));
        }
        7 => read_some(file, u64::from(input.byte())),
        8 => read_all(file),
        9 => {
            let index = u64::from(input.byte() % 8);
            let wait = Timeout::Val(Duration::from_micros(100));
            let _ = timed("wait", || file.wait_for(index, wait, Duration::ZERO));
        }
        10 => {
            let _ = timed("write", || file.write(u64::from(input.byte()), "text"));
        }
        11 => {
            if let Ok(guard) = timed("lock", || file.lock(Some(Timeout::Val(LOCK_TIMEOUT)))) {
                let _ = timed("append", || file.append(b"inside"));
                inside(input);
                timed("release", || drop(guard));
            }
        }
        12 => {
            let _ = timed("list", || list(&place()));
        }
        13 => drop(timed("open", || open_with(Access::ReadWrite, true))),
        14 => {
            let opened = timed("open", || open_with(Access::Read, true));
            if let Ok(other) = opened {
                read_all(&other);
            }
        }
        _ => {
            if input.byte() == 0 {
                let _ = timed("seal", || file.seal());
            }
        }
    }
}
