//! iceoryx2's publish-subscribe, a service each way, whose messages have a size that the type says.

use crate::Outcome;
use crate::message::stamp;
use crate::pipe::{Pipe, slots};
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use std::path::PathBuf;

/// What iceoryx2 leaves behind: files that tell of nodes and services, under this and with these names.
const FOLDER: &str = "/dev/shm";
const PREFIX: &str = "mmfile_bench_";

/// Removes the files of one run.
struct Place {
    prefix: String,
    root: PathBuf,
    /// Who made it ends last.
    is_creator: bool,
}

impl Place {
    fn new(id: &str, is_creator: bool) -> Self {
        let prefix = format!("{PREFIX}{id}_");
        Self { root: std::env::temp_dir().join(&prefix), prefix, is_creator }
    }

    fn config(&self) -> Outcome<Config> {
        let mut config = Config::default();
        config.global.prefix = FileName::new(self.prefix.as_bytes())?;
        let root = self.root.to_str().ok_or("a folder with another name is needed")?;
        config.global.set_root_path(&iceoryx2::prelude::Path::new(root.as_bytes())?);
        Ok(config)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_creator {
            return;
        }
        let _ = std::fs::remove_dir_all(&self.root);
        for entry in std::fs::read_dir(FOLDER).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&self.prefix) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

pub struct Ends<const SIZE: usize> {
    publisher: Publisher<ipc::Service, [u8; SIZE], ()>,
    subscriber: Subscriber<ipc::Service, [u8; SIZE], ()>,
    _node: Node<ipc::Service>,
    // Last: it is dropped when the others are.
    _place: Place,
}

impl<const SIZE: usize> Ends<SIZE> {
    fn new(place: Place, sends: &str, receives: &str) -> Outcome<Self> {
        set_log_level(LogLevel::Error);
        let node = NodeBuilder::new().config(&place.config()?).create::<ipc::Service>()?;
        let service = |name: &str| -> Outcome<_> {
            Ok(node
                .service_builder(&name.try_into()?)
                .publish_subscribe::<[u8; SIZE]>()
                .enable_safe_overflow(false)
                .history_size(0)
                .max_publishers(1)
                .max_subscribers(1)
                .subscriber_max_borrowed_samples(1)
                .subscriber_max_buffer_size(slots(SIZE))
                .open_or_create()?)
        };
        Ok(Self {
            publisher: service(sends)?
                .publisher_builder()
                .max_loaned_samples(1)
                .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
                .create()?,
            subscriber: service(receives)?.subscriber_builder().create()?,
            _node: node,
            _place: place,
        })
    }
}

impl<const SIZE: usize> Pipe for Ends<SIZE> {
    fn create(_size: usize) -> Outcome<(Self, String)> {
        let id = std::process::id().to_string();
        Ok((Self::new(Place::new(&id, true), "there", "back")?, id))
    }

    fn join(id: &str, _size: usize) -> Outcome<Self> {
        Self::new(Place::new(id, false), "back", "there")
    }

    fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        let mut sample = self.publisher.loan_uninit()?;
        let bytes: &[u8; SIZE] = bytes.try_into()?;
        // SAFETY: room for as many bytes, which nothing else uses; they are initialized by it.
        let sample = unsafe {
            sample.payload_mut().as_mut_ptr().copy_from_nonoverlapping(bytes, 1);
            sample.assume_init()
        };
        sample.send()?;
        Ok(())
    }

    fn send_in_place(&mut self, size: usize, number: u32) -> Outcome<()> {
        let mut sample = self.publisher.loan_uninit()?;
        // SAFETY: bytes of shared memory, which have a value whatever it is.
        let sample = unsafe {
            stamp(sample.payload_mut().as_mut_ptr().cast(), size, number);
            sample.assume_init()
        };
        sample.send()?;
        Ok(())
    }

    fn take(&mut self, each: &mut dyn FnMut(*const u8, usize) -> bool) -> Outcome<()> {
        while let Some(sample) = self.subscriber.receive()? {
            if !each(sample.payload().as_ptr(), SIZE) {
                break;
            }
        }
        Ok(())
    }
}
