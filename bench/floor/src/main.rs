//! The floors without JavaScript. `trip SIZE COUNT SPIN [PROCESSOR PROCESSOR]` prints the nanoseconds of
//! a round trip between two processes over mmfile-core, which spin for so many microseconds before they
//! sleep, and run on these processors if they are given; `mutex MILLISECONDS` prints what becomes of raw_sync's mutex when its holder is killed.

mod mutex;
mod trip;

use std::time::Duration;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn micros(text: &str) -> Outcome<Duration> {
    Ok(Duration::from_micros(text.parse()?))
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["trip", size, count, spin] => {
            trip::ask(size.parse()?, count.parse()?, micros(spin)?, None)
        }
        ["trip", size, count, spin, mine, theirs] => {
            trip::place(mine.parse()?)?;
            trip::ask(size.parse()?, count.parse()?, micros(spin)?, Some(theirs))
        }
        ["answer", id, size, count, spin, processor] => {
            trip::place(processor.parse()?)?;
            trip::answer(id, size.parse()?, count.parse()?, micros(spin)?)
        }
        ["answer", id, size, count, spin] => {
            trip::answer(id, size.parse()?, count.parse()?, micros(spin)?)
        }
        ["mutex", limit] => mutex::recover(limit.parse()?),
        _ => Err("trip SIZE COUNT SPIN [PROCESSOR PROCESSOR], or mutex MILLISECONDS".into()),
    }
}
