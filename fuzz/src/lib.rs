//! What the fuzz targets do with their input. Whatever it is, the library answers with errors or data:
//! a panic, a crash, an access outside of the mapping or a call that takes too long is a finding.

mod input;
mod object;

use input::Input;
use mmfile_core::{
    Access, CreateOptions, Error, FileId, MmFile, OpenOptions, Prefixes, Result, Timeout, list,
    sweep,
};
use object::Object;
use std::time::{Duration, Instant};

/// No operation may take longer, whatever it finds: ten times what it may wait for the lock.
const LIMIT: Duration = Duration::from_secs(2);
const LOCK_TIMEOUT: Duration = Duration::from_millis(1);
const ID: &str = "fuzz";

fn prefixes() -> Prefixes {
    let process = std::process::id();
    let prefix = |kind: &str| format!("mmfuzz-{process}-{kind}-");
    Prefixes::new(prefix("data"), prefix("lock")).expect("these are names")
}

fn open_with(access: Access, synchronized: bool) -> Result<MmFile> {
    let (lock_timeout, prefixes) = (LOCK_TIMEOUT, prefixes());
    MmFile::open_existing(ID, &OpenOptions { access, synchronized, lock_timeout, prefixes })
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
        for index in (0..length.min(20)).chain([length, u64::MAX]) {
            read_some(file, index);
        }
    });
}

/// Arbitrary bytes as data object and as control object: open, read all, append, seal, list.
pub fn open(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let prefixes = prefixes();
    let capacity = 1 + u64::from(input.short() % 5000);
    let fixed = input.byte();
    let (data_name, control_name) =
        (format!("{}{ID}", prefixes.data()), format!("{}{ID}", prefixes.mutex()));
    let data = Object::create(&data_name, capacity);
    let size = if fixed & 0x80 == 0 { object::CONTROL_SIZE } else { u64::from(input.short()) };
    let control = Object::create(&control_name, size);
    let split = usize::from(input.short());
    let rest = input.rest();
    let (first, second) = rest.split_at(split.min(rest.len()));
    data.put(0, first);
    control.put(0, second);
    control.describe(fixed, &data, capacity);
    for access in [Access::ReadWrite, Access::Read] {
        let Ok(file) = timed("open", || open_with(access, fixed & 0x20 == 0)) else { continue };
        assert_eq!(file.capacity(), capacity);
        read_all(&file);
        let _ = timed("append", || file.append(b"fuzz"));
        let _ = timed("append", || file.append_all(&[&b"one"[..], b"", b"three"]));
        let _ = timed("wait", || file.wait_for(3, Timeout::Val(LOCK_TIMEOUT), Duration::ZERO));
        read_all(&file);
        let _ = timed("seal", || file.seal());
        let _ = file.is_sealed();
        read_all(&file);
    }
    let _ = timed("list", || list(&prefixes));
    let _ = timed("sweep", || sweep(&prefixes));
}

/// A script: what a second mapping writes where, and what we do in between.
pub fn scribble(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let prefixes = prefixes();
    let capacity = 16 + u64::from(input.byte()) * 4;
    let options = CreateOptions {
        id: Some(FileId::parse(ID).expect("a name")),
        lock_timeout: LOCK_TIMEOUT,
        prefixes: prefixes.clone(),
        ..CreateOptions::default()
    };
    let file = loop {
        match MmFile::create_new(capacity, &options) {
            // Some other program of this user makes or removes a file.
            Err(Error::Timeout { .. }) => {}
            made => break made.expect("nothing has that name"),
        }
    };
    let reader = open_with(Access::Read, true).expect("it was made just now");
    let loose = open_with(Access::ReadWrite, false).expect("it was made just now");
    let data = Object::open(&format!("{}{ID}", prefixes.data()));
    let control = Object::open(&format!("{}{ID}", prefixes.mutex()));
    let mut steps = 0;
    while !input.is_empty() && steps < 64 {
        steps += 1;
        let step = input.byte();
        let file = [&file, &reader, &loose][usize::from(step >> 6).min(2)];
        match step & 15 {
            0 => data.put(usize::from(input.short()), &input.take(4)),
            1 => data.put(usize::from(input.byte()) * 4, &input.take(4)),
            2 => control.put(usize::from(input.byte()) * 2, &input.take(8)),
            3 => control.put(object::PROTOCOL + usize::from(input.byte() % 144), &input.take(4)),
            // Numbers near the end, which are the most believable ones.
            4 => {
                let number = (capacity + 8).saturating_sub(u64::from(input.byte() % 32));
                let at = object::PROTOCOL + usize::from(input.byte() % 18) * 8;
                control.put(at, &number.to_le_bytes());
            }
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
                    control.put(usize::from(input.byte()) * 2, &input.take(4));
                    timed("release", || drop(guard));
                }
            }
            12 => {
                let _ = timed("list", || list(&prefixes));
            }
            13 => drop(timed("open", || open_with(Access::ReadWrite, true))),
            14 => {
                let ended = timed("open", || open_with(Access::Read, true));
                if let Ok(other) = ended {
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
    read_all(&file);
    drop((file, reader, loose));
    // What was written over may keep its names; they are not another input's.
    for name in [format!("{}{ID}", prefixes.data()), format!("{}{ID}", prefixes.mutex())] {
        object::unlink(&name);
    }
    assert!(matches!(open_with(Access::Read, true), Err(Error::NotFound { .. })));
}
