//! A group of processes with little memory, one of which is killed for want of it in the middle of a
//! creation.

use super::support::sandbox::{Refusal, in_mount_namespace, refuse};
use super::support::{
    self, Actor, Folder, Watchdog, common_part, figures, left_behind, own_prefixes, say,
};
use super::{options, prefixes};
use mmfile_core::*;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROLES: &[support::Role] = &[("creator", creator), ("short-of-memory", short_of_memory)];
const LIMIT: &str = "209715200"; // 200 MiB

/// A new control group with that limit, of either version.
struct Group(PathBuf);

impl Group {
    fn new() -> Option<Self> {
        let name = format!("mmfile-test-{}", std::process::id());
        let versions =
            [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        versions.iter().find_map(|(root, limit)| {
            let path = Path::new(root).join(&name);
            std::fs::create_dir(&path).ok()?;
            let group = Self(path);
            std::fs::write(group.0.join(limit), LIMIT).ok()?;
            let _ = std::fs::write(group.0.join("memory.swap.max"), "0");
            Some(group)
        })
    }

    fn usage(&self) -> u64 {
        let read = |name| std::fs::read_to_string(self.0.join(name));
        let text = read("memory.usage_in_bytes").or_else(|_| read("memory.current")).unwrap();
        text.trim().parse().unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for _ in 0..100 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10)); // until its last process is gone
        }
    }
}

/// Joins the group and creates a file of that size, where the system may have no files without a name.
fn creator(args: &[String]) {
    // Only now: there may be no room left in it for a program to be started.
    std::fs::write(Path::new(&args[4]).join("cgroup.procs"), "0").unwrap();
    if args[3] == "named" {
        refuse(&[Refusal::NAMELESS_FILES]);
    }
    let capacity = args[2].parse().unwrap();
    let file = MmFile::create_new(capacity, &options(&prefixes(args), &args[2], None));
    say(file.as_ref().map_or_else(Error::code, |_| "created"));
}

/// Creates a file of 20 MiB in two folders where the machine says that it has 10 MiB of memory left.
fn short_of_memory(args: &[String]) {
    let folder = PathBuf::from(&args[2]);
    let said = folder.join("meminfo");
    std::fs::write(&said, "MemAvailable: 10240 kB\nSwapFree: 0 kB\n").unwrap();
    let text = |path: &Path| std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    let (from, to) = (text(&said), c"/proc/meminfo");
    let none = std::ptr::null();
    // SAFETY: NUL-terminated strings that outlive the calls.
    let mounted = unsafe {
        libc::mount(
            c"none".as_ptr(),
            c"/".as_ptr(),
            none,
            libc::MS_REC | libc::MS_PRIVATE,
            none.cast(),
        ) == 0
            && libc::mount(from.as_ptr(), to.as_ptr(), none, libc::MS_BIND, none.cast()) == 0
    };
    if !mounted {
        return say(format_args!("skipped: {}", std::io::Error::last_os_error()));
    }
    for directory in [Path::new("/dev/shm"), &folder] {
        let options = options(&prefixes(args), "it", Some(directory));
        say(MmFile::create_new(20 << 20, &options).map_or_else(|error| error.code(), |_| "created"));
    }
}

/// The machine's memory does not limit a folder on a disk.
#[test]
fn a_folder_on_a_disk_takes_more_than_fits_into_memory() {
    support::play(ROLES);
    let test = "memory::a_folder_on_a_disk_takes_more_than_fits_into_memory";
    let _watchdog = Watchdog::new(test, Duration::from_secs(60));
    let (prefixes, folder) = (own_prefixes("disk"), Folder::new("disk"));
    let path = folder.path().to_str().unwrap();
    let args = [prefixes.data(), prefixes.mutex(), path];
    let mut command = support::command(test, "short-of-memory", &args);
    in_mount_namespace(&mut command);
    let Some(mut actor) = Actor::spawn_if_allowed(command) else { return };
    let first = actor.expect();
    if first.starts_with("skipped") {
        return figures(first);
    }
    assert_eq!((first.as_str(), actor.expect().as_str()), ("ERR_MMFILE_NO_SPACE", "created"));
    actor.finish();
}

#[test]
fn a_creation_that_was_killed_for_lack_of_memory_leaves_it_to_the_next_one() {
    support::play(ROLES);
    if support::skips_in_chosen_folder() {
        return;
    }
    let test = "memory::a_creation_that_was_killed_for_lack_of_memory_leaves_it_to_the_next_one";
    let _watchdog = Watchdog::new(test, Duration::from_secs(120));
    let Some(group) = Group::new() else {
        return figures("skipped: this process may not make a control group with a memory limit");
    };
    for how in ["nameless", "named"] {
        let prefixes = own_prefixes("oom");
        let create = |capacity: u64| {
            let capacity = capacity.to_string();
            let path = group.0.to_str().unwrap();
            Actor::start(
                test,
                "creator",
                &[prefixes.data(), prefixes.mutex(), &capacity, how, path],
            )
        };
        let mut large = create(512 << 20);
        let line = large.line();
        large.child.wait().unwrap();
        assert!(matches!(line.as_deref(), None | Some("ERR_MMFILE_NO_SPACE")), "{how}: {line:?}");
        let left = left_behind(common_part(&prefixes)).len();
        let usage = group.usage() >> 20;
        let outcome = line.unwrap_or_else(|| "killed".into());
        figures(format!("512 MiB of 200, {how}: {outcome}; {left} objects left, {usage} MiB used"));
        assert_eq!(left, usize::from(how == "named" && outcome == "killed"));
        let mut small = create(1 << 20);
        assert_eq!(small.expect(), "created", "{how}");
        small.finish();
        assert_eq!(left_behind(common_part(&prefixes)), [""; 0]);
    }
}
