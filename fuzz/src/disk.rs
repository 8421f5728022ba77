//! Arbitrary bytes as a file on disk, and a file of the package that was changed while it was closed.

use crate::input::Input;
use crate::object::{self, control_offset};
use crate::{LOCK_TIMEOUT, read_all, timed};
use mmfile_core::{Access, CreateOptions, Error, MmFile, OpenOptions, Result, Timeout};
use std::fs::{File, Permissions, set_permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const FLAGS: usize = 0x018;
const FLAG_DISK: u32 = 4;
const MOST_EDITS: usize = 32;

/// A folder of this process in memory, removed with this value.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Self {
        let memory = PathBuf::from("/dev/shm");
        let above = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let path = above.join(format!("mmfuzz-disk-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("it can be removed");
    }
}

fn open_file(path: &Path, access: Access, synchronized: bool) -> Result<MmFile> {
    let options =
        OpenOptions { access, synchronized, lock_timeout: LOCK_TIMEOUT, ..OpenOptions::default() };
    timed("open", || MmFile::open_file(path, &options))
}

/// A file on disk that is not, or not any more, as we write it: open, read all, append, seal, flush and
/// open again.
pub fn disk(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let folder = Folder::create();
    let path = folder.0.join("file");
    let kind = input.byte();
    let capacity = 1 + u64::from(input.short());
    if kind & 1 == 0 {
        make(&path, kind, capacity, &mut input);
    } else {
        write(&path, kind, capacity, &mut input);
        edit(&path, capacity, &mut input);
    }
    if kind & 2 != 0 {
        visit_read_only(&path);
    }
    let accesses = [Access::ReadWrite, Access::Read];
    for access in if kind & 4 == 0 { accesses } else { [accesses[1], accesses[0]] } {
        visit(&path, access, kind & 8 == 0, kind & 16 == 0);
    }
}

/// A file with the input's bytes as data and as control block.
fn make(path: &Path, kind: u8, capacity: u64, input: &mut Input) {
    let file = File::create_new(path).expect("a new file");
    let put = |bytes: &[u8], at| file.write_all_at(bytes, at).expect("room");
    let control = control_offset(capacity);
    let size = control + object::CONTROL_SIZE;
    let size = if kind & 0x20 == 0 { size } else { u64::from(input.short()) * 4 };
    let split = usize::from(input.short());
    let rest = input.rest();
    let (first, second) = rest.split_at(split.min(rest.len()));
    put(first, 0);
    put(&second[..second.len().min(object::CONTROL_SIZE as usize)], control);
    if kind & 0x40 == 0 {
        for range in object::DESCRIBED {
            put(&object::real()[range.clone()], control + range.start as u64);
        }
        put(&FLAG_DISK.to_le_bytes(), control + FLAGS as u64);
    }
    if kind & 0x80 == 0 {
        put(&capacity.to_le_bytes(), control + object::CAPACITY as u64);
    }
    file.set_len(size).expect("another size");
}

/// A file of the package with some segments.
fn write(path: &Path, kind: u8, capacity: u64, input: &mut Input) {
    let options = CreateOptions { lock_timeout: LOCK_TIMEOUT, ..CreateOptions::default() };
    let file = MmFile::create_file(path, capacity, &options).expect("a new file");
    for number in 0..input.byte() % 8 {
        let length = usize::from(input.byte());
        // It may be full.
        let _ = file.append(&vec![number; length]);
    }
    if kind & 0x20 != 0 {
        file.seal().expect("it is ours");
    }
}

/// Changes by another program while no process has it open.
fn edit(path: &Path, capacity: u64, input: &mut Input) {
    let file = File::options().write(true).open(path).expect("it is there");
    let control = control_offset(capacity);
    let put = |bytes: &[u8], at| file.write_all_at(bytes, at).expect("room");
    for _ in 0..MOST_EDITS {
        if input.is_empty() {
            break;
        }
        match input.byte() % 8 {
            0 => {
                let at = u64::from(input.short());
                put(&input.take(4), at);
            }
            1 => {
                let at = u64::from(input.byte());
                put(&input.take(4), at);
            }
            // Around the end of the data.
            2 => {
                let at = (capacity + 8).saturating_sub(u64::from(input.byte() % 32));
                put(&input.take(4), at);
            }
            3 => {
                let at = control + u64::from(input.short()) % (object::CONTROL_SIZE - 8);
                put(&input.take(8), at);
            }
            // Numbers near the end, which are the most believable ones.
            4 => {
                let number = (capacity + 8).saturating_sub(u64::from(input.byte() % 32));
                put(&number.to_le_bytes(), control + u64::from(input.byte() % 64) * 8);
            }
            5 => {
                let number = u64::from(input.byte());
                put(&number.to_le_bytes(), control + u64::from(input.byte() % 64) * 8);
            }
            6 => {
                let size = u64::from(input.short()) * 4;
                file.set_len(size).expect("another size");
            }
            _ => {
                // Longer by whole steps of the control block: its last bytes are where one could be.
                let size = control + object::CONTROL_SIZE;
                let more = u64::from(input.byte() % 4) * object::ALIGNMENT;
                file.set_len(size + more).expect("another size");
            }
        }
    }
}

/// Opens it twice, uses it, and checks that the promised contents are there when it is opened again.
fn visit(path: &Path, access: Access, synchronized: bool, flushes: bool) {
    let Ok(file) = open_file(path, access, synchronized) else { return };
    let other = open_file(path, Access::Read, true).expect("it is open already");
    assert_eq!(other.capacity(), file.capacity());
    read_all(&file);
    let appended = timed("append", || file.append(b"fuzz"));
    let _ = timed("append", || file.append_all(&[&b"one"[..], b"", b"three"]));
    let _ = timed("wait", || file.wait_for(3, Timeout::Val(LOCK_TIMEOUT), Duration::ZERO));
    read_all(&file);
    if flushes {
        timed("flush", || file.flush()).expect("the disk has room");
    }
    let sealed = timed("seal", || file.seal());
    read_all(&other);
    let length = file.len();
    drop((file, other));
    let again = open_file(path, Access::Read, synchronized).expect("it could be opened before");
    read_all(&again);
    if let Ok(index) = appended {
        assert_eq!(again.read(index).expect("it was appended"), b"fuzz");
    }
    if sealed.is_ok() {
        assert!(again.is_sealed().expect("it was sealed"));
        assert_eq!(again.len().ok(), length.ok());
    }
}

/// As a user who may read the file and not write it.
fn visit_read_only(path: &Path) {
    set_permissions(path, Permissions::from_mode(0o444)).expect("the file is ours");
    // SAFETY: plain calls. The first has no effect without root, and is not needed then.
    let user = unsafe { libc::setfsuid(65534) };
    let opened = open_file(path, Access::Read, true);
    if let Ok(file) = &opened {
        read_all(file);
        let appended = timed("append", || file.append(b"fuzz"));
        assert!(matches!(appended, Err(Error::ReadOnly)), "{appended:?}");
        let _ = timed("wait", || file.wait_for(3, Timeout::Val(LOCK_TIMEOUT), Duration::ZERO));
        read_all(file);
    }
    drop(opened);
    // SAFETY: as above.
    unsafe { libc::setfsuid(user.cast_unsigned()) };
    set_permissions(path, Permissions::from_mode(0o600)).expect("the file is ours");
}
