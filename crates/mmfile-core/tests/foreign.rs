//! Programs that know only the frames and the lock of the control block: a Python process, and glibc's own
//! robust mutexes in a thread that also takes the package's.

#![cfg(all(target_os = "linux", not(mmfile_portable)))]
// The Python process's task.
#![cfg_attr(not(target_env = "gnu"), allow(dead_code, unused_imports))]

mod support;

mod foreign {
    use super::*;

    // The Python process has glibc's mutexes: with another C library it gets no further than the control block.
    #[cfg(target_env = "gnu")]
    mod appends;
    mod coexistence;
    #[cfg(target_env = "gnu")]
    mod kills;
}

use mmfile_core::*;
use std::collections::HashMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{Actor, own_prefixes};

/// The segment number `number` of writer `writer`; `frames_and_lock.py` computes the same.
fn payload(writer: u32, number: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(48);
    bytes.extend(writer.to_le_bytes());
    bytes.extend(number.to_le_bytes());
    let length = (writer * 7 + number * 13) % 41;
    bytes.extend((0..length).map(|at| (writer + number + at) as u8));
    bytes
}

/// Who appended a segment, and as which one, as `frames_and_lock.py` says it. Panics if it is not exactly what
/// that one appends.
fn origin(bytes: &[u8]) -> String {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (writer, number) = (word(0), word(4));
    assert_eq!(bytes, payload(writer, number));
    format!("{writer}:{number}")
}

/// Everything in the file, in its order.
fn origins(file: &MmFile) -> Vec<String> {
    (0..file.len().unwrap()).map(|index| origin(&file.read(index).unwrap())).collect()
}

/// Every writer's segments are there, each once, in the order in which it appended them.
fn check_order(origins: &[String], writers: &[u32], count: u32) {
    let mut next: HashMap<u32, u32> = HashMap::new();
    for origin in origins {
        let (writer, number) = origin.split_once(':').unwrap();
        let expected = next.entry(writer.parse().unwrap()).or_default();
        assert_eq!(number, expected.to_string(), "of writer {writer}");
        *expected += 1;
    }
    assert_eq!(next, writers.iter().map(|writer| (*writer, count)).collect());
}

/// A file with unique prefixes. Dropping it removes it and checks that nothing is left.
struct Own {
    file: Option<MmFile>,
    prefixes: Prefixes,
}

impl Own {
    fn new(topic: &str, capacity: u64) -> Self {
        let prefixes = own_prefixes(topic);
        let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
        Self { file: Some(MmFile::create_new(capacity, &options).unwrap()), prefixes }
    }

    fn file(&self) -> &MmFile {
        self.file.as_ref().unwrap()
    }

    /// The arguments with which a role opens it.
    fn args(&self) -> [&str; 3] {
        [self.prefixes.data(), self.prefixes.mutex(), self.file().id()]
    }

    fn open(&self) -> MmFile {
        open(&self.args().map(str::to_owned))
    }

    /// A Python process that has the object mapped.
    fn python(&self) -> Actor {
        let object = support::path(&format!("{}{}", self.prefixes.data(), self.file().id()));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames_and_lock.py");
        let mut command = Command::new("python3");
        command.args([script, object]).stdin(Stdio::piped()).stdout(Stdio::piped());
        // SAFETY: one system call, which is allowed between fork and exec: it must not outlive us.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        assert!(
            Command::new("python3").arg("--version").output().is_ok(),
            "this test needs python3 on the path"
        );
        let mut python = Actor::spawn(command);
        assert_eq!(python.expect(), "ready");
        python
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        drop(self.file.take());
        if !std::thread::panicking() {
            assert_eq!(support::left_behind(support::common_part(&self.prefixes)), [""; 0]);
        }
    }
}

fn open(args: &[String]) -> MmFile {
    let prefixes = Prefixes::new(&args[0], &args[1]).unwrap();
    MmFile::open_existing(&args[2], &OpenOptions { prefixes, ..Default::default() }).unwrap()
}
