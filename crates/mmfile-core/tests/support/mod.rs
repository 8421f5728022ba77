//! Helpers for tests with real processes: a test binary starts itself again in a role.
#![allow(dead_code, reason = "each test uses some of it")]

pub mod raw;

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod platform;

#[allow(unused_imports, reason = "as above")]
pub use platform::{forget_death, left_behind, now};
#[cfg(any(target_os = "macos", mmfile_portable))]
#[allow(unused_imports, reason = "as above")]
pub use platform::{has_memory, unlink_memory};

use mmfile_core::Prefixes;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

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
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("MMFILE_TEST_ROLE", role)
        .env("MMFILE_TEST_ARGS", args.join("\u{1f}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    // A role that appends for ever would outlive its test.
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

    pub fn spawn(mut command: Command) -> Self {
        // Wine cannot start one now and then, once it has started and lost some hundreds.
        let mut attempts = if cfg!(windows) { 5 } else { 1 };
        let mut child = loop {
            attempts -= 1;
            match command.spawn() {
                Err(_) if attempts > 0 => std::thread::sleep(Duration::from_millis(100)),
                spawned => break spawned.unwrap(),
            }
        };
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

/// The name of the object that a control block is in.
pub fn control_name(prefix: &str, id: &str) -> String {
    format!("{prefix}{id}{}", if cfg!(windows) { "~control" } else { "" })
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

/// Prefixes that no other test has, so that nobody sweeps what this one has left on purpose.
pub fn own_prefixes(topic: &str) -> Prefixes {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let unique = format!("mmtest-{topic}-{}-{number}", std::process::id());
    Prefixes::new(format!("{unique}-data-"), format!("{unique}-lock-")).unwrap()
}

/// Ends the whole test program if the value is not dropped in time: a hang is a failure too.
pub struct Watchdog {
    _done: mpsc::Sender<()>,
}

impl Watchdog {
    pub fn new(what: &str, limit: Duration) -> Self {
        let (sender, receiver) = mpsc::channel();
        let what = what.to_owned();
        // Starting a process takes many times as long there, under Wine even more; so does all in an emulator.
        let emulated = std::env::var("MMFILE_TEST_EMULATOR").is_ok_and(|name| !name.is_empty());
        let limit = if cfg!(windows) || emulated { limit * 5 } else { limit };
        std::thread::spawn(move || {
            if receiver.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = writeln!(std::io::stderr(), "{what}: not done after {limit:?}");
                std::process::abort();
            }
        });
        Self { _done: sender }
    }
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

/// What [`digest`] begins with.
pub const DIGEST: u64 = 0xcbf2_9ce4_8422_2325;
