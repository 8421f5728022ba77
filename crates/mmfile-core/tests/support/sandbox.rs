//! Processes that have less than usual: system calls that are refused, other namespaces, other users.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// A system call that is to fail with an error number; one whose argument, masked, has a value if
/// `argument` says so.
#[derive(Clone, Copy)]
pub struct Refusal {
    pub call: i64,
    pub argument: Option<(u32, u32, u32)>,
    pub errno: i32,
}

impl Refusal {
    /// A file system that has no files without a name (`O_TMPFILE`).
    pub const NAMELESS_FILES: Self = {
        const TMPFILE: u32 = 0o20_000_000;
        // The call by which the C library opens files, and where it has the flags.
        #[cfg(all(target_env = "musl", target_arch = "x86_64"))]
        let (call, flags) = (libc::SYS_open, 1);
        #[cfg(not(all(target_env = "musl", target_arch = "x86_64")))]
        let (call, flags) = (libc::SYS_openat, 2);
        Self { call, argument: Some((flags, TMPFILE, TMPFILE)), errno: libc::EOPNOTSUPP }
    };
}

/// Has the kernel refuse these calls to the calling thread from now on.
pub fn refuse(refusals: &[Refusal]) {
    let statement = |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let unless = |k: u32, skipped: usize| libc::sock_filter {
        code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
        jt: 0,
        jf: skipped as u8,
        k,
    };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let end = libc::BPF_RET | libc::BPF_K;
    let mut filter = Vec::new();
    for refusal in refusals {
        let mut rest = Vec::new();
        if let Some((argument, mask, value)) = refusal.argument {
            rest.push(statement(load, 16 + 8 * argument)); // its lower half
            rest.push(statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, mask));
            rest.push(unless(value, 1));
        }
        rest.push(statement(end, libc::SECCOMP_RET_ERRNO | refusal.errno as u32));
        filter.push(statement(load, 0)); // the number of the call
        filter.push(unless(refusal.call as u32, rest.len()));
        filter.extend(rest);
    }
    filter.push(statement(end, libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: the program and its filter outlive the calls, which copy them.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program), 0);
    }
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Writes to a file, as a child may between fork and exec.
fn write(path: &std::ffi::CStr, text: &[u8]) -> io::Result<()> {
    // SAFETY: a NUL-terminated string and readable bytes; the descriptor is closed once.
    unsafe {
        let fd = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        let written = fd >= 0 && libc::write(fd, text.as_ptr().cast(), text.len()) >= 0;
        let error = io::Error::last_os_error();
        libc::close(fd);
        if written { Ok(()) } else { Err(error) }
    }
}

/// Starts it as another user.
pub fn as_user(command: &mut Command, user: u32) {
    // SAFETY: system calls alone, which are allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            done(libc::setgroups(0, std::ptr::null()))?;
            done(libc::setresgid(user, user, user))?;
            done(libc::setresuid(user, user, user))?;
            // Its own files in /proc are its own again.
            done(libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0))
        });
    }
}

/// Starts it in a new user namespace, in which its user is mapped as the map says (`0 1000 1`); none of its
/// users has a name without a map.
pub fn in_user_namespace(command: &mut Command, map: &'static str) {
    // SAFETY: as above.
    unsafe {
        command.pre_exec(move || {
            done(libc::unshare(libc::CLONE_NEWUSER))?;
            if !map.is_empty() {
                write(c"/proc/self/uid_map", map.as_bytes())?;
            }
            Ok(())
        });
    }
}

/// Starts it in a new PID namespace, as its first process.
pub fn in_pid_namespace(command: &mut Command) {
    // SAFETY: as above; the parent waits for its child and ends as it did.
    unsafe {
        command.pre_exec(|| {
            done(libc::unshare(libc::CLONE_NEWPID))?;
            let child = libc::fork();
            if child > 0 {
                // The pipe that reports the program's start has to be closed here, too.
                libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
                let mut status = 0;
                libc::waitpid(child, &raw mut status, 0);
                libc::_exit(i32::from(status != 0));
            }
            done(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
            if child < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        });
    }
}

/// Starts it where what it mounts is mounted for it alone.
pub fn in_mount_namespace(command: &mut Command) {
    // SAFETY: as above.
    unsafe { command.pre_exec(|| done(libc::unshare(libc::CLONE_NEWNS))) };
}

/// Starts it where no file system has files without a name.
pub fn without_nameless_files(command: &mut Command) {
    // SAFETY: system calls, and an allocation that no other thread of the parent is in the middle of.
    unsafe {
        command.pre_exec(|| {
            refuse(&[Refusal::NAMELESS_FILES]);
            Ok(())
        });
    }
}
