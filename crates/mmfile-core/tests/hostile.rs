//! With any bytes in shared memory, and anything at an object's name, calls return an error or data: never a
//! panic, a crash, a hang, or an access outside the file.

#![cfg(target_os = "linux")]

mod support;

mod hostile {
    use super::*;

    mod calls;
    #[cfg(not(mmfile_portable))]
    mod channels;
    mod contents;
    // The words of the lock are others elsewhere.
    #[cfg(not(mmfile_portable))]
    mod fields;
    mod objects;
    mod scribbler;
}

use mmfile_core::*;
use std::time::Duration;
use support::raw::{EMPTY, Raw, SEAL};
use support::{Random, left_behind, listing, own_prefixes};

/// As long as any call here waits for the lock.
const LOCK_TIMEOUT: Duration = Duration::from_millis(2);

/// A file, and its bytes as any program has them. Nothing is left of it when it is dropped.
struct Prey {
    file: Option<MmFile>,
    data: Raw,
    control: Raw,
    prefixes: Prefixes,
}

impl Prey {
    fn new(prefixes: &Prefixes, capacity: u64) -> Self {
        let options = CreateOptions { prefixes: prefixes.clone(), ..Default::default() };
        let file = MmFile::create_new(capacity, &options).unwrap();
        let (data, control) = (Raw::data(prefixes, file.id()), Raw::control(prefixes, file.id()));
        Self { file: Some(file), data, control, prefixes: prefixes.clone() }
    }

    fn file(&self) -> &MmFile {
        self.file.as_ref().unwrap()
    }

    fn open(&self, access: Access) -> Result<MmFile> {
        open(&self.prefixes, self.file().id(), access)
    }
}

impl Drop for Prey {
    fn drop(&mut self) {
        let id = self.file().id().to_owned();
        drop(self.file.take());
        if !std::thread::panicking() {
            assert_eq!(left_behind(&id), [""; 0]);
        }
    }
}

fn open(prefixes: &Prefixes, id: &str, access: Access) -> Result<MmFile> {
    let (lock_timeout, prefixes) = (LOCK_TIMEOUT, prefixes.clone());
    MmFile::open_existing(id, &OpenOptions { access, lock_timeout, prefixes, ..Default::default() })
}

/// A size word that is right, nearly right, or wrong, where `left` bytes are left behind it.
fn size_word(random: &mut Random, left: u64) -> u32 {
    let left = left as u32;
    match random.below(20) {
        0..8 => random.below(u64::from(left.min(24)) + 1) as u32,
        8 => EMPTY,
        9 => SEAL,
        10 => left,
        11 => left + 1,
        12 => left.wrapping_sub(1),
        13 => i32::MIN as u32 + 1 + random.below(100) as u32,
        14 => 0x7fff_ffff,
        15 => u32::MAX - 1 - random.below(8) as u32,
        16 => random.next() as u32,
        17 => 0,
        _ => random.below(u64::from(left) + 1) as u32,
    }
}

/// Bytes of a file's data: mostly frames, so that the way to the bad ones is long.
fn contents(random: &mut Random, capacity: usize) -> Vec<u8> {
    let mut bytes = vec![0u8; capacity];
    if random.below(8) == 0 {
        bytes.iter_mut().for_each(|byte| *byte = random.next() as u8);
        return bytes;
    }
    let mut at = 0;
    while at + 4 <= capacity {
        let word = size_word(random, (capacity - at - 4) as u64);
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        let size = if word == EMPTY { 0 } else { word as usize };
        if size > capacity - at - 4 || random.below(12) == 0 {
            bytes[at + 4..].iter_mut().for_each(|byte| *byte = random.next() as u8);
            break;
        }
        bytes[at + 4..at + 4 + size].iter_mut().for_each(|byte| *byte = random.next() as u8);
        at += 4 + size;
    }
    bytes
}

/// A number that something may go wrong with, in a file of that capacity.
fn number(random: &mut Random, capacity: u64) -> u64 {
    let around = [0, 1, 4, capacity / 4, capacity, 1 << 31, 1 << 32, 1 << 63, u64::MAX];
    match random.below(4) {
        0 => random.next() ^ random.next() << 32,
        1 => random.below(capacity + 8),
        _ => {
            let number = around[random.below(around.len() as u64) as usize];
            number.wrapping_add(random.below(9)).wrapping_sub(4)
        }
    }
}
