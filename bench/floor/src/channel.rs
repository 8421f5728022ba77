//! A channel each way, with an exclusive writer.

use crate::Outcome;
use crate::message::stamp;
use crate::pipe::{Pipe, slots};
use mmfile_core::{
    Channel, ChannelMemory, ChannelOptions, ExclusiveWriter, Message, OpenChannelOptions, Reader,
    StartFrom, Timeout,
};

/// Messages that are received with one call.
const BATCH: usize = 512;
/// A record has a header, and begins at a multiple of as many bytes.
const HEADER: usize = 16;

pub struct Ends {
    writer: ExclusiveWriter,
    /// Of the channel that is written to.
    memory: ChannelMemory,
    reader: Reader,
    /// Of the channel that is read.
    read: ChannelMemory,
    messages: Vec<Message>,
    _kept: [Channel; 2],
}

impl Ends {
    fn new(sends: Channel, receives: Channel) -> Outcome<Self> {
        Ok(Self {
            writer: sends.exclusive_writer(Timeout::Infinite)?,
            memory: sends.memory()?,
            reader: receives.reader(StartFrom::New)?,
            read: receives.memory()?,
            messages: Vec::with_capacity(BATCH),
            _kept: [sends, receives],
        })
    }
}

impl Pipe for Ends {
    fn create(size: usize) -> Outcome<(Self, String)> {
        let capacity = (slots(size) * (size + HEADER)) as u64;
        let options = ChannelOptions { capacity, ..Default::default() };
        let there = Channel::create_new(&options)?;
        let back = Channel::create_new(&options)?;
        let ids = format!("{} {}", there.id(), back.id());
        Ok((Self::new(there, back)?, ids))
    }

    fn join(ids: &str, _size: usize) -> Outcome<Self> {
        let (there, back) = ids.split_once(' ').ok_or("two ids are needed")?;
        let open = |id| Channel::open_existing(id, &OpenChannelOptions::default());
        Self::new(open(back)?, open(there)?)
    }

    fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.writer.send(bytes, None, Timeout::Infinite)?;
        Ok(())
    }

    fn send_in_place(&mut self, size: usize, number: u32) -> Outcome<()> {
        let room = self.writer.reserve(size as u64, Timeout::Infinite)?;
        // SAFETY: the channel says that as many bytes stand there, which nobody else uses until `commit`.
        unsafe {
            stamp(self.memory.data.as_ptr().add(usize::try_from(room.offset)?), size, number)
        };
        self.writer.commit(size as u64)?;
        Ok(())
    }

    fn take(&mut self, each: &mut dyn FnMut(*const u8, usize) -> bool) -> Outcome<()> {
        self.messages.clear();
        self.reader.try_receive_all(BATCH, &mut self.messages)?;
        for message in &self.messages {
            let offset = usize::try_from(message.offset)?;
            // SAFETY: the channel says that the message stands there; it is released below.
            let at = unsafe { self.read.data.as_ptr().add(offset) };
            if !each(at, usize::try_from(message.byte_length)?) {
                break;
            }
        }
        if let Some(last) = self.messages.last() {
            self.reader.release_through(last.position);
        }
        Ok(())
    }
}
