//! Files on disk: the same segments, which survive every process and a reboot.
//!
//! As long as anybody has the file open, its control block is as good as one in memory. Whoever is the
//! first to open it again makes the block anew from the data, in case a machine went down with a lock
//! held or with half of its pages written.

use super::create::check_capacity;
use super::place::Place;
use super::{CreateOptions, Handle, MmFile, OpenOptions, Settings};
use crate::control::layout::CONTROL_SIZE;
use crate::control::{Control, Description, Kind, Lifetime, Tail};
use crate::error::{Error, Result};
use crate::fault;
use crate::lock::{Deadline, ProcessLock};
use crate::mapping::{
    Access, Mapping, Object, control_offset, control_offset_of, create_disk, full_path,
    map_control, map_part, map_private, open_disk,
};
use crate::segments::Segments;
use raw_sync::Timeout;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

impl MmFile {
    /// Makes a file on disk with room for `capacity` bytes of segments, readable and writable for this
    /// user. It stays when it is closed. Of the options, `id`, `prefixes` and `lifetime` do not count.
    ///
    /// # Errors
    /// [`Error::Exists`] if something stands at the path, [`Error::NotFound`] if its folder does not
    /// exist, [`Error::NoSpace`] if the disk is full, [`Error::Access`] if the folder is read-only.
    pub fn create_file(
        path: impl AsRef<Path>,
        capacity: u64,
        options: &CreateOptions,
    ) -> Result<Self> {
        check_capacity(capacity)?;
        let path = path.as_ref();
        // Goes last: where it is not published, nobody may have it mapped any more.
        let mut file = create_disk(path, capacity)?;
        let object = file.object()?;
        object.announce();
        let offset = control_offset(capacity).unwrap_or(0);
        let data = map_part(object, 0, capacity, Access::ReadWrite)?;
        let mapping = map_control(object, offset)?;
        let mut control = Control::new(mapping, &path.to_string_lossy())?;
        describe(&mut control, object, capacity)?;
        control.set_ready();
        fault::point("create.disk");
        let object = file.publish(path)?;
        Ok(disk_file(path, object, control, data, Settings::created(options)))
    }

    /// Opens a file on disk that [`MmFile::create_file`] made. Of the options, `prefixes` do not count.
    ///
    /// A file that may not be written can be opened with [`Access::Read`]; it is then looked at now
    /// and then instead of being waited on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Access`] if it may not be opened, [`Error::Corrupt`] if it is
    /// shorter than it was made, [`Error::Incompatible`] if it is not one of ours or another version,
    /// architecture or C library has it open, [`Error::Timeout`].
    pub fn open_file(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        let path = path.as_ref();
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        let mut pause = Duration::from_micros(50);
        loop {
            if let Some(file) = attempt(path, options)? {
                return Ok(file);
            }
            let Some(limit) = deadline.slice(pause) else {
                return Err(Error::Timeout { what: "waiting for whoever is opening the file" });
            };
            std::thread::sleep(limit);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    /// Writes everything that was appended so far to the disk, and waits until it is there. What is in
    /// a file on disk when the machine loses its power is what was flushed, and perhaps more.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a file in memory, [`Error::NoSpace`] if the disk refuses.
    pub fn flush(&self) -> Result<()> {
        match &self.handle.place {
            Place::Disk { object, .. } => {
                object.sync([self.handle.segments.mapping(), self.handle.control.mapping()])
            }
            Place::Memory { .. } => {
                Err(Error::Unsupported { what: "flushing a file that is in memory only" })
            }
        }
    }
}

/// One look; `None` while somebody else makes the control block anew.
fn attempt(path: &Path, options: &OpenOptions) -> Result<Option<MmFile>> {
    let id = path.to_string_lossy().into_owned();
    let (object, writable) = open_disk(path, options.access)?;
    let size = object.size()?;
    let Some(offset) = control_offset_of(size) else {
        return Err(Error::Incompatible { id, reason: "something that is not mmfile, or was cut" });
    };
    let seen = Control::new(map_part(&object, offset, CONTROL_SIZE, Access::Read)?, &id)?;
    let capacity = seen.recorded_capacity(&id)?;
    if control_offset(capacity) != Some(offset) {
        let reason = "the file does not have the size that it was made with";
        return Err(Error::Corrupt { offset: size, reason });
    }
    let data = map_part(&object, 0, capacity, options.access)?;
    let settings = Settings::opened(options, Lifetime::LastProcess);
    if !writable {
        let control = private_control(&object, capacity, &id)?;
        return Ok(Some(disk_file(path, object, control, data, settings)));
    }
    let mapping = map_control(&object, offset)?;
    let mut control = Control::new(mapping, &id)?;
    if object.try_exclusive()? {
        rebuild(&mut control, &object, capacity)?;
        fault::point("open.rebuilt");
    }
    if !object.share()? || !control.is_ready() {
        return Ok(None);
    }
    object.announce();
    let description = control.examine(&id)?;
    if description.kind != Kind::Disk || description.capacity != capacity {
        return Err(Error::Corrupt { offset, reason: "the control block contradicts the file" });
    }
    control.accept(capacity);
    control.join();
    Ok(Some(disk_file(path, object, control, data, settings)))
}

fn describe(control: &mut Control, object: &Object, capacity: u64) -> Result<()> {
    ProcessLock::initialize(control.mapping())?;
    let (kind, lifetime, data) = (Kind::Disk, Lifetime::LastProcess, object.identity());
    control.describe(&Description { kind, capacity, lifetime, data });
    Ok(())
}

/// Makes the control block anew from the data. Nobody else has the file open.
fn rebuild(control: &mut Control, object: &Object, capacity: u64) -> Result<()> {
    control.set_unready();
    control.accept(capacity);
    let data = Arc::new(map_part(object, 0, capacity, Access::ReadWrite)?);
    let segments = Segments::new(&data, capacity, true);
    // The record of what a writer was doing is the only part of the old block that counts.
    let sealed = control.is_sealed();
    segments.settle(control, sealed);
    describe(control, object, capacity)?;
    control.set_ready();
    Ok(())
}

/// The control block of a reader that may not write the file's: for it, every writer is a foreign one.
fn private_control(object: &Object, capacity: u64, id: &str) -> Result<Control> {
    let mut control = Control::new(map_private(CONTROL_SIZE)?, id)?;
    describe(&mut control, object, capacity)?;
    control.reset(Tail { size: 0, count: 0 }, false);
    Ok(control)
}

fn disk_file(
    path: &Path,
    object: Object,
    control: Control,
    data: Mapping,
    settings: Settings,
) -> MmFile {
    let path = full_path(path);
    let id = path.to_string_lossy().into_owned();
    Handle::file(Place::Disk { path, id, object }, control, data, settings)
}
