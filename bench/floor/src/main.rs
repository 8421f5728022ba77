//! The floors without JavaScript. `trip SIZE COUNT SPIN [PROCESSOR PROCESSOR]` prints the nanoseconds of
//! a round trip between two processes over mmfile-core, which spin for so many microseconds before they
//! sleep, and run on these processors if they are given; `pipe channel|iceoryx2 trip|way SIZE COUNT copy|in-place`
//! the nanoseconds of a round trip or of a message one way, both sides looking in a loop; `mutex MILLISECONDS` what
//! becomes of raw_sync's mutex when its holder is killed.

mod channel;
#[cfg(feature = "iceoryx2")]
mod iceoryx2;
mod message;
mod mutex;
mod pipe;
mod trip;

use pipe::{Pipe, Run, way};
use std::time::Duration;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn micros(text: &str) -> Outcome<Duration> {
    Ok(Duration::from_micros(text.parse()?))
}

/// Either side of what is measured with a [`Pipe`].
fn side<P: Pipe>(kind: &str, run: Run, id: Option<&str>) -> Outcome<()> {
    match id {
        None => run.begin::<P>(kind),
        Some(id) => run.end::<P>(id),
    }
}

fn piped(arguments: &[&str], id: Option<&str>) -> Outcome<()> {
    let [kind, direction, size, count, how] = arguments else { return Err("too few".into()) };
    let run = Run {
        size: size.parse()?,
        count: count.parse()?,
        back: *direction == way(true),
        in_place: *how == "in-place",
    };
    match (*kind, run.size) {
        ("channel", _) => side::<channel::Ends>(kind, run, id),
        #[cfg(feature = "iceoryx2")]
        ("iceoryx2", 64) => side::<iceoryx2::Ends<64>>(kind, run, id),
        #[cfg(feature = "iceoryx2")]
        ("iceoryx2", 0x10_0000) => side::<iceoryx2::Ends<0x10_0000>>(kind, run, id),
        _ => Err("channel, or iceoryx2 with 64 or 1048576 bytes, if it was built with it".into()),
    }
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
        ["pipe", run @ ..] => piped(run, None),
        ["pipe-end", run @ .., id] => piped(run, Some(id)),
        ["mutex", limit] => mutex::recover(limit.parse()?),
        _ => Err("trip, pipe or mutex, and what belongs to it".into()),
    }
}
