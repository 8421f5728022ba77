//! Files on disk.

mod support;

use mmfile_core::*;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
#[cfg(unix)]
use std::time::Duration;
use std::time::Instant;
use support::{Actor, Folder, PROMPT, hear, say};

fn create(path: &PathBuf, capacity: u64) -> MmFile {
    MmFile::create_file(path, capacity, &CreateOptions::default()).unwrap()
}

fn open(path: impl AsRef<std::path::Path>) -> MmFile {
    MmFile::open_file(path, &OpenOptions::default()).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn segments_are_there_after_every_process_has_left() {
    let folder = Folder::new("stays");
    let path = folder.file("a.mmf");
    let file = create(&path, 1000);
    file.append("one").unwrap();
    file.append(b"").unwrap();
    file.flush().unwrap();
    assert_eq!(file.path().unwrap().canonicalize().unwrap(), path.canonicalize().unwrap());
    #[cfg(unix)]
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    drop(file);
    let file = open(&path);
    assert_eq!((file.len().unwrap(), file.size().unwrap(), file.capacity()), (2, 14, 1000));
    assert_eq!(file.read_text(0).unwrap(), "one");
    file.append("two").unwrap();
    file.seal().unwrap();
    drop(file);
    let file = open(&path);
    assert!(file.is_sealed().unwrap() && !file.is_creator());
    assert_eq!(file.read_text(2).unwrap(), "two");
}

#[test]
fn the_bytes_on_disk_are_the_frames() {
    let folder = Folder::new("bytes");
    for capacity in [4u64, 11, 65_531, 65_532, 65_533, 200_000] {
        let path = folder.file(&format!("{capacity}.mmf"));
        let file = create(&path, capacity);
        let payload = vec![7u8; usize::try_from(capacity - 4).unwrap()];
        file.append(&payload).unwrap();
        drop(file);
        let bytes = std::fs::read(&path).unwrap();
        let end = usize::try_from(capacity).unwrap();
        assert_eq!(bytes[4..end], payload[..]);
        // A reader that knows only the frames comes to an end.
        assert_eq!(bytes[end..end + 4], [0; 4]);
        assert_eq!(open(&path).read(0).unwrap(), payload);
    }
}

/// C's `fopen` and Python's `open` share reading and writing, but not deleting.
#[test]
#[cfg(windows)]
fn programs_that_do_not_share_deleting_can_read_it() {
    use std::os::windows::fs::OpenOptionsExt;
    const READ_AND_WRITE: u32 = 3;
    let folder = Folder::new("shared");
    let path = folder.file("a.mmf");
    let file = create(&path, 1000);
    file.append("one").unwrap();
    let other = std::fs::OpenOptions::new().read(true).share_mode(READ_AND_WRITE).open(&path);
    other.expect("its creator has it open");
}

#[test]
fn the_lock_belongs_to_the_file_by_whatever_path() {
    let folder = Folder::new("links");
    let path = folder.file("a.mmf");
    let file = create(&path, 1000);
    std::fs::hard_link(&path, folder.file("hard")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&path, folder.file("soft")).unwrap();
    for other in ["hard", "soft"] {
        if cfg!(windows) && other == "soft" {
            continue; // making one takes a privilege there
        }
        let other = open(folder.file(other));
        let guard = file.lock(None).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(other.try_lock().unwrap().is_none()));
        });
        drop(guard);
        let index = other.append("x").unwrap();
        assert_eq!(file.read_text(index).unwrap(), "x");
    }
}

#[test]
fn files_of_other_programs_are_refused() {
    let folder = Folder::new("refused");
    let options = OpenOptions::default();
    let missing = MmFile::open_file(folder.file("none"), &options);
    assert_eq!(code(missing), "ERR_MMFILE_NOT_FOUND");
    let nowhere = MmFile::create_file(folder.file("no/where"), 10, &CreateOptions::default());
    assert_eq!(code(nowhere), "ERR_MMFILE_NOT_FOUND");
    for (name, bytes) in [("empty", 0), ("short", 100), ("page", 4096), ("zeros", 65_536 + 4096)] {
        std::fs::write(folder.file(name), vec![0u8; bytes]).unwrap();
        let opened = MmFile::open_file(folder.file(name), &options);
        assert_eq!(code(opened), "ERR_MMFILE_INCOMPATIBLE", "{name}");
    }
    assert_eq!(code(MmFile::open_file(folder.path(), &options)), "ERR_MMFILE_ACCESS");
    let path = folder.file("a.mmf");
    drop(create(&path, 10));
    let again = MmFile::create_file(&path, 10, &CreateOptions::default());
    assert_eq!(code(again), "ERR_MMFILE_EXISTS");
    let huge = MmFile::create_file(folder.file("huge"), 1 << 60, &CreateOptions::default());
    assert_eq!(code(huge), "ERR_MMFILE_NO_SPACE");
    assert!(!folder.file("huge").exists());
}

/// Windows cuts no file that is mapped.
#[test]
#[cfg(unix)]
fn a_file_that_is_cut_is_an_error_and_not_a_crash() {
    let folder = Folder::new("cut");
    let path = folder.file("a.mmf");
    let file = create(&path, 100_000);
    file.append(&[1u8; 50_000]).unwrap();
    let cut = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    cut.set_len(10_000).unwrap();
    assert_eq!(code(file.append("x")), "ERR_MMFILE_CORRUPT");
    assert_eq!(code(file.read(0)), "ERR_MMFILE_CORRUPT");
    assert_eq!(code(file.lock(None)), "ERR_MMFILE_CORRUPT");
    assert_eq!(code(file.len()), "ERR_MMFILE_CORRUPT");
    let waited = file.wait_for(0, Timeout::Val(Duration::ZERO), Duration::ZERO);
    assert_eq!(code(waited), "ERR_MMFILE_CORRUPT");
    assert_eq!(file.peers(), []);
    drop(file);
    let again = MmFile::open_file(&path, &OpenOptions::default());
    assert_eq!(code(again), "ERR_MMFILE_INCOMPATIBLE");
}

/// The same for what is under way: sleeping waits, a lock that is held, and one that is waited for.
#[test]
#[cfg(unix)]
fn a_file_that_is_cut_ends_waits_and_sections() {
    let folder = Folder::new("cut-under");
    for length in [0, 10_000] {
        let path = folder.file(&length.to_string());
        let file = create(&path, 100_000);
        file.append(&[1u8; 50_000]).unwrap();
        let (other, sleeping) = (open(&path), std::sync::Barrier::new(3));
        let guard = file.lock(None).unwrap();
        std::thread::scope(|scope| {
            let wait = || {
                sleeping.wait();
                let long = Timeout::Val(Duration::from_secs(60));
                code(other.wait_for(1, long, Duration::ZERO))
            };
            let lock = || {
                sleeping.wait();
                code(other.lock(Some(Timeout::Val(Duration::from_secs(60)))))
            };
            let threads = [scope.spawn(wait), scope.spawn(lock)];
            sleeping.wait();
            std::thread::sleep(Duration::from_millis(50));
            let cut = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            cut.set_len(length).unwrap();
            assert!(!file.has(0) && !file.has(1));
            assert!(!file.peer_gone());
            for thread in threads {
                assert_eq!(thread.join().unwrap(), "ERR_MMFILE_CORRUPT");
            }
        });
        drop(guard);
        let spun = other.wait_for(1, Timeout::Infinite, Duration::from_millis(50));
        assert_eq!(code(spun), "ERR_MMFILE_CORRUPT");
        let waiter = other.waiter();
        waiter.look_again();
        waiter.cancel();
        assert_eq!(code(file.seal()), "ERR_MMFILE_CORRUPT");
        assert_eq!(
            code(other.lock_holder().map(drop).and_then(|()| other.append("x"))),
            "ERR_MMFILE_CORRUPT"
        );
        // The kernel's record of the lock does not prevent the next one.
        let next = create(&folder.file(&format!("{length}-next")), 100);
        drop(next.lock(None).unwrap());
        next.append("x").unwrap();
    }
}

fn writer(args: &[String]) {
    let file = open(&args[0]);
    let guard = file.lock(None).unwrap();
    file.append("from a writer").unwrap();
    say("locked");
    hear();
    drop(guard);
}

#[test]
fn a_dead_holder_leaves_it_usable() {
    support::play(&[("writer", writer)]);
    let folder = Folder::new("dead");
    let path = folder.file("a.mmf");
    let file = create(&path, 1000);
    for round in 0..5 {
        let arg = path.to_str().unwrap();
        let mut actor = Actor::start("a_dead_holder_leaves_it_usable", "writer", &[arg]);
        assert_eq!(actor.line().unwrap(), "locked");
        assert!(file.try_lock().unwrap().is_none());
        actor.kill();
        let started = Instant::now();
        file.append("x").unwrap();
        assert!(started.elapsed() < PROMPT);
        assert_eq!((file.recovered(), file.len().unwrap()), (round + 1, 2 * (round + 1)));
    }
    // And if no process is left to notice: the next opener initialises the lock again.
    drop(file);
    let arg = path.to_str().unwrap();
    let mut actor = Actor::start("a_dead_holder_leaves_it_usable", "writer", &[arg]);
    assert_eq!(actor.line().unwrap(), "locked");
    actor.kill();
    let file = open(&path);
    assert_eq!(file.len().unwrap(), 11);
    file.append("y").unwrap();
}

#[test]
fn a_file_that_may_not_be_written_can_be_read() {
    let folder = Folder::new("readonly");
    let path = folder.file("a.mmf");
    let writer = create(&path, 1000);
    writer.append("before").unwrap();
    let options = OpenOptions { access: Access::Read, ..Default::default() };
    let reader = MmFile::open_file(&path, &options).unwrap();
    writer.append("after").unwrap();
    assert_eq!(reader.read_text(1).unwrap(), "after");
    assert_eq!(code(reader.append("x")), "ERR_MMFILE_READ_ONLY");
    drop((writer, reader));
    let usual = std::fs::metadata(&path).unwrap().permissions();
    let mut permissions = usual.clone();
    permissions.set_readonly(true);
    std::fs::set_permissions(&path, permissions).unwrap();
    if std::fs::OpenOptions::new().write(true).open(&path).is_ok() {
        std::fs::set_permissions(&path, usual).unwrap();
        return; // root may write anything: the rest is in `__test__`, as another user
    }
    assert_eq!(code(MmFile::open_file(&path, &OpenOptions::default())), "ERR_MMFILE_ACCESS");
    let reader = MmFile::open_file(&path, &options).unwrap();
    assert_eq!(reader.read_text(1).unwrap(), "after");
    drop(reader);
    std::fs::set_permissions(&path, usual).unwrap(); // or Windows keeps it
}

#[test]
fn a_path_that_names_a_folder_is_refused() {
    let folder = Folder::new("named");
    for name in ["x/", "x/.", "x/..", "x//", ".", ".."] {
        let path = folder.path().join(".").join(name);
        let errors = [
            MmFile::create_file(&path, 100, &CreateOptions::default()).map(|_| ()),
            MmFile::open_file(&path, &OpenOptions::default()).map(|_| ()),
            Channel::create_file(&path, &ChannelOptions::default()).map(|_| ()),
        ];
        for error in errors {
            assert_eq!(error.unwrap_err().code(), "ERR_INVALID_ARG_VALUE", "{name}");
        }
    }
    assert_eq!(folder.names(), [""; 0]);
}
