//! Helpers for tests with real processes: a test binary starts itself again in a role.
#![allow(dead_code, reason = "each test uses some of it")]

#[cfg(unix)]
pub mod board;
pub mod folder;
#[cfg(all(target_os = "linux", not(mmfile_portable)))]
mod linux;
#[cfg(any(target_os = "macos", mmfile_portable))]
mod macos;
pub mod raw;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

/// Functions of the system that tests need beyond the standard library. Each supplies `map_named`,
/// `create_named` and `unmap` (objects by their names), `left_behind`, `forget_death`, `now`,
/// `end_with_parent` and `was_killed`; where objects are files, or have anchors, `path`, `peek`,
/// `size_of_object` and `set_size_of_object`.
mod platform {
    #[cfg(all(target_os = "linux", not(mmfile_portable)))]
    pub use super::linux::*;
    #[cfg(any(target_os = "macos", mmfile_portable))]
    pub use super::macos::*;
    #[cfg(unix)]
    pub use super::unix::*;
    #[cfg(windows)]
    pub use super::windows::*;
}

#[allow(unused_imports, reason = "as above")]
pub use folder::Folder;
#[allow(unused_imports, reason = "as above")]
pub use platform::{forget_death, left_behind, now};
#[cfg(any(target_os = "macos", mmfile_portable))]
#[allow(unused_imports, reason = "as above")]
pub use platform::{has_memory, memory_of, unlink_memory};
#[cfg(unix)]
#[allow(unused_imports, reason = "as above")]
pub use platform::{path, peek, set_size_of_object, size_of_object};

use mmfile_core::{ListOptions, Prefixes};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The limit for something that comes at once, even on a machine that stands still for some seconds. A wait
/// that should not end waits longer.
pub const PROMPT: Duration = Duration::from_secs(10);

/// A role and what it does with its arguments.
pub type Role = (&'static str, fn(&[String]));

/// Runs `role` and exits, if this process was started for it. Call it first in every test.
pub fn play(roles: &[Role]) {
    let Ok(role) = std::env::var("MMFILE_TEST_ROLE") else { return };
    let args = std::env::var("MMFILE_TEST_ARGS").unwrap_or_default();
    let args: Vec<String> = args.split('\u{1f}').map(str::to_owned).collect();
    for (name, act) in roles {
        if *name == role {
            act(&args);
            std::process::exit(0);
        }
    }
    panic!("no role {role}");
}

/// This test binary again, playing `role`, as started by the test named `test`.
pub fn command(test: &str, role: &str, args: &[&str]) -> Command {
    let program = std::env::current_exe().unwrap();
    // Where the kernel cannot start it itself: an emulator, and its options.
    let emulator = std::env::var("MMFILE_TEST_EMULATOR").unwrap_or_default();
    let mut command = match emulator.split_once(' ') {
        Some((emulator, options)) => {
            let mut command = Command::new(emulator);
            command.args(options.split(' ')).arg(program);
            command
        }
        None => Command::new(program),
    };
    // The files of a test with several are in a module of its name.
    let module = if test.contains("::") { concat!(env!("CARGO_CRATE_NAME"), "::") } else { "" };
    command
        .args(["--exact", &format!("{module}{test}"), "--nocapture", "--test-threads=1"])
        .env("MMFILE_TEST_ROLE", role)
        .env("MMFILE_TEST_ARGS", args.join("\u{1f}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    // A role that appends forever would outlive its test.
    platform::end_with_parent(&mut command);
    command
}

/// A started process and the lines that it prints with the mark `> `.
pub struct Actor {
    pub child: Child,
    pub stdin: Option<ChildStdin>,
    lines: BufReader<std::process::ChildStdout>,
}

impl Actor {
    pub fn start(test: &str, role: &str, args: &[&str]) -> Self {
        Self::spawn(command(test, role, args))
    }

    /// The same with a point at which it is killed (`name`) or stopped (`=name`).
    pub fn start_with_fault(test: &str, role: &str, args: &[&str], fault: &str) -> Self {
        let mut command = command(test, role, args);
        command.env("MMFILE_FAULT", fault);
        Self::spawn(command)
    }

    /// Starts it where the system may forbid that; says why it does not.
    pub fn spawn_if_allowed(mut command: Command) -> Option<Self> {
        match command.spawn() {
            Ok(child) => Some(Self::of(child)),
            Err(error) => {
                figures(format!("skipped: the system does not let this process do it ({error})"));
                None
            }
        }
    }

    pub fn spawn(mut command: Command) -> Self {
        // Wine cannot start one now and then, once it has started and lost some hundreds.
        let mut attempts = if cfg!(windows) { 5 } else { 1 };
        Self::of(loop {
            attempts -= 1;
            match command.spawn() {
                Err(_) if attempts > 0 => std::thread::sleep(Duration::from_millis(100)),
                spawned => break spawned.unwrap(),
            }
        })
    }

    fn of(mut child: Child) -> Self {
        let lines = BufReader::new(child.stdout.take().unwrap());
        let stdin = child.stdin.take();
        Self { child, stdin, lines }
    }

    /// The next line that the role printed with [`say`]; `None` at its end.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some((_, said)) = line.split_once("> ") {
                return Some(said.trim_end().to_owned());
            }
        }
    }

    /// Sends a line, which the role gets with [`hear`].
    pub fn tell(&mut self, text: impl std::fmt::Display) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{text}").unwrap();
        stdin.flush().unwrap();
    }

    /// The next line, which must come.
    pub fn expect(&mut self) -> String {
        self.line().expect("the role ended too early")
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has stopped at the point that its `MMFILE_FAULT` names.
    #[cfg(unix)]
    pub fn wait_stopped(&mut self) {
        let (pid, mut status) = (self.child.id() as i32, 0);
        // SAFETY: the target is writable; a child that stops is not reaped.
        unsafe { assert_eq!(libc::waitpid(pid, &raw mut status, libc::WUNTRACED), pid) };
        assert!(libc::WIFSTOPPED(status), "it has ended: {status:#x}");
    }

    /// Lets it go on from there.
    #[cfg(unix)]
    pub fn go_on(&mut self) {
        // SAFETY: touches no memory; it is our child.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, libc::SIGCONT) }, 0);
    }

    /// Waits for its end, which must be by a kill.
    pub fn wait_killed(&mut self, what: &str) {
        let status = self.child.wait().unwrap();
        assert!(platform::was_killed(status), "{what}: {status}");
    }

    pub fn finish(mut self) {
        drop(self.stdin.take());
        while self.line().is_some() {}
        assert!(self.child.wait().unwrap().success());
    }
}

/// Prints a line for [`Actor::line`], at once.
pub fn say(text: impl std::fmt::Display) {
    let mut out = std::io::stdout();
    if writeln!(out, "> {text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1); // the test has failed and is gone
    }
}

/// Blocks until the other side says something or is gone.
pub fn hear() -> Option<String> {
    let mut line = String::new();
    (std::io::stdin().read_line(&mut line).unwrap() > 0).then(|| line.trim_end().to_owned())
}

/// Whether the tests run in another folder than the system's, which `MMFILE_DIRECTORY` names. Says so where
/// a test is skipped then.
pub fn skips_in_chosen_folder() -> bool {
    let chosen = std::env::var_os("MMFILE_DIRECTORY").is_some_and(|path| !path.is_empty());
    if chosen {
        figures("skipped: this is about the system's own folder");
    }
    chosen
}

/// How many times the usual amount of work a longer run wants: `MMFILE_TEST_ROUNDS`.
pub fn rounds() -> u32 {
    let text = std::env::var("MMFILE_TEST_ROUNDS").unwrap_or_default();
    text.parse().unwrap_or(1).max(1)
}

/// Prints what a test measured, past the test harness, which keeps `println!` to itself.
pub fn figures(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "    {text}");
}

/// Prefixes that no other test has, so that none sweeps what this one has left on purpose. They begin with
/// `MMFILE_TEST_RUN`, by which the runner of the tests finds what they left.
pub fn own_prefixes(topic: &str) -> Prefixes {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let run = std::env::var("MMFILE_TEST_RUN").unwrap_or_else(|_| "mmtest".into());
    let unique = format!("{run}-{topic}-{}-{number}", std::process::id());
    let prefixes = Prefixes::new(format!("{unique}-data-"), format!("{unique}-lock-")).unwrap();
    prefixes.with_channel(format!("{unique}-channel-")).unwrap()
}

/// A part of the names of all objects with such prefixes.
pub fn common_part(prefixes: &Prefixes) -> &str {
    prefixes.data().trim_end_matches("data-")
}

/// Where [`mmfile_core::list`] finds the files of these prefixes, no mutexes, and no other program's channels.
pub fn listing(prefixes: &Prefixes) -> ListOptions {
    let mut prefixes = prefixes.clone();
    if prefixes.channel() == Prefixes::default().channel() {
        let own = format!("{}channel-", common_part(&prefixes));
        prefixes = prefixes.with_channel(own).unwrap();
    }
    ListOptions { prefixes, mutex_prefix: None, directory: None }
}

/// Ends the whole test program if the value is not dropped in time: a hang is a failure too.
pub struct Watchdog {
    _done: mpsc::Sender<()>,
}

impl Watchdog {
    pub fn new(what: &str, limit: Duration) -> Self {
        let (sender, receiver) = mpsc::channel();
        let what = what.to_owned();
        // All takes many times as long under Wine, in an emulator, and on a busy machine.
        let limit = limit * 10;
        std::thread::spawn(move || {
            if receiver.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = writeln!(std::io::stderr(), "{what}: not done after {limit:?}");
                std::process::abort();
            }
        });
        Self { _done: sender }
    }
}

/// Asserts that what sleeps in `wait` is woken by `act`, and does not only look again now and then.
pub fn is_woken(mut wait: impl FnMut() + Send, mut act: impl FnMut()) {
    const ROUNDS: usize = 20;
    let (done, heard) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..ROUNDS {
                wait();
                done.send(Instant::now()).unwrap();
            }
        });
        let mut late = [(); ROUNDS].map(|()| {
            // By then it has looked again after 5, 10 and 20 ms, and sleeps for 40. A thread that begins late is late
            // for the first round alone.
            std::thread::sleep(Duration::from_millis(45));
            let acted = Instant::now();
            act();
            heard.recv().unwrap().saturating_duration_since(acted)
        });
        late.sort();
        assert!(late[ROUNDS / 2] < Duration::from_millis(10), "{late:?}");
    });
}

/// Numbers that look random and are the same in every run with the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// One number for many bytes, to compare contents across processes (FNV-1a).
pub fn digest(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// The initial value of [`digest`].
pub const DIGEST: u64 = 0xcbf2_9ce4_8422_2325;
