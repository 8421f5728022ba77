//! Messages between two processes that look for them in a loop, without JavaScript: there and back, and one
//! way. What carries them is a [`Pipe`].

use crate::Outcome;
use crate::message::{Message, REPLY, is_stamped};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Messages and memory that wait at most: as in the measurements with JavaScript.
pub const SLOTS: usize = 4096;
const RING: usize = 8 << 20;

/// How many messages of a size wait at most.
pub fn slots(size: usize) -> usize {
    (RING / size).clamp(8, SLOTS)
}

/// One process's ends of a way there and a way back.
pub trait Pipe: Sized {
    /// Makes both ways, and tells what the other process needs to know.
    fn create(size: usize) -> Outcome<(Self, String)>;
    /// The other process's ends.
    fn join(id: &str, size: usize) -> Outcome<Self>;
    /// Sends a copy.
    fn send(&mut self, bytes: &[u8]) -> Outcome<()>;
    /// Sends a message that is filled where it is.
    fn send_in_place(&mut self, size: usize, number: u32) -> Outcome<()>;
    /// Has `each` look at what is there now: the address and the length.
    fn take(&mut self, each: &mut dyn FnMut(*const u8, usize) -> bool) -> Outcome<()>;
}

/// What is measured.
#[derive(Clone, Copy)]
pub struct Run {
    pub size: usize,
    pub count: u32,
    /// There and back, or one way.
    pub back: bool,
    /// Filled in place, or copied.
    pub in_place: bool,
}

impl Run {
    fn send(&self, pipe: &mut impl Pipe, message: &mut Message, number: u32) -> Outcome<()> {
        if self.in_place {
            pipe.send_in_place(self.size, number)
        } else {
            pipe.send(message.stamped(number))
        }
    }

    /// Waits for the messages of these numbers, in their order.
    fn expect(&self, pipe: &mut impl Pipe, first: u32, count: u32) -> Outcome<()> {
        let mut next = first;
        let mut right = true;
        while next < first + count {
            let before = next;
            pipe.take(&mut |at, size| {
                // SAFETY: a message that was received and not released, of a length that is checked first.
                right &= size == self.size && unsafe { is_stamped(at, size, next) };
                next += 1;
                next < first + count
            })?;
            if !right {
                return Err(format!("message {} is not what was sent", next - 1).into());
            }
            if next == before {
                std::hint::spin_loop();
            }
        }
        Ok(())
    }

    /// The first process: prints the nanoseconds of a round trip, or of a message.
    pub fn begin<P: Pipe>(&self, kind: &str) -> Outcome<()> {
        let (mut pipe, id) = P::create(self.size)?;
        let (mut other, mut said) = self.start(kind, &id)?;
        let mut hear = || -> Outcome<u64> { Ok(said.next().ok_or("it ended")??.trim().parse()?) };
        hear()?;
        let mut message = Message::new(self.size)?;
        let time = if self.back {
            self.trips(&mut pipe, &mut message)?
        } else {
            let started = clock()?;
            for number in 0..self.count {
                self.send(&mut pipe, &mut message, number)?;
            }
            (hear()? - started) as f64 / f64::from(self.count)
        };
        if !other.wait()?.success() {
            return Err("the other process failed".into());
        }
        println!("{time}");
        Ok(())
    }

    /// The median of groups, since looking at the clock takes a part of a short one.
    fn trips(&self, pipe: &mut impl Pipe, message: &mut Message) -> Outcome<f64> {
        const TOGETHER: u32 = 32;
        let mut times = Vec::new();
        let mut started = Instant::now();
        for number in 0..self.count {
            self.send(pipe, message, number)?;
            self.expect(pipe, number + REPLY, 1)?;
            if number % TOGETHER == TOGETHER - 1 {
                times.push(started.elapsed().as_nanos() as f64 / f64::from(TOGETHER));
                started = Instant::now();
            }
        }
        times.sort_by(f64::total_cmp);
        Ok(*times.get(times.len() / 2).ok_or("too few round trips")?)
    }

    fn start(
        &self,
        kind: &str,
        id: &str,
    ) -> Outcome<(Child, impl Iterator<Item = std::io::Result<String>>)> {
        let Self { size, count, back, in_place } = self;
        let mut other = Command::new(std::env::current_exe()?)
            .args(["pipe-end", kind, way(*back), &size.to_string(), &count.to_string()])
            .args([if *in_place { "in-place" } else { "copy" }, id])
            .stdout(Stdio::piped())
            .spawn()?;
        let said = BufReader::new(other.stdout.take().ok_or("no pipe")?).lines();
        Ok((other, said))
    }

    /// The other process: says that it is there, and when it has received everything.
    pub fn end<P: Pipe>(&self, id: &str) -> Outcome<()> {
        let mut pipe = P::join(id, self.size)?;
        let mut message = Message::new(self.size)?;
        println!("0");
        if self.back {
            for number in 0..self.count {
                self.expect(&mut pipe, number, 1)?;
                self.send(&mut pipe, &mut message, number + REPLY)?;
            }
        } else {
            self.expect(&mut pipe, 0, self.count)?;
            println!("{}", clock()?);
        }
        Ok(())
    }
}

/// How a command line says it.
pub fn way(back: bool) -> &'static str {
    if back { "trip" } else { "way" }
}

/// The monotonic clock in nanoseconds, which all processes share.
fn clock() -> Outcome<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the target is writable.
    if unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) } != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned())
}
