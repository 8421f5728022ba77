//! All operations on a file, and their permitted outcomes.

use super::LOCK_TIMEOUT;
use super::support::{PROMPT, Random, figures};
use mmfile_core::*;
use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// The errors that a call may return for a damaged file.
const EXPECTED: &[&str] = &[
    "ERR_MMFILE_CORRUPT",
    "ERR_MMFILE_TIMEOUT",
    "ERR_MMFILE_SEALED",
    "ERR_MMFILE_CAPACITY",
    "ERR_MMFILE_SEGMENT_ORDER",
    "ERR_MMFILE_SEGMENT_RANGE",
    "ERR_MMFILE_NOT_TEXT",
    "ERR_MMFILE_LOCK_HELD",
    "ERR_MMFILE_READ_ONLY",
    "ERR_OUT_OF_RANGE",
];
/// The errors that opening one may return.
const EXPECTED_OF_OPEN: &[&str] =
    &["ERR_MMFILE_ACCESS", "ERR_MMFILE_INCOMPATIBLE", "ERR_MMFILE_TIMEOUT"];

/// Makes calls and keeps an account of them.
#[derive(Default)]
pub struct Calls {
    pub count: u64,
    pub longest: Duration,
    codes: BTreeMap<&'static str, u64>,
}

impl Calls {
    fn make<T>(&mut self, expected: &[&str], call: impl FnOnce() -> Result<T>) -> Option<T> {
        let started = Instant::now();
        let result = call();
        let took = started.elapsed();
        // With any contents.
        assert!(took < PROMPT, "a call took {took:?}");
        self.count += 1;
        self.longest = self.longest.max(took);
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                assert!(expected.contains(&error.code()), "{error:?}");
                *self.codes.entry(error.code()).or_default() += 1;
                None
            }
        }
    }

    fn call<T>(&mut self, call: impl FnOnce() -> Result<T>) -> Option<T> {
        self.make(EXPECTED, call)
    }

    pub fn open(&mut self, open: impl FnOnce() -> Result<MmFile>) -> Option<MmFile> {
        self.make(EXPECTED_OF_OPEN, open)
    }

    pub fn read_everything(&mut self, file: &MmFile, random: &mut Random) {
        self.call(|| file.len());
        self.call(|| file.size()).inspect(|size| assert!(*size <= file.capacity()));
        self.call(|| file.is_sealed());
        for index in [0, 1, 2, 7, 17, random.below(99), random.next(), u64::MAX] {
            self.call(|| file.read(index));
            if let Some(span) = self.call(|| file.span(index)) {
                check_span(file, span);
                self.call(|| file.read_into(index, &mut [0; 64]));
                self.call(|| file.read_text(index));
            }
        }
        let mut spans = Vec::new();
        self.call(|| {
            file.spans(random.below(3), |span| {
                spans.push(span);
                spans.len() < 1000
            })
        });
        spans.into_iter().for_each(|span| check_span(file, span));
        let _ = file.peer_gone();
        assert!(file.peers().len() <= 96);
    }

    pub fn wait(&mut self, file: &MmFile, random: &mut Random) {
        let limit = Duration::from_micros(if random.below(16) == 0 { 500 } else { 0 });
        let timeout = || Timeout::Val(limit);
        let spin = Duration::from_micros(random.below(2) * 20);
        for index in [0, random.below(30), u64::MAX - 1] {
            self.call(|| file.wait_for(index, timeout(), spin));
        }
    }

    pub fn write(&mut self, file: &MmFile, random: &mut Random) {
        let sizes = [0, 1, 5, random.below(64), random.below(2 * file.capacity())];
        let size = sizes[random.below(5) as usize] as usize;
        match random.below(8) {
            0 => drop(self.call(|| file.write(random.below(20), &vec![7u8; size]))),
            1 => drop(self.call(|| file.append_all(&[vec![1u8; size], vec![2; 3], vec![]]))),
            2 => drop(self.call(|| file.seal())),
            3 => {
                let timeout = Some(Timeout::Val(LOCK_TIMEOUT));
                if let Some(guard) = self.call(|| file.lock(timeout)) {
                    self.call(|| file.append("inside"));
                    drop(guard);
                }
            }
            4 => drop(self.call(|| file.try_lock())),
            5 if random.below(20) == 0 => self.lock_on_another_thread(file),
            _ => drop(self.call(|| file.append(&vec![3u8; size]))),
        }
    }

    fn lock_on_another_thread(&mut self, file: &MmFile) {
        let holder = file.lock_holder().unwrap();
        let (tell, told) = channel();
        let notify = Box::new(move |result| tell.send(result).unwrap());
        self.call(|| {
            holder.acquire(Timeout::Val(LOCK_TIMEOUT), notify)?;
            told.recv().unwrap()
        });
        holder.release();
    }

    /// All of it, a few times.
    pub fn everything(&mut self, file: &MmFile, random: &mut Random) {
        self.read_everything(file, random);
        for _ in 0..3 {
            self.write(file, random);
        }
        self.wait(file, random);
        self.read_everything(file, random);
    }

    pub fn report(&self, what: &str) {
        let Self { count, longest, codes } = self;
        figures(format!("{what}: {count} calls, the longest {longest:?}, {codes:?}"));
    }
}

/// A span leads nowhere but into the file, and all of it can be touched.
fn check_span(file: &MmFile, span: Span) {
    let memory = file.view_memory().unwrap();
    assert_eq!(memory.len() as u64, file.capacity());
    let end = span.offset.checked_add(span.size).unwrap();
    assert!(end <= file.capacity(), "{span:?} in {}", file.capacity());
    let address = file.address(span).unwrap();
    for at in 0..span.size {
        // SAFETY: below the size of the mapping, which `memory` and `file` keep.
        unsafe {
            address.add(at as usize).read_volatile();
            memory.as_ptr().add((span.offset + at) as usize).read_volatile();
        }
    }
}
