//! The floors without JavaScript. `trip SIZE COUNT` prints the nanoseconds of a round trip between
//! two processes over mmfile-core; `mutex MILLISECONDS` prints what becomes of raw_sync's mutex when
//! its holder is killed.

mod mutex;
mod trip;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["trip", size, count] => trip::ask(size.parse()?, count.parse()?),
        ["answer", id, size, count] => trip::answer(id, size.parse()?, count.parse()?),
        ["mutex", limit] => mutex::recover(limit.parse()?),
        _ => Err("trip SIZE COUNT, or mutex MILLISECONDS".into()),
    }
}
