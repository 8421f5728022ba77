//! Another process that writes anything anywhere during our operations.

use crate::input::Input;
use crate::object;
use crate::scribbler::{MOST_WRITES, Scribbler, Write};
use crate::{create, end, name, operate};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Of one input in four; the others do not wait at all. Most operations of many inputs find a lock word that
/// looks taken, and a wait costs as much as a hundred that fail at once.
const LOCK_TIMEOUT: Duration = Duration::from_micros(20);
static SCRIBBLER: OnceLock<Scribbler> = OnceLock::new();
/// During how many operations of an input the other process has to have written, at least.
const MEETINGS: u32 = 3;

/// Starts the other process, before libFuzzer has a thread.
pub fn prepare_race() {
    SCRIBBLER.get_or_init(|| Scribbler::start(&name()));
}

/// The bytes that another process writes repeatedly, and our operations meanwhile.
pub fn race(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let scribbler = SCRIBBLER.get_or_init(|| Scribbler::start(&name()));
    let capacity = 16 + u64::from(input.byte()) * 4;
    let kind = input.byte();
    let timeout = if kind >> 6 == 3 { LOCK_TIMEOUT } else { Duration::ZERO };
    let files = create(capacity, timeout);
    let _ = files[0].append_all(&[&b"one"[..], b"", b"three"]);
    let count = 1 + usize::from(kind) % MOST_WRITES;
    let writes: Vec<_> = (0..count).map(|_| write(&mut input, capacity)).collect();
    let script = input.rest();
    scribbler.begin(&writes);
    let since = Instant::now();
    let mut met = 0;
    // Where both share a processor, one pass may be over before the other process has its turn.
    loop {
        let mut input = Input::new(script);
        for _ in 0..32 {
            let rounds = scribbler.rounds();
            // All but the writes of `scribble`.
            let step = input.byte();
            let step = if step & 15 < 5 { step & 0xf0 | 8 } else { step };
            operate(step, &files, &mut input, |_| {});
            met += u32::from(scribbler.rounds() != rounds);
            if input.is_empty() {
                break;
            }
        }
        if met >= MEETINGS {
            break;
        }
        scribbler.check(since);
    }
    scribbler.stop();
    end(files);
}

fn write(input: &mut Input, capacity: u64) -> Write {
    let kind = input.byte();
    let word = |offset: usize, length, bytes| {
        let offset = u16::try_from(offset).unwrap_or(u16::MAX);
        Write { part: u8::from(kind & 15 > 1), offset, length, bytes }
    };
    let byte = |input: &mut Input| usize::from(input.byte());
    let eight = |input: &mut Input| {
        // The old bytes, or nothing would pass the first check.
        (kind & 0x80 == 0).then(|| input.take(8).try_into().expect("as many"))
    };
    match kind & 15 {
        0 => word(usize::from(input.short()), 4, eight(input)),
        1 => word(byte(input) * 4, 4, eight(input)),
        2 => word(byte(input) * 2, 8, eight(input)),
        3 => word(object::PROTOCOL + byte(input) % 144, 4, eight(input)),
        // The lock word.
        4 => word(object::PROTOCOL, 4, eight(input)),
        // Numbers near the end, which are the most believable ones: tail, count, intent.
        _ => {
            let number = (capacity + 8).saturating_sub(u64::from(input.byte() % 32));
            let at = object::PROTOCOL + byte(input) % 20 * 8;
            word(at, 8, (kind & 0x80 == 0).then(|| number.to_le_bytes()))
        }
    }
}
