//! System calls that a sandbox, a file system or an old kernel refuses.

use super::support::sandbox::{Refusal, refuse};
use super::support::{
    self, Actor, Folder, Watchdog, common_part, figures, hear, left_behind, own_prefixes, say,
};
use super::{is_root, mutex_options, options, prefixes};
use mmfile_core::*;
use std::path::Path;
use std::time::Duration;

const ROLES: &[support::Role] = &[
    ("confined", confined),
    ("jailed", jailed),
    ("limited", limited),
    ("twice", twice),
    ("ring", uses_a_ring),
    ("flusher", flushes),
];
const LARGE: u64 = 2 << 20;

/// The ways to create something, which differ in the calls that they make.
const WAYS: [&str; 8] = [
    "small",
    "large",
    "small-in-folder",
    "large-in-folder",
    "disk",
    "mutex",
    "channel",
    "channel-on-disk",
];

fn create(way: &str, prefixes: &Prefixes, folder: &Path) -> Result<Box<dyn std::fmt::Debug>> {
    let capacity = if way.starts_with("large") { LARGE } else { 1000 };
    let directory = way.ends_with("in-folder").then_some(folder);
    let filled = |file: MmFile| -> Result<Box<dyn std::fmt::Debug>> {
        file.append("from inside")?;
        Ok(Box::new(file))
    };
    let sent = |channel: Channel| -> Result<Box<dyn std::fmt::Debug>> {
        let mut reader = channel.reader(StartFrom::New)?;
        channel.try_send(b"from inside", None)?;
        let message = reader.try_receive()?.ok_or(Error::Closed)?;
        reader.release(message.position);
        Ok(Box::new((channel, reader)))
    };
    match way {
        "channel" => Channel::create_new(&channel_options(prefixes)).and_then(sent),
        "channel-on-disk" => {
            Channel::create_file(folder.join(way), &channel_options(prefixes)).and_then(sent)
        }
        "mutex" => Ok(Box::new(NamedMutex::open("it", &mutex_options(prefixes))?)),
        "disk" => {
            let file = MmFile::create_file(folder.join("disk"), LARGE, &CreateOptions::default());
            file.and_then(filled)
        }
        _ => MmFile::create_new(capacity, &options(prefixes, way, directory)).and_then(filled),
    }
}

fn channel_options(prefixes: &Prefixes) -> ChannelOptions {
    let id = Some(FileId::parse("it").unwrap());
    ChannelOptions { id, capacity: 4096, prefixes: prefixes.clone(), ..Default::default() }
}

/// Opens what [`create`] made, as a process that is not confined.
fn check(way: &str, prefixes: &Prefixes, folder: &Path) {
    let directory = way.ends_with("in-folder").then_some(folder);
    let open = OpenOptions::from(&options(prefixes, "it", directory));
    let open_channel = OpenChannelOptions { prefixes: prefixes.clone(), ..Default::default() };
    let sent = |channel: Result<Channel>| {
        let channel = channel.unwrap_or_else(|error| panic!("{way}: {error}"));
        let newest = channel.newest().unwrap().unwrap();
        assert_eq!(newest, (0, b"from inside".to_vec()), "{way}");
        assert_eq!(channel.try_send(b"from outside", None).unwrap(), Some(1), "{way}");
    };
    let file = match way {
        "channel" => return sent(Channel::open_existing("it", &open_channel)),
        "channel-on-disk" => return sent(Channel::open_file(folder.join(way), &open_channel)),
        "mutex" => {
            let mutex = NamedMutex::open_existing("it", &mutex_options(prefixes)).unwrap();
            return drop(mutex.lock(None).unwrap());
        }
        "disk" => MmFile::open_file(folder.join("disk"), &open),
        _ => MmFile::open_existing(way, &open),
    };
    let file = file.unwrap_or_else(|error| panic!("{way}: {error}"));
    assert_eq!(file.read_text(0).unwrap(), "from inside", "{way}");
}

/// Creates everything and says how it went; keeps it until the test has seen it.
fn create_all(prefixes: &Prefixes, folder: &Path) {
    let made: Vec<_> = WAYS.iter().map(|way| create(way, prefixes, folder)).collect();
    for result in &made {
        match result {
            Ok(_) => say("created"),
            Err(error) => say(format_args!("{} {error}", error.code())),
        }
    }
    hear();
}

const CALLS: &[(&str, Refusal)] = &[
    ("linkat", refusal(libc::SYS_linkat)),
    #[cfg(target_arch = "x86_64")]
    ("link", refusal(libc::SYS_link)),
    ("renameat2", refusal(libc::SYS_renameat2)),
    ("mmap", Refusal { argument: Some((3, 1, 1)), ..refusal(libc::SYS_mmap) }), // shared ones
    ("F_OFD_SETLK", Refusal { argument: Some((1, !0, 37)), ..refusal(libc::SYS_fcntl) }),
    ("F_OFD_GETLK", Refusal { argument: Some((1, !0, 36)), ..refusal(libc::SYS_fcntl) }),
    ("O_TMPFILE", Refusal::NAMELESS_FILES),
    ("io_uring_setup", refusal(libc::SYS_io_uring_setup)),
];

pub(super) const fn refusal(call: i64) -> Refusal {
    Refusal { call, argument: None, errno: 0 }
}

/// The calls are refused as `call=errno,call=errno` says.
fn confined(args: &[String]) {
    let refusals: Vec<Refusal> = args[3]
        .split(',')
        .filter_map(|part| {
            let (name, errno) = part.split_once('=').unwrap();
            let (_, refusal) = CALLS.iter().find(|(call, _)| *call == name)?;
            Some(Refusal { errno: errno.parse().unwrap(), ..*refusal })
        })
        .collect();
    refuse(&refusals);
    create_all(&prefixes(args), Path::new(&args[2]));
}

/// Runs a role that creates everything, and compares how it went: `None` if it works, or the code and what
/// the message names.
fn compare(
    what: &str,
    (test, role, arg): (&str, &str, &str),
    prefixes: &Prefixes,
    folder: &Folder,
    expected: impl Fn(&str) -> Option<(&'static str, &'static str)>,
) -> Option<()> {
    let path = folder.path().to_str().unwrap();
    let args = [prefixes.data(), prefixes.mutex(), path, arg];
    let mut actor = Actor::start(test, role, &args);
    for way in WAYS {
        let line = actor.expect();
        if line.starts_with("skipped") {
            return None;
        }
        match expected(way) {
            None => {
                assert_eq!(line, "created", "{what}: {way}");
                check(way, prefixes, folder.path());
            }
            Some((code, named)) => {
                assert!(line.starts_with(code) && line.contains(named), "{what}: {way}: {line}");
            }
        }
    }
    actor.finish();
    for name in ["disk", "channel-on-disk"] {
        let _ = std::fs::remove_file(folder.file(name));
    }
    assert_eq!(left_behind(common_part(prefixes)), [""; 0], "{what}");
    Some(())
}

#[test]
fn it_works_or_the_error_names_the_call() {
    support::play(ROLES);
    let test = "refusals::it_works_or_the_error_names_the_call";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    type Expected = Option<(&'static str, &'static str)>;
    let unsupported = |named: &'static str| Some(("ERR_MMFILE_UNSUPPORTED", named));
    let no_names = "renameat2=ENOSYS,linkat=EPERM,link=EPERM";
    let cases: Vec<(&str, Expected)> = vec![
        ("io_uring_setup=EPERM", None),
        ("linkat=EPERM", None),
        ("linkat=ENOSYS", None),
        ("linkat=EACCES", None),
        ("linkat=ENOENT", None),
        ("O_TMPFILE=EOPNOTSUPP", None),
        ("O_TMPFILE=EISDIR", None),
        ("O_TMPFILE=EINVAL", None),
        ("O_TMPFILE=EACCES", None), // a confinement that goes by names
        ("O_TMPFILE=EOPNOTSUPP,renameat2=ENOSYS", None),
        ("renameat2=ENOSYS", None),
        ("renameat2=EINVAL", None),
        ("renameat2=EPERM", None),
        (no_names, unsupported("link")),
        ("F_OFD_SETLK=EINVAL", unsupported("F_OFD_SETLK")),
        ("F_OFD_SETLK=ENOSYS", unsupported("F_OFD_SETLK")),
        ("F_OFD_SETLK=EPERM,F_OFD_GETLK=EPERM", unsupported("F_OFD_SETLK")),
        ("mmap=ENODEV", unsupported("mmap")),
        ("mmap=ENOMEM", Some(("ERR_MMFILE_NO_SPACE", "mmap"))),
    ];
    let numbers = [
        ("EPERM", libc::EPERM),
        ("ENOENT", libc::ENOENT),
        ("EACCES", libc::EACCES),
        ("EISDIR", libc::EISDIR),
        ("EINVAL", libc::EINVAL),
        ("ENODEV", libc::ENODEV),
        ("ENOMEM", libc::ENOMEM),
        ("ENOSYS", libc::ENOSYS),
        ("EOPNOTSUPP", libc::EOPNOTSUPP),
    ];
    for (refused, expected) in cases {
        let calls = numbers.iter().fold(refused.to_owned(), |text, (name, number)| {
            text.replace(&format!("={name}"), &format!("={number}"))
        });
        let (prefixes, folder) = (own_prefixes("refused"), Folder::new("refused"));
        let role = (test, "confined", calls.as_str());
        compare(refused, role, &prefixes, &folder, |_| expected).unwrap();
        assert_eq!(folder.names(), [""; 0], "{refused}");
    }
}

/// Flushes a file and a channel on a disk that fails as the number says.
fn flushes(args: &[String]) {
    let folder = Path::new(&args[0]);
    let errno = args[1].parse().unwrap();
    let file = MmFile::create_file(folder.join("file"), 1000, &CreateOptions::default()).unwrap();
    let options = ChannelOptions::default();
    let channel = Channel::create_file(folder.join("channel"), &options).unwrap();
    file.append("x").unwrap();
    refuse(&[Refusal { errno, ..refusal(libc::SYS_fsync) }]);
    for flushed in [file.flush(), channel.flush()] {
        say(match flushed {
            Ok(()) => "flushed".to_owned(),
            Err(error) => format!("{} {error}", error.code()),
        });
    }
    say(file.append("y").unwrap()); // open handles keep working
}

#[test]
fn a_disk_that_fails_is_not_a_full_one() {
    support::play(ROLES);
    let test = "refusals::a_disk_that_fails_is_not_a_full_one";
    let _watchdog = Watchdog::new(test, Duration::from_secs(30));
    let cases = [
        (libc::EIO, "ERR_MMFILE_ACCESS", "may be lost"),
        (libc::ENOSPC, "ERR_MMFILE_NO_SPACE", "durable storage"),
        (libc::EDQUOT, "ERR_MMFILE_NO_SPACE", "durable storage"),
    ];
    for (errno, code, said) in cases {
        let folder = Folder::new("failing");
        let args = [folder.path().to_str().unwrap(), &errno.to_string()];
        let mut actor = Actor::start(test, "flusher", &args);
        for _ in 0..2 {
            let line = actor.expect();
            assert!(line.starts_with(code) && line.contains(said), "{errno}: {line}");
            assert!(line.contains("fsync"), "{errno}: {line}");
        }
        assert_eq!(actor.expect(), "1");
        actor.finish();
    }
}

/// Goes into a folder that has no /proc and no /dev, and creates everything there.
fn jailed(args: &[String]) {
    let root = std::ffi::CString::new(args[2].as_str()).unwrap();
    // SAFETY: NUL-terminated strings that outlive the calls.
    let jailed = unsafe { libc::chroot(root.as_ptr()) == 0 && libc::chdir(c"/".as_ptr()) == 0 };
    if !jailed {
        return say(format_args!("skipped {}", std::io::Error::last_os_error()));
    }
    create_all(&prefixes(args), Path::new("/"));
}

#[test]
fn a_root_folder_without_proc_and_dev() {
    support::play(ROLES);
    if support::skips_in_chosen_folder() {
        return;
    }
    let test = "refusals::a_root_folder_without_proc_and_dev";
    let (prefixes, folder) = (own_prefixes("jail"), Folder::new("jail"));
    if !is_root() {
        return figures("skipped: only root may change its root folder");
    }
    compare("chroot", (test, "jailed", ""), &prefixes, &folder, |way| match way {
        "small" | "large" | "mutex" | "channel" => {
            Some(("ERR_MMFILE_UNSUPPORTED", "/dev/shm', which does not exist"))
        }
        _ => None,
    });
    assert_eq!(folder.names(), [""; 0]);
}

/// The kernel refuses a ring later, after it has made it: `EPERM` in a sandbox that was closed, `EAGAIN` for lack of
/// memory. A wait that it watches already ends, and there is no ring any more.
#[test]
fn a_ring_that_the_kernel_refuses_later_reports_it() {
    support::play(ROLES);
    let test = "refusals::a_ring_that_the_kernel_refuses_later_reports_it";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    for errno in [libc::EPERM, libc::EAGAIN, libc::ENOMEM, libc::ENOSYS, libc::EBUSY, libc::EINTR] {
        for when in ["before", "between"] {
            let mut actor = Actor::start(test, "ring", &[&errno.to_string(), when]);
            let said = actor.expect();
            actor.finish();
            if said.starts_with("skipped") {
                return figures(said);
            }
            assert_eq!(said, "done", "{errno} {when}");
        }
    }
}

fn uses_a_ring(args: &[String]) {
    let errno: i32 = args[0].parse().unwrap();
    let refuse_to_go_on = || {
        let call = libc::SYS_io_uring_enter;
        refuse(&[Refusal { call, argument: None, errno }]);
    };
    let Some(mut ring) = WakeRing::new() else {
        return say("skipped: this kernel has no such ring, or does not let us");
    };
    let file = MmFile::create_new(64, &CreateOptions::default()).unwrap();
    let waiter = file.waiter();
    if args[1] == "between" {
        // Of another thread, to which nothing is refused.
        let (go, gone) = std::sync::mpsc::channel();
        let theirs = MmFile::open_existing(file.id(), &OpenOptions::default()).unwrap();
        let writer = std::thread::spawn(move || {
            gone.recv().unwrap();
            theirs.append(b"x").unwrap();
        });
        assert!(!waiter.arm(&mut ring, 0).unwrap());
        refuse_to_go_on();
        go.send(()).unwrap();
        writer.join().unwrap();
        let mut poll = libc::pollfd { fd: ring.descriptor(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one descriptor, as the count says.
        assert_eq!(unsafe { libc::poll(&raw mut poll, 1, 5000) }, 1, "nothing tells of the append");
        ring.notice();
        assert!(waiter.arm(&mut ring, 0).unwrap(), "it is there");
        assert!(waiter.arm(&mut ring, 1).unwrap(), "the refusal is something to report");
    } else {
        refuse_to_go_on();
        assert!(waiter.arm(&mut ring, 0).unwrap(), "the refusal is something to report");
    }
    assert!(WakeRing::is_refused() && WakeRing::new().is_none());
    // The mechanism that takes over is not affected.
    let soon = Timeout::Val(Duration::from_millis(20));
    let waited = waiter.wait_for(1, soon, Duration::ZERO).unwrap_err();
    assert_eq!(waited.code(), "ERR_MMFILE_TIMEOUT");
    say("done");
}

/// Creates a file under a limit of the size of files, and others within it.
fn limited(args: &[String]) {
    let (prefixes, folder) = (prefixes(args), Path::new(&args[2]));
    let limit = libc::rlimit { rlim_cur: 1 << 20, rlim_max: 1 << 20 };
    // SAFETY: the limit is readable.
    unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) };
    create_all(&prefixes, folder);
}

#[test]
fn a_limit_of_the_size_of_files_is_an_error_and_no_signal() {
    support::play(ROLES);
    let test = "refusals::a_limit_of_the_size_of_files_is_an_error_and_no_signal";
    let (prefixes, folder) = (own_prefixes("limited"), Folder::new("limited"));
    compare("ulimit -f", (test, "limited", ""), &prefixes, &folder, |way| match way {
        "large" | "large-in-folder" | "disk" => Some(("ERR_MMFILE_NO_SPACE", "RLIMIT_FSIZE")),
        _ => None,
    });
    assert_eq!(folder.names(), [""; 0]);
}

const HUGE: u64 = 128 << 20;

/// Creates a large file in a folder that is gone before it is published, and then one in another folder.
fn twice(args: &[String]) {
    let (prefixes, folder) = (prefixes(args), Path::new(&args[2]));
    let create = |size, directory: &Path| {
        let result = MmFile::create_new(size, &options(&prefixes, "it", Some(directory)));
        say(result.map_or_else(|error| error.code(), |_| "created"));
    };
    create(LARGE, &folder.join("gone"));
    create(HUGE, folder);
    hear();
}

#[test]
fn one_publication_that_fails_changes_no_other_folder() {
    support::play(ROLES);
    let test = "refusals::one_publication_that_fails_changes_no_other_folder";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let (prefixes, folder) = (own_prefixes("twice"), Folder::new("twice"));
    std::fs::create_dir(folder.file("gone")).unwrap();
    let args = [prefixes.data(), prefixes.mutex(), folder.path().to_str().unwrap()];
    let mut actor = Actor::start_with_fault(test, "twice", &args, "=create.described");
    actor.wait_stopped();
    std::fs::remove_dir(folder.file("gone")).unwrap();
    actor.go_on();
    assert_eq!(actor.expect(), "ERR_MMFILE_UNSUPPORTED", "its folder is gone");
    let ended = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        // As long as it has no name, nothing is left of it if the process is killed.
        let watch = scope.spawn(|| {
            let mut names = Vec::new();
            while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                names.extend(folder.names().into_iter().filter(|name| name.contains('~')));
                std::thread::sleep(Duration::from_millis(1));
            }
            names
        });
        assert_eq!(actor.expect(), "created");
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(watch.join().unwrap(), [""; 0]);
    });
    actor.finish();
}
