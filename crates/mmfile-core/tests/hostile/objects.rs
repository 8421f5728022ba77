//! Other things at objects' names, and objects that were changed from outside.

use super::support::raw::{
    CONTROL_SIZE, OFF_CAPACITY, OFF_STATE, OFF_VERSION, Raw, STATE_ENDED, staging_name,
};
use super::support::{
    Folder, Watchdog, common_part, left_behind, path, set_size_of_object, size_of_object,
};
use super::{Prey, listing, open, own_prefixes};
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

/// A file that no other process can open until the one that has a lease on it gives that up.
#[cfg(target_os = "linux")]
fn leased(at: &Path) {
    use std::os::fd::IntoRawFd;
    regular(at, &[0; CONTROL_SIZE], 0o600);
    let fd = fs::File::open(at).unwrap().into_raw_fd(); // open until the test ends
    // SAFETY: an open descriptor; the signal that asks for the lease is to end nothing.
    unsafe {
        libc::signal(libc::SIGIO, libc::SIG_IGN);
        assert_eq!(libc::fcntl(fd, libc::F_SETLEASE, libc::F_WRLCK), 0);
    }
}

fn fifo(at: &Path) {
    let name = std::ffi::CString::new(at.to_str().unwrap()).unwrap();
    // SAFETY: a NUL-terminated string that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
}

/// Things that may be at a name, and how to create them.
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
    // The possible states of macOS' anchors after the machine went down.
    #[cfg(not(mmfile_portable))]
    ("nothing", |at| regular(at, &[], 0o600)),
    ("a blank page", |at| regular(at, &[0; CONTROL_SIZE], 0o600)),
    ("many blank pages", |at| regular(at, &[0; 64 * CONTROL_SIZE], 0o600)),
    ("one byte", |at| regular(at, b"x", 0o600)),
    ("almost a control block", |at| regular(at, &[0; CONTROL_SIZE - 1], 0o600)),
    ("more than a control block", |at| regular(at, &[0; 2 * CONTROL_SIZE], 0o600)),
    ("something else", |at| regular(at, &[0x5a; CONTROL_SIZE], 0o600)),
    ("something others may read", |at| regular(at, &[0; CONTROL_SIZE], 0o604)),
    ("something a group may write", |at| regular(at, &[0; CONTROL_SIZE], 0o620)),
    ("something no user may touch", |at| regular(at, &[0x5a; CONTROL_SIZE], 0o000)),
    #[cfg(target_os = "linux")]
    ("something with a lease", leased),
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

/// Nothing that a program does with a file of that name removes what is there.
fn is_left_alone(prefixes: &Prefixes, what: &str, at: &Path) {
    for access in [Access::ReadWrite, Access::Read] {
        assert_eq!(code(open(prefixes, "it", access)), "ERR_MMFILE_ACCESS", "{what}");
    }
    assert_eq!(code(create(prefixes, "it")), "ERR_MMFILE_ACCESS", "{what}");
    let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
    let either = MmFile::create_or_open("it", 100, &options);
    assert_eq!(code(either), "ERR_MMFILE_ACCESS", "{what}");
    // Creations of other names, which remove what the dead left.
    (0..3).for_each(|_| drop(MmFile::create_new(10, &options).unwrap()));
    assert_eq!(list(&listing(prefixes)).unwrap(), [], "{what} is no file of ours");
    assert_eq!(sweep(&listing(prefixes)).unwrap(), [], "{what}");
    let removed = remove(&FileId::parse("it").unwrap(), Kind::File, &listing(prefixes));
    assert_eq!(code(removed), "ERR_MMFILE_ACCESS", "{what}");
    assert!(fs::symlink_metadata(at).is_ok(), "{what} is not ours to remove");
}

#[test]
fn other_things_at_a_files_name_are_left_alone() {
    let _watchdog = Watchdog::new("at a file's name", Duration::from_secs(60));
    for (what, make) in THINGS {
        let prefixes = own_prefixes("at-file");
        let at = path(&format!("{}it", prefixes.data()));
        make(&at);
        is_left_alone(&prefixes, what, &at);
        take_away(&at);
        // The same thing in the place of a file that is open.
        let file = create(&prefixes, "it").unwrap();
        file.append(b"kept").unwrap();
        fs::remove_file(&at).unwrap();
        make(&at);
        is_left_alone(&prefixes, what, &at);
        assert_eq!(file.read(0).unwrap(), b"kept");
        drop(file);
        assert!(fs::symlink_metadata(&at).is_ok(), "{what} is not ours to remove");
        take_away(&at);
        assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
    }
}

#[test]
fn other_things_at_a_mutexs_name_are_left_alone() {
    for (what, make) in THINGS {
        let prefixes = own_prefixes("at-mutex");
        let prefix = format!("{}mutex-", common_part(&prefixes));
        let at = path(&format!("{prefix}it"));
        make(&at);
        let options = MutexOptions { prefix: prefix.clone(), ..Default::default() };
        assert_eq!(code(NamedMutex::open("it", &options)), "ERR_MMFILE_ACCESS", "{what}");
        assert_eq!(code(NamedMutex::open_existing("it", &options)), "ERR_MMFILE_ACCESS", "{what}");
        drop(NamedMutex::open("another", &options).unwrap());
        let listing = ListOptions { mutex_prefix: Some(prefix), ..listing(&prefixes) };
        assert_eq!(list(&listing).unwrap(), [], "{what} is no mutex of ours");
        assert_eq!(sweep(&listing).unwrap(), [], "{what}");
        assert!(fs::symlink_metadata(&at).is_ok(), "{what} is not ours to remove");
        take_away(&at);
        assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
    }
}

/// A file where a mutex is expected, and the other way round: one prefix serves for both.
#[test]
fn a_file_is_no_mutex() {
    let prefixes = own_prefixes("kinds");
    let options = MutexOptions { prefix: prefixes.data().to_owned(), ..Default::default() };
    let file = create(&prefixes, "it").unwrap();
    let _mutex = NamedMutex::open("other", &options).unwrap();
    assert_eq!(code(NamedMutex::open("it", &options)), "ERR_MMFILE_ACCESS");
    assert_eq!(code(open(&prefixes, "other", Access::Read)), "ERR_MMFILE_ACCESS");
    assert_eq!(code(create(&prefixes, "other")), "ERR_MMFILE_ACCESS");
    assert_eq!(list(&listing(&prefixes)).unwrap().len(), 1);
    file.append("x").unwrap();
}

/// Another program has changed the mode or the size of an object of a file that is open.
#[test]
fn objects_that_were_changed_are_refused() {
    let prefixes = own_prefixes("changed");
    let prey = Prey::new(&prefixes, 5000);
    let object = path(&format!("{}{}", prefixes.data(), prey.file().id()));
    for mode in [0o644, 0o660, 0o666, 0o601] {
        fs::set_permissions(&object, Permissions::from_mode(mode)).unwrap();
        assert_eq!(code(prey.open(Access::ReadWrite)), "ERR_MMFILE_ACCESS", "{mode:o}");
        assert_eq!(code(prey.open(Access::Read)), "ERR_MMFILE_ACCESS", "{mode:o}");
    }
    fs::set_permissions(&object, Permissions::from_mode(0o600)).unwrap();
    prey.open(Access::ReadWrite).unwrap().append("x").unwrap();
    let size = size_of_object(&object);
    assert_eq!(size, 2 * 4096 + CONTROL_SIZE as u64);
    // Nothing in use is cut off, which would kill the processes that have it mapped.
    for other in [size - 1, size + 1, size + 2048, size + 4096, size + (1 << 20)] {
        set_size_of_object(&object, other);
        for access in [Access::ReadWrite, Access::Read] {
            assert_eq!(code(prey.open(access)), "ERR_MMFILE_ACCESS", "{other} bytes");
        }
        assert_eq!(sweep(&listing(&prefixes)).unwrap(), [], "a process has it open");
        assert!(object.exists(), "{other} bytes");
        set_size_of_object(&object, size);
    }
    // A control block that says another capacity than the size does.
    for capacity in [0u64, 4092, 1 << 20, u64::MAX] {
        prey.control.put(OFF_CAPACITY, &capacity.to_le_bytes());
        assert_eq!(code(prey.open(Access::ReadWrite)), "ERR_MMFILE_ACCESS", "{capacity}");
    }
    prey.control.put(OFF_CAPACITY, &5000u64.to_le_bytes());
    assert_eq!(prey.open(Access::Read).unwrap().len().unwrap(), 1);
}

/// A sweep removes exactly the objects that a listing calls stale, including those of another version, and
/// nothing without a control block.
#[test]
fn objects_listed_as_stale_are_swept() {
    let prefixes = own_prefixes("stale");
    let prey = Prey::new(&prefixes, 100);
    let whole = |prey: &Prey| {
        let mut object = prey.data.bytes();
        object.resize(4096, 0);
        object.extend(prey.control.bytes());
        object
    };
    let mut object = whole(&prey);
    drop(prey);
    let at = |id: &str| path(&format!("{}{id}", prefixes.data()));
    let mut count = 0;
    let mut make = |id: &str, bytes: &[u8]| {
        Raw::create(&format!("{}{id}", prefixes.data()), bytes.len() as u64).put(0, bytes);
        fs::set_permissions(at(id), Permissions::from_mode(0o600)).unwrap();
        count += 1;
    };
    make("ours", &object);
    let version = 4096 + OFF_VERSION;
    object[version] = 99;
    make("of-another-version", &object);
    object[version] = 2;
    object[4096 + OFF_STATE] = STATE_ENDED as u8;
    make("ended", &object);
    let foreign = [
        ("blank", vec![0; CONTROL_SIZE]),
        #[cfg(not(mmfile_portable))]
        ("empty", vec![]),
        ("not-ours", vec![0x5a; 8192]),
    ];
    for (id, bytes) in &foreign {
        regular(&at(id), bytes, 0o600);
    }
    assert_eq!(left_behind(common_part(&prefixes)).len(), count + foreign.len());
    let ids = |infos: Vec<ObjectInfo>| {
        assert!(infos.iter().all(|info| info.stale));
        let mut ids: Vec<String> = infos.into_iter().map(|info| info.id.to_string()).collect();
        ids.sort();
        ids
    };
    let listed = ids(list(&listing(&prefixes)).unwrap());
    assert_eq!(listed, ["of-another-version", "ours"]);
    assert_eq!(ids(sweep(&listing(&prefixes)).unwrap()), listed);
    assert_eq!(list(&listing(&prefixes)).unwrap(), []);
    assert!(!at("ended").exists());
    foreign.iter().for_each(|(id, _)| take_away(&at(id)));
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}

/// The next creation removes staging objects that no process has locked, in any state that a creation can leave:
/// empty, without a mark, or with a control block. It removes nothing with other contents, or whose name is not
/// exactly that of a staging object.
#[test]
fn only_staging_objects_of_dead_processes_are_removed() {
    let prefixes = own_prefixes("staged");
    let prey = Prey::new(&prefixes, 100);
    #[cfg_attr(mmfile_portable, allow(unused, reason = "it is more than these bytes"))]
    let mut described = vec![0; 4096];
    described.extend(prey.control.bytes());
    drop(prey);
    let at = |name: &str| path(&format!("{}{name}", prefixes.data()));
    let staged =
        |id: &str, number: u64| path(&staging_name(&format!("{}{id}", prefixes.data()), number));
    let removed: &[(&Path, &[u8])] = &[
        (&staged("it", 1), &[]),
        // An anchor names its memory, or is still empty.
        #[cfg(not(any(target_os = "macos", mmfile_portable)))]
        (&staged("it", u64::MAX), &[0; 2 * CONTROL_SIZE]),
        #[cfg(not(any(target_os = "macos", mmfile_portable)))]
        (&staged("another-one", 0x0123_4567_89ab_cdef), &described),
    ];
    let foreign: &[(&Path, &[u8])] = &[
        (&staged("it", 2), b"x"),
        (&staged("it", 3), &[0x5a; 2 * CONTROL_SIZE]),
        (&staged("it", 4), &[0; CONTROL_SIZE - 1]),
        (&staged("i t", 5), &[]),
        (&at("it~0123456789abcdef"), &[]),
        (&at("it~0123456789abcdef01234567"), &[]),
        (&at("it~0123456789abcdef~"), b"x"),
        (&at("~0123456789abcdef"), b"x"),
    ];
    removed.iter().chain(foreign).for_each(|(at, bytes)| regular(at, bytes, 0o600));
    drop(create(&prefixes, "own").unwrap());
    sweep(&listing(&prefixes)).unwrap();
    list(&listing(&prefixes)).unwrap();
    for (at, _) in removed {
        assert!(!at.exists(), "{}", at.display());
    }
    for (at, bytes) in foreign {
        assert_eq!(fs::read(at).unwrap(), *bytes, "{}", at.display());
        take_away(at);
    }
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}

/// A program that uses the empty prefix shares its folder with files of every name.
#[test]
fn the_empty_prefix_claims_no_other_file() {
    let folder = Folder::new("empty-prefix");
    let names = ["notes", "notes~0123456789abcdef", "lock~ffffffffffffffff", "notes~"];
    names.iter().for_each(|name| regular(&folder.file(name), b"precious", 0o600));
    regular(&folder.file("empty~0123456789abcdef"), &[], 0o600);
    let directory = Some(folder.path().to_owned());
    let create = CreateOptions {
        directory: directory.clone(),
        prefixes: Prefixes::new("", "lock-").unwrap(),
        ..Default::default()
    };
    let listing = ListOptions {
        directory,
        prefixes: create.prefixes.clone(),
        mutex_prefix: Some(String::new()),
    };
    for _ in 0..40 {
        drop(MmFile::create_new(100, &create).unwrap());
    }
    assert_eq!((list(&listing).unwrap(), sweep(&listing).unwrap()), (vec![], vec![]));
    // The same beside a file on disk.
    drop(MmFile::create_file(folder.file("lock"), 100, &create).unwrap());
    fs::remove_file(folder.file("lock")).unwrap();
    for name in names {
        assert_eq!(fs::read(folder.file(name)).unwrap(), b"precious", "{name}");
    }
    assert!(folder.file("empty~0123456789abcdef").exists());
    assert_eq!(folder.names().len(), names.len() + 1);
}

/// Prefixes of which one begins with the other: a file `m-x` and a mutex `x` have one name.
#[test]
fn prefixes_that_overlap() {
    let prefixes = own_prefixes("overlap");
    let options = MutexOptions { prefix: format!("{}m-", prefixes.data()), ..Default::default() };
    let files = listing(&prefixes);
    let mutexes = ListOptions { mutex_prefix: Some(options.prefix.clone()), ..files.clone() };
    let kinds = |infos: Vec<ObjectInfo>| {
        let mut kinds: Vec<_> = infos.iter().map(|it| (it.kind, it.id.to_string())).collect();
        kinds.sort_by_key(|(kind, id)| (*kind == Kind::Mutex, id.clone()));
        kinds
    };
    let (id, name) = (FileId::parse("m-x").unwrap(), FileId::parse("x").unwrap());
    let refuses = |result: Result<()>| {
        let error = result.unwrap_err();
        assert_eq!(error.code(), "ERR_MMFILE_ACCESS");
        assert!(error.to_string().contains("of which none begins with another"), "{error}");
    };
    // A living object of the other kind is reported as such.
    let mutex = NamedMutex::open("x", &options).unwrap();
    refuses(create(&prefixes, "m-x").map(drop));
    refuses(open(&prefixes, "m-x", Access::ReadWrite).map(drop));
    refuses(remove(&id, Kind::File, &files));
    assert_eq!(kinds(list(&mutexes).unwrap()), [(Kind::Mutex, "x".to_owned())]);
    assert_eq!(sweep(&mutexes).unwrap(), []);
    let stale = fs::read(path(&format!("{}x", options.prefix))).unwrap();
    drop(mutex);
    let file = create(&prefixes, "m-x").unwrap();
    refuses(NamedMutex::open("x", &options).map(drop));
    refuses(NamedMutex::open_existing("x", &options).map(drop));
    refuses(remove(&name, Kind::Mutex, &mutexes));
    assert_eq!(kinds(list(&mutexes).unwrap()), [(Kind::File, "m-x".to_owned())]);
    drop(file);
    // A stale one is not.
    if cfg!(mmfile_portable) || cfg!(target_os = "macos") {
        return; // it is more than these bytes
    }
    let make = || regular(&path(&format!("{}x", options.prefix)), &stale, 0o600);
    make();
    assert_eq!(sweep(&files).unwrap(), [], "no file");
    assert_eq!(list(&files).unwrap(), []);
    refuses(remove(&id, Kind::File, &files));
    assert_eq!(kinds(sweep(&mutexes).unwrap()), [(Kind::Mutex, "x".to_owned())]);
    make();
    drop(create(&prefixes, "m-x").unwrap());
    make();
    assert_eq!(code(open(&prefixes, "m-x", Access::Read)), "ERR_MMFILE_NOT_FOUND");
    assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
}
