//! Folders that cannot hold objects: the error says which folder, and what it lacks.

use super::support::{self, Actor, Folder, Watchdog, figures, hear, own_prefixes, sandbox, say};
use super::{is_root, options, prefixes};
use mmfile_core::*;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROLES: &[support::Role] = &[("mounter", mounter), ("wanderer", wanderer)];
const UNSUPPORTED: &str = "ERR_MMFILE_UNSUPPORTED";
const ACCESS: &str = "ERR_MMFILE_ACCESS";

/// The errors of every way to use a folder.
fn all_ways(directory: &Path) -> Vec<(&'static str, Result<()>)> {
    let prefixes = own_prefixes("lacking");
    let directory = Some(directory);
    let create = options(&prefixes, "it", directory);
    let mutex = MutexOptions { directory: create.directory.clone(), ..Default::default() };
    let listing = ListOptions { directory: create.directory.clone(), ..Default::default() };
    let id = FileId::parse("it").unwrap();
    vec![
        ("createNew", MmFile::create_new(100, &create).map(drop)),
        ("createNew, large", MmFile::create_new(4 << 20, &create).map(drop)),
        ("createOrOpen", MmFile::create_or_open("it", 100, &create).map(drop)),
        ("NamedMutex.open", NamedMutex::open("it", &mutex).map(drop)),
        ("openExisting", MmFile::open_existing("it", &OpenOptions::from(&create)).map(drop)),
        ("NamedMutex.openExisting", NamedMutex::open_existing("it", &mutex).map(drop)),
        ("remove", remove(&id, Kind::File, &listing)),
        ("list", list(&listing).map(drop)),
        ("sweep", sweep(&listing).map(drop)),
    ]
}

/// Every way reports that code, names the folder and says that; all but a listing where it can be read.
fn refuses(directory: &Path, code: &str, said: &str) {
    let can_be_read = std::fs::read_dir(directory).is_ok();
    for (way, result) in all_ways(directory) {
        if can_be_read && matches!(way, "list" | "sweep") {
            result.unwrap();
            continue;
        }
        let error = result.expect_err(way);
        let text = error.to_string();
        assert_eq!(error.code(), code, "{way}: {text}");
        let named = format!("'{}'", directory.display());
        assert!(text.contains(&named) && text.contains(said), "{way}: {text}");
        assert!(text.contains("name another folder with `directory`"), "{way}: {text}");
    }
}

#[test]
fn a_folder_that_cannot_hold_objects() {
    let folder = Folder::new("lacking");
    let at = |name: &str| folder.file(name);
    std::fs::write(at("file"), "x").unwrap();
    symlink(at("file"), at("link-to-file")).unwrap();
    symlink("/nowhere/at/all", at("link-to-nowhere")).unwrap();
    symlink(at("loop"), at("loop")).unwrap();
    let name = std::ffi::CString::new(at("fifo").to_str().unwrap()).unwrap();
    // SAFETY: a NUL-terminated string that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    for (directory, said) in [
        (at("none"), "does not exist"),
        (at("none").join("deeper"), "does not exist"),
        (at("link-to-nowhere"), "does not exist"),
        (at("file"), "is no folder"),
        (at("link-to-file"), "is no folder"),
        (at("fifo"), "is no folder"),
        ("/dev/null".into(), "is no folder"),
        (at("file").join("deeper"), "a part is no folder"),
        (at("loop"), "a loop of links"),
        (at("loop").join("deeper"), "a loop of links"),
        (at(&"x".repeat(300)), "too long"),
        (folder.path().join("x/".repeat(2100)), "too long"),
    ] {
        refuses(&directory, UNSUPPORTED, said);
    }
    // Long enough for the folder, and too long for what is to be in it.
    let mut deep = folder.path().to_owned();
    while deep.as_os_str().len() < 3900 {
        deep = deep.join("x".repeat(200.min(4000 - deep.as_os_str().len())));
        std::fs::create_dir(&deep).unwrap();
    }
    let id = "y".repeat(64);
    let prefixes = Prefixes::new("z".repeat(64), "lock-").unwrap();
    let mut directory = deep;
    while directory.as_os_str().len() < 4000 {
        directory = directory.join("z".repeat(60));
        std::fs::create_dir(&directory).unwrap();
    }
    let error = MmFile::create_new(100, &options(&prefixes, &id, Some(&directory))).unwrap_err();
    assert!(error.code() == UNSUPPORTED && error.to_string().contains("too long"), "{error}");
    let names: Vec<_> = std::fs::read_dir(&directory).unwrap().collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn a_folder_of_the_kernels_own() {
    for directory in ["/proc", "/proc/self", "/proc/self/fd", "/sys", "/sys/kernel", "/dev/pts"] {
        if Path::new(directory).is_dir() {
            refuses(Path::new(directory), UNSUPPORTED, "the kernel lets no program create files");
        }
    }
}

#[test]
fn a_nul_character_in_a_path() {
    for (way, result) in all_ways(Path::new("/tmp/a\0b")) {
        let error = result.expect_err(way);
        assert_eq!(
            error.to_string(),
            "the argument 'directory' must not contain a NUL character",
            "{way}"
        );
    }
}

/// Mounts two folders for itself alone, and creates something in them.
fn mounter(args: &[String]) {
    let prefixes = prefixes(args);
    let folder = PathBuf::from(&args[2]);
    for (kind, options) in [(c"tmpfs", c"ro"), (c"hugetlbfs", c"")] {
        let at = folder.join(kind.to_str().unwrap());
        std::fs::create_dir(&at).unwrap();
        let target = std::ffi::CString::new(at.to_str().unwrap()).unwrap();
        let flags = if options.is_empty() { 0 } else { libc::MS_RDONLY };
        // SAFETY: NUL-terminated strings that outlive the call.
        let mounted = unsafe {
            libc::mount(kind.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, std::ptr::null())
        };
        if mounted != 0 {
            say(format_args!("skipped {}", std::io::Error::last_os_error()));
            continue;
        }
        let results = [100, 4 << 20]
            .map(|size| MmFile::create_new(size, &super::options(&prefixes, "it", Some(&at))));
        let texts = results.map(|result| {
            result.map_or_else(|error| format!("{} {error}", error.code()), |_| "created".into())
        });
        say(texts.join(" | "));
    }
    hear();
}

#[test]
fn a_file_system_that_is_read_only_or_of_pages_that_cannot_be_written_to() {
    support::play(ROLES);
    let test = "folders::a_file_system_that_is_read_only_or_of_pages_that_cannot_be_written_to";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    if !is_root() {
        return figures("skipped: only root may mount");
    }
    let (folder, prefixes) = (Folder::new("mounted"), own_prefixes("mounted"));
    let args = [prefixes.data(), prefixes.mutex(), folder.path().to_str().unwrap()];
    let mut command = support::command(test, "mounter", &args);
    sandbox::in_mount_namespace(&mut command);
    let Some(mut actor) = Actor::spawn_if_allowed(command) else { return };
    let (read_only, huge) = (actor.expect(), actor.expect());
    actor.finish();
    for (line, code, said) in
        [(read_only, ACCESS, "mounted read-only"), (huge, UNSUPPORTED, "hugetlbfs")]
    {
        if line.starts_with("skipped") {
            figures(line);
            continue;
        }
        for text in line.split(" | ") {
            assert!(text.starts_with(code) && text.contains(said), "{line}");
        }
    }
}

/// Creates a file where the environment says, before and after it goes elsewhere.
fn wanderer(args: &[String]) {
    let prefixes = prefixes(args);
    let create = || MmFile::create_new(100, &options(&prefixes, "it", None)).map(drop);
    let text = |result: Result<()>| {
        result.map_or_else(|error| format!("{} {error}", error.code()), |()| "created".into())
    };
    std::env::set_current_dir(&args[2]).unwrap();
    say(text(create()));
}

#[test]
fn a_relative_path_in_the_environment_is_refused() {
    support::play(ROLES);
    let test = "folders::a_relative_path_in_the_environment_is_refused";
    let (folder, prefixes) = (Folder::new("wander"), own_prefixes("wander"));
    std::fs::create_dir(folder.file("sub")).unwrap();
    let args = [prefixes.data(), prefixes.mutex(), folder.path().to_str().unwrap()];
    let mut command = support::command(test, "wanderer", &args);
    command.env("MMFILE_DIRECTORY", "sub");
    let mut actor = Actor::spawn_if_allowed(command).unwrap();
    let line = actor.expect();
    actor.finish();
    assert!(line.starts_with(UNSUPPORTED) && line.contains("MMFILE_DIRECTORY"), "{line}");
    assert!(line.contains("'sub'") && line.contains("absolute"), "{line}");
    let file = folder.file("sub");
    assert_eq!(std::fs::read_dir(file).unwrap().count(), 0);
}
