//! A program that runs with the rights of another user than the one that started it.

use super::support::{self, Actor, Folder, figures, own_prefixes, sandbox, say};
use super::{is_root, options, prefixes};
use mmfile_core::*;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

const ROLES: &[support::Role] = &[("creator", creator), ("masked", masked)];
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

/// Creates and opens everything under a umask that takes the user's own rights.
fn masked(args: &[String]) {
    let (prefixes, folder) = (prefixes(args), Path::new(&args[2]));
    // SAFETY: takes a number and cannot fail.
    unsafe { libc::umask(0o277) };
    for (size, directory) in
        [(100, None), (4 << 20, None), (100, Some(folder)), (4 << 20, Some(folder))]
    {
        let create = options(&prefixes, "it", directory);
        let file = MmFile::create_new(size, &create).unwrap();
        drop(MmFile::open_existing("it", &OpenOptions::from(&create)).unwrap());
        drop(file);
    }
    let disk = folder.join("disk");
    drop(MmFile::create_file(&disk, 100, &CreateOptions::default()).unwrap());
    drop(MmFile::open_file(&disk, &OpenOptions::default()).unwrap());
    say("done");
}

#[test]
fn a_umask_that_takes_the_users_own_rights() {
    support::play(ROLES);
    let test = "users::a_umask_that_takes_the_users_own_rights";
    if !is_root() {
        return figures("skipped: only root can become another user");
    }
    let (folder, prefixes) = (Folder::new("masked"), own_prefixes("masked"));
    chown(folder.path(), Some(USER), Some(USER)).unwrap();
    let args = [prefixes.data(), prefixes.mutex(), folder.path().to_str().unwrap()];
    // Where that user can run it; by another process, since one that has it open for writing cannot.
    let program = folder.file("program");
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status();
    assert!(copied.unwrap().success());
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    for refused in ["", "O_TMPFILE"] {
        let mut command = support::command(test, "masked", &args);
        let mut own = Command::new(&program);
        own.args(command.get_args()).stdin(Stdio::piped()).stdout(Stdio::piped());
        own.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command = own;
        sandbox::as_user(&mut command, USER);
        if !refused.is_empty() {
            sandbox::without_nameless_files(&mut command);
        }
        let Some(mut actor) = Actor::spawn_if_allowed(command) else { return };
        assert_eq!(actor.expect(), "done", "{refused}");
        actor.finish();
        std::fs::remove_file(folder.file("disk")).unwrap();
    }
}
