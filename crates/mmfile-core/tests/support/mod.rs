//! Helpers for tests with real processes: a test binary starts itself again in a role.
#![allow(dead_code, reason = "each test uses some of it")]
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

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
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("MMFILE_TEST_ROLE", role)
        .env("MMFILE_TEST_ARGS", args.join("\u{1f}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
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
        let mut child = command.spawn().unwrap();
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

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn finish(mut self) {
        drop(self.stdin.take());
        while self.line().is_some() {}
        assert!(self.child.wait().unwrap().success());
    }
}

/// Prints a line for [`Actor::line`], at once.
pub fn say(text: impl std::fmt::Display) {
    use std::io::Write;
    let mut out = std::io::stdout();
    writeln!(out, "> {text}").unwrap();
    out.flush().unwrap();
}

/// Blocks until the other side says something or is gone.
pub fn hear() -> Option<String> {
    let mut line = String::new();
    (std::io::stdin().read_line(&mut line).unwrap() > 0).then(|| line.trim_end().to_owned())
}

/// The names in shared memory that contain `part`.
pub fn left_behind(part: &str) -> Vec<String> {
    std::fs::read_dir("/dev/shm")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains(part))
        .collect()
}
