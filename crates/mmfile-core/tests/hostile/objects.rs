//! Things at our names that are not ours, and things of ours that were changed from outside.

use super::support::raw::{CONTROL_SIZE, path};
use super::support::{Watchdog, left_behind};
use super::{Prey, open, own_prefixes};
use mmfile_core::*;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

fn regular(at: &Path, bytes: &[u8], mode: u32) {
    use std::io::Write;
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(at).unwrap();
    file.write_all(bytes).unwrap();
    fs::set_permissions(at, Permissions::from_mode(mode)).unwrap();
}

fn fifo(at: &Path) {
    let name = std::ffi::CString::new(at.to_str().unwrap()).unwrap();
    // SAFETY: a NUL-terminated string that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
}

/// What may stand at a name, and how it comes there.
type Thing = (&'static str, fn(&Path));

const THINGS: &[Thing] = &[
    ("a directory", |at| fs::create_dir(at).unwrap()),
    ("a full directory", |at| {
        fs::create_dir(at).unwrap();
        fs::write(at.join("inside"), "x").unwrap();
    }),
    ("a link to nowhere", |at| symlink("/nowhere/at/all", at).unwrap()),
    ("a link to a file", |at| symlink("/etc/passwd", at).unwrap()),
    ("a link to itself", |at| symlink(at, at).unwrap()),
    ("a FIFO", fifo),
    ("a socket", |at| drop(UnixListener::bind(at).unwrap())),
    ("one byte", |at| regular(at, b"x", 0o600)),
    ("almost a control block", |at| regular(at, &[0; CONTROL_SIZE - 1], 0o600)),
    ("more than a control block", |at| regular(at, &[0; 2 * CONTROL_SIZE], 0o600)),
    ("something else", |at| regular(at, &[0x5a; CONTROL_SIZE], 0o600)),
    ("something others may read", |at| regular(at, &[0; CONTROL_SIZE], 0o604)),
    ("something a group may write", |at| regular(at, &[0; CONTROL_SIZE], 0o620)),
    ("something nobody may touch", |at| regular(at, &[0x5a; CONTROL_SIZE], 0o000)),
];

fn take_away(at: &Path) {
    if fs::symlink_metadata(at).unwrap().is_dir() {
        fs::remove_dir_all(at).unwrap();
    } else {
        fs::remove_file(at).unwrap();
    }
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.unwrap_err().code()
}

fn create(prefixes: &Prefixes, id: &str) -> Result<MmFile> {
    let (prefixes, id) = (prefixes.clone(), Some(FileId::parse(id)?));
    MmFile::create_new(100, &CreateOptions { id, prefixes, ..Default::default() })
}

#[test]
fn what_stands_at_a_control_blocks_name_is_left_alone() {
    let _watchdog = Watchdog::new("at a control block's name", Duration::from_secs(60));
    for (what, make) in THINGS {
        let prefixes = own_prefixes("at-control");
        let at = path(&format!("{}it", prefixes.mutex()));
        make(&at);
        for access in [Access::ReadWrite, Access::Read] {
            assert_eq!(code(open(&prefixes, "it", access)), "ERR_MMFILE_ACCESS", "{what}");
        }
        let exists = create(&prefixes, "it");
        assert_eq!(code(exists), "ERR_MMFILE_EXISTS", "{what}");
        let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
        let either = MmFile::create_or_open("it", 100, &options);
        assert_eq!(code(either), "ERR_MMFILE_ACCESS", "{what}");
        assert_eq!(list(&prefixes).unwrap(), [], "{what} is no file of ours");
        assert_eq!(sweep(&prefixes).unwrap(), [], "{what}");
        assert!(fs::symlink_metadata(&at).is_ok(), "{what} is not ours to take away");
        take_away(&at);
        drop(create(&prefixes, "it").unwrap());
        assert_eq!(left_behind(prefixes.data().trim_end_matches("data-")), [""; 0]);
    }
}

#[test]
fn what_stands_at_a_mutexs_name_is_left_alone() {
    for (number, (what, make)) in THINGS.iter().enumerate() {
        let name = format!("mmtest-at-mutex-{}-{number}", std::process::id());
        let at = path(&format!("mmfile-mutex-{name}"));
        make(&at);
        assert_eq!(code(NamedMutex::open(&name)), "ERR_MMFILE_ACCESS", "{what}");
        assert_eq!(code(NamedMutex::open_existing(&name)), "ERR_MMFILE_ACCESS", "{what}");
        sweep(&own_prefixes("at-mutex")).unwrap();
        assert!(fs::symlink_metadata(&at).is_ok(), "{what} is not ours to take away");
        take_away(&at);
    }
}

#[test]
fn what_stands_at_a_data_objects_name_is_left_alone() {
    let _watchdog = Watchdog::new("at a data object's name", Duration::from_secs(60));
    for (what, make) in THINGS {
        let prefixes = own_prefixes("at-data");
        let at = path(&format!("{}it", prefixes.data()));
        make(&at);
        assert_eq!(code(open(&prefixes, "it", Access::ReadWrite)), "ERR_MMFILE_NOT_FOUND");
        assert_eq!(code(create(&prefixes, "it")), "ERR_MMFILE_EXISTS", "{what}");
        assert_eq!(sweep(&prefixes).unwrap(), []);
        assert!(fs::symlink_metadata(&at).is_ok(), "{what} is not ours to take away");
        take_away(&at);
        // The same thing in the place of the data of a file that is open.
        let file = create(&prefixes, "it").unwrap();
        file.append(b"kept").unwrap();
        fs::remove_file(&at).unwrap();
        make(&at);
        for access in [Access::ReadWrite, Access::Read] {
            assert_eq!(code(open(&prefixes, "it", access)), "ERR_MMFILE_ACCESS", "{what}");
        }
        assert_eq!(list(&prefixes).unwrap().len(), 1);
        assert_eq!(file.read(0).unwrap(), b"kept");
        drop(file);
        assert!(fs::symlink_metadata(&at).is_ok(), "{what} is not ours to take away");
        take_away(&at);
        assert_eq!(left_behind(prefixes.data().trim_end_matches("data-")), [""; 0]);
    }
}

/// Somebody has changed the mode or the size of an object of a file that is open.
#[test]
fn objects_that_were_changed_are_refused() {
    let prefixes = own_prefixes("changed");
    let prey = Prey::new(&prefixes, 5000);
    let id = prey.file().id().to_owned();
    let objects = [prefixes.data(), prefixes.mutex()].map(|prefix| path(&format!("{prefix}{id}")));
    for object in &objects {
        for mode in [0o644, 0o660, 0o666, 0o601] {
            fs::set_permissions(object, Permissions::from_mode(mode)).unwrap();
            assert_eq!(code(prey.open(Access::ReadWrite)), "ERR_MMFILE_ACCESS", "{mode:o}");
            assert_eq!(code(prey.open(Access::Read)), "ERR_MMFILE_ACCESS", "{mode:o}");
        }
        fs::set_permissions(object, Permissions::from_mode(0o600)).unwrap();
        prey.open(Access::ReadWrite).unwrap().append("x").unwrap();
    }
    let resize = |object: &Path, size| {
        File::options().write(true).open(object).unwrap().set_len(size).unwrap();
    };
    // Nothing in use is cut off, which would kill those who have it mapped.
    for (size, expected) in [(4999, "ERR_MMFILE_ACCESS"), (5001, "ERR_MMFILE_ACCESS")] {
        resize(&objects[0], size);
        assert_eq!(code(prey.open(Access::ReadWrite)), expected, "{size} bytes of data");
        assert_eq!(code(prey.open(Access::Read)), expected, "{size} bytes of data");
    }
    resize(&objects[0], 5000);
    resize(&objects[1], 1000);
    assert_eq!(code(prey.open(Access::ReadWrite)), "ERR_MMFILE_TIMEOUT", "a block without an end");
    resize(&objects[1], CONTROL_SIZE as u64);
    assert_eq!(prey.open(Access::Read).unwrap().len().unwrap(), 2);
}

/// What a listing calls stale, a sweep removes: also what was never finished, and what another version
/// has left.
#[test]
fn what_is_listed_as_stale_is_swept() {
    let prefixes = own_prefixes("stale");
    let prey = Prey::new(&prefixes, 100);
    let mut block = prey.control.bytes();
    drop(prey);
    let make = |id: &str, bytes: &[u8]| {
        regular(&path(&format!("{}{id}", prefixes.mutex())), bytes, 0o600);
    };
    make("ours", &block);
    block[8] = 99;
    make("of-another-version", &block);
    make("blank", &[0; CONTROL_SIZE]);
    make("empty", &[]);
    make("not-ours", &[0x5a; CONTROL_SIZE]);
    let mut listed: Vec<FileId> =
        list(&prefixes).unwrap().into_iter().map(|info| info.id).collect();
    assert!(list(&prefixes).unwrap().iter().all(|info| info.stale));
    let mut swept = sweep(&prefixes).unwrap();
    listed.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    swept.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    assert_eq!(listed, swept);
    assert_eq!(swept.len(), 4);
    assert_eq!(list(&prefixes).unwrap(), []);
    take_away(&path(&format!("{}not-ours", prefixes.mutex())));
    assert_eq!(left_behind(prefixes.data().trim_end_matches("data-")), [""; 0]);
}
