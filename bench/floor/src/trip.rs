//! A round trip over mmfile-core: both sides spin, or sleep at once, and look at the message where it is.

use crate::Outcome;
use crate::message::{Message, REPLY, is_stamped};
use mmfile_core::{CreateOptions, MmFile, OpenOptions, Timeout};
use std::process::Command;
use std::time::{Duration, Instant};

/// Nobody waits longer for an answer.
const LIMIT: Timeout = Timeout::Val(Duration::from_secs(30));
/// Waits for segment `index` and looks at its stamps, without a copy.
fn expect(file: &MmFile, index: u64, size: usize, number: u32, spin: Duration) -> Outcome<()> {
    file.wait_for(index, LIMIT, spin)?;
    let span = file.span(index)?;
    let at = file.address(span).ok_or("a span outside of the file")?;
    // SAFETY: the span is inside the mapping, which `file` keeps; the segment is committed and nobody
    // changes it.
    let right = span.size == size as u64 && unsafe { is_stamped(at, size, number) };
    if right { Ok(()) } else { Err(format!("segment {index} is not message {number}").into()) }
}

/// Has this process run on one processor alone.
pub fn place(processor: usize) -> Outcome<()> {
    // SAFETY: an all-zero set is a valid, empty one; the call reads it.
    let placed = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set)
    };
    if placed == 0 { Ok(()) } else { Err(std::io::Error::last_os_error().into()) }
}

/// Sends requests, awaits each one's reply, and prints the median in nanoseconds. The other process
/// runs on the processor `theirs`, or anywhere.
pub fn ask(size: usize, count: u32, spin: Duration, theirs: Option<&str>) -> Outcome<()> {
    let mut message = Message::new(size)?;
    let capacity = 2 * u64::from(count) * (size as u64 + 4) + 4;
    let file = MmFile::create_new(capacity, &CreateOptions::default())?;
    let mut other = Command::new(std::env::current_exe()?)
        .args(["answer", file.id(), &size.to_string(), &count.to_string()])
        .arg(spin.as_micros().to_string())
        .args(theirs)
        .spawn()?;
    let mut trip = |number: u32| -> Outcome<()> {
        file.append(message.stamped(number))?;
        expect(&file, 2 * u64::from(number) + 1, size, number + REPLY, spin)
    };
    // The first trip waits for the other process to start. Then some at a time are measured, since
    // looking at the clock takes a part of a short one.
    trip(0)?;
    let together = if size <= 4096 { 32 } else { 1 };
    let mut times = Vec::new();
    let mut number = 1;
    while number + together <= count {
        let started = Instant::now();
        for number in number..number + together {
            trip(number)?;
        }
        times.push(started.elapsed().as_nanos() as f64 / f64::from(together));
        number += together;
    }
    for number in number..count {
        trip(number)?;
    }
    if !other.wait()?.success() {
        return Err("the other process failed".into());
    }
    times.sort_by(f64::total_cmp);
    println!("{}", times.get(times.len() / 2).ok_or("too few round trips")?);
    Ok(())
}

/// The other process.
pub fn answer(id: &str, size: usize, count: u32, spin: Duration) -> Outcome<()> {
    let file = MmFile::open_existing(id, &OpenOptions::default())?;
    let mut message = Message::new(size)?;
    for number in 0..count {
        expect(&file, 2 * u64::from(number), size, number, spin)?;
        file.append(message.stamped(number + REPLY))?;
    }
    Ok(())
}
