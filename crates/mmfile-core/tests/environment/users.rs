//! A program that runs with the rights of another user than the one that started it.

use super::support::{self, Actor, Folder, figures, own_prefixes, sandbox, say};
use super::{is_root, options, prefixes};
use mmfile_core::*;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

const ROLES: &[support::Role] = &[("creator", creator)];
const OWNER: u32 = 12_345;
const USER: u32 = 12_346;

/// Says whether it runs with another user's rights, and where a file of its is.
fn creator(args: &[String]) {
    // SAFETY: takes a number and cannot fail.
    let raised = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    let _file = MmFile::create_new(100, &options(&prefixes(args), "it", None)).unwrap();
    let is_usual = Path::new("/dev/shm").join(format!("{}it", args[0])).exists();
    say(format_args!("{raised} {}", if is_usual { "usual" } else { "chosen" }));
}

#[test]
fn the_environment_does_not_choose_the_folder_of_a_privileged_program() {
    support::play(ROLES);
    if support::skips_in_chosen_folder() {
        return;
    }
    let test =
        "environment::users::the_environment_does_not_choose_the_folder_of_a_privileged_program";
    if !is_root() {
        return figures("skipped: only root can give a program another owner");
    }
    let (folder, prefixes) = (Folder::new("raised"), own_prefixes("raised"));
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let program = folder.file("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    chown(&program, Some(OWNER), Some(OWNER)).unwrap();
    for (mode, expected) in [(0o755, "false chosen"), (0o4755, "true usual")] {
        std::fs::set_permissions(&program, Permissions::from_mode(mode)).unwrap();
        let mut command = Command::new(&program);
        command
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env("MMFILE_TEST_ROLE", "creator")
            .env("MMFILE_TEST_ARGS", [prefixes.data(), prefixes.mutex()].join("\u{1f}"))
            .env("MMFILE_DIRECTORY", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        sandbox::as_user(&mut command, USER);
        let Some(mut actor) = Actor::spawn_if_allowed(command) else { return };
        let line = actor.expect();
        actor.finish();
        if mode == 0o4755 && line.starts_with("false") {
            return figures("skipped: this file system does not heed the set-user-ID bit");
        }
        assert_eq!(line, expected, "{mode:o}");
    }
    assert_eq!(support::left_behind(support::common_part(&prefixes)), [""; 0]);
}
