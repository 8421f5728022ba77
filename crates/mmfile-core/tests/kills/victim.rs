//! The operations of the processes that are killed.

use super::place::Place;
use super::support::{hear, now, say};
use mmfile_core::*;

/// The value `part` that a victim `tag` appends in its operation `number`.
pub fn payload(tag: u64, number: u64, part: u64) -> Vec<u8> {
    let mut bytes = format!("victim {tag}, operation {number}, value {part}").into_bytes();
    let length = bytes.len() as u64 + (tag * 31 + number * 17 + part * 7) % 200;
    bytes.resize(length as usize, b'#');
    bytes
}

/// The values that one operation of a victim appends.
pub fn operation(how: &str, tag: u64, number: u64) -> Vec<Vec<u8>> {
    let parts = if how == "append_all" { 3 } else { 1 };
    (0..parts).map(|part| payload(tag, number, part)).collect()
}

/// Appends slowly: others come to wait for the lock meanwhile.
struct Slow(Vec<u8>);

impl Payload for Slow {
    fn byte_length(&self) -> u64 {
        self.0.len() as u64
    }

    fn write_to(&self, mut target: Target<'_>) -> Result<()> {
        target.put(&self.0);
        say("inside");
        hear();
        say(now());
        Ok(())
    }
}

/// Who of those that have a file open is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// One that opened it.
    Opener,
    /// The one that made it, with which it ends unless it is killed.
    Creator,
    /// Its creator, with a file that lives as long as any process has it open.
    FirstOfAll,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Opener, Self::Creator, Self::FirstOfAll];
    /// The roles that create the file.
    pub const MAKERS: [Self; 2] = [Self::Creator, Self::FirstOfAll];

    pub fn name(self) -> &'static str {
        match self {
            Self::Opener => "opener",
            Self::Creator => "creator",
            Self::FirstOfAll => "first",
        }
    }
}

fn make(place: &Place, args: &[String], lifetime: Lifetime) -> MmFile {
    let options = place.create_options(&args[0], lifetime);
    let file = MmFile::create_new(args[4].parse().unwrap(), &options).unwrap();
    say("made");
    hear();
    file
}

/// Keeps fewer bytes than it has room for, and leaves something in the others.
struct Shorter(Vec<u8>);

impl Payload for Shorter {
    fn byte_length(&self) -> u64 {
        self.0.len() as u64 + 40
    }

    fn write_to(&self, mut target: Target<'_>) -> Result<()> {
        target.put(&self.0);
        target.put(&[7; 40]);
        Ok(())
    }

    fn kept(&self) -> u64 {
        self.0.len() as u64
    }
}

/// Appends to another file in the middle of an append to the first.
struct Nested<'a>(Vec<u8>, &'a MmFile);

impl Payload for Nested<'_> {
    fn byte_length(&self) -> u64 {
        self.0.len() as u64
    }

    fn write_to(&self, mut target: Target<'_>) -> Result<()> {
        target.put(&self.0);
        self.1.append(&self.0).map(|_| ())
    }
}

/// Does one kind of thing until a fault point ends it.
pub fn victim(args: &[String]) {
    let (place, args) = Place::of(args);
    let file = match args.get(3).map(String::as_str) {
        Some("creator") => make(&place, args, Lifetime::Creator),
        Some("first") => make(&place, args, Lifetime::LastProcess),
        _ => place.open(&args[0]).unwrap(),
    };
    arm();
    let (how, tag) = (args[1].as_str(), args[2].parse().unwrap());
    for number in 0..9 {
        let values = operation(how, tag, number);
        match how {
            "append" => drop(file.append(&values[0]).unwrap()),
            "append_all" => drop(file.append_all(&values).unwrap()),
            "append_with" => drop(file.append_with(&Shorter(values[0].clone())).unwrap()),
            "slow" => drop(file.append(&Slow(values[0].clone())).unwrap()),
            "seal" => file.seal().unwrap(),
            "len" => drop(file.len().unwrap()),
            "section" => {
                let _guard = file.lock(None).unwrap();
                file.append(&values[0]).unwrap();
            }
            "slow section" => {
                let guard = file.lock(None).unwrap();
                file.append(&values[0]).unwrap();
                say("inside");
                hear();
                say(now());
                drop(guard);
            }
            "queue" => {
                say("queueing");
                file.append(&values[0]).unwrap();
            }
            "nested" => {
                let other = place.open("other").unwrap();
                file.append(&Nested(values[0].clone(), &other)).unwrap();
            }
            "open" => {}
            other => panic!("{other}"),
        }
        say("did");
    }
}
