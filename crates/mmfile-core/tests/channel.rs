//! Channels: what each call promises, in memory and on disk, on every platform.

mod support;

mod channel {
    use super::*;

    mod disk;
    mod exclusive;
    mod groups;
    mod opening;
    mod random_operations;
    mod reading;
    mod sending;
}

use mmfile_core::*;
use std::time::Duration;
use support::{Folder, is_woken};

const NOW: Timeout = Timeout::Val(Duration::ZERO);
const SOON: Timeout = Timeout::Val(Duration::from_secs(20));

fn code<T>(result: Result<T>) -> &'static str {
    result.err().map_or("none", |error| error.code())
}

/// Where a channel is.
struct Place {
    folder: Option<Folder>,
    id: String,
}

impl Place {
    fn create(&self, options: &ChannelOptions) -> Result<Channel> {
        match &self.folder {
            None => Channel::create_new(&ChannelOptions {
                id: Some(FileId::parse(&self.id).unwrap()),
                ..options.clone()
            }),
            Some(folder) => Channel::create_file(folder.file("channel"), options),
        }
    }

    fn open(&self) -> Channel {
        self.open_with(&OpenChannelOptions::default()).unwrap()
    }

    fn open_with(&self, options: &OpenChannelOptions) -> Result<Channel> {
        match &self.folder {
            None => Channel::open_existing(&self.id, options),
            Some(folder) => Channel::open_file(folder.file("channel"), options),
        }
    }
}

/// Runs a test in memory and on disk.
fn everywhere(test: impl Fn(&Place)) {
    let id = || FileId::random().as_str().to_owned();
    test(&Place { folder: None, id: id() });
    test(&Place { folder: Some(Folder::new("channel")), id: id() });
}

fn small() -> ChannelOptions {
    ChannelOptions { capacity: 1024, ..Default::default() }
}

/// The messages that a reader receives now.
fn drain(reader: &mut Reader) -> Vec<(u64, Vec<u8>)> {
    let mut all = Vec::new();
    while let Some(message) = reader.try_receive().unwrap() {
        all.push((message.index, reader.read(&message).unwrap()));
        reader.release(message.position);
    }
    all
}
