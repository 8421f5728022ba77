//! Opening a file in shared memory, and believing nothing of it before it is checked.

use super::place::Place;
use super::{Handle, MmFile, OpenOptions, Settings};
use crate::control::Kind;
use crate::error::{Error, Result};
use crate::fault;
use crate::lock::Deadline;
use crate::mapping::{Object, open_named, size_of_named};
use crate::name::{FileId, ObjectNames};
use crate::registry::open_entry;
use raw_sync::Timeout;

impl MmFile {
    /// Opens the file of that id.
    ///
    /// A file whose every process has died counts as not there, on every platform.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a malformed id, [`Error::NotFound`] if there is no such file,
    /// [`Error::Access`] if what stands there is another user's or no file of ours,
    /// [`Error::Incompatible`] if another version, architecture or C library made it,
    /// [`Error::Timeout`] if its creator does not get done with it.
    pub fn open_existing(id: &str, options: &OpenOptions) -> Result<Self> {
        let names = ObjectNames::of_file(FileId::parse(id)?, &options.prefixes)?;
        let deadline = Deadline::after(&Timeout::Val(options.lock_timeout));
        #[cfg(windows)]
        return super::foreign::open_or_join(&names, options, &deadline);
        #[cfg(not(windows))]
        Self::open_ours(&names, options, &deadline)
    }

    /// Opens a file that has a control block.
    pub(super) fn open_ours(
        names: &ObjectNames,
        options: &OpenOptions,
        deadline: &Deadline,
    ) -> Result<Self> {
        open_entry(names, deadline, |object, mut control, description| {
            let id = names.id.as_str();
            let refuse = |reason| Err(Error::Access { id: id.into(), reason, os: None });
            if description.kind != Kind::Memory {
                return refuse("it is not the control block of a file");
            }
            // Not found from here on means that it ended while we looked.
            let ended = |error| match error {
                Error::NotFound { .. } if !object.is_linked() => Ok(None),
                other => Err(other),
            };
            let data = match Object::open(&names.data, options.access, id) {
                Ok(data) => data,
                Err(error) => return ended(error),
            };
            if data.identity() != description.data
                || data.size()? != size_of_named(description.capacity)
            {
                if !object.is_linked() {
                    return Ok(None);
                }
                return refuse("its data object is not the one that belongs to it");
            }
            // Whatever else has a name like that of somebody's control block: this is in use.
            if !data.share()? {
                return Ok(None);
            }
            let mapping = match open_named(&names.data, &data, options.access, id) {
                Ok(mapping) => mapping.limited_to(description.capacity),
                Err(error) => return ended(error),
            };
            control.accept(description.capacity);
            control.join();
            fault::point("open.mapped");
            let lifetime = description.lifetime;
            let place = Place::memory(names.clone(), object, data, false, lifetime);
            let settings = Settings::opened(options, lifetime);
            Ok(Some(Handle::file(place, control, mapping, settings)))
        })
    }
}
