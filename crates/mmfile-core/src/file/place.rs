//! Where a file is: in named shared memory, or on disk.

use crate::control::Lifetime;
use crate::error::{Error, Result};
use crate::mapping::{Object, control_offset};
use crate::name::ObjectNames;
use crate::registry;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What is open, and what has to be done when it is left.
#[derive(Debug)]
pub(super) enum Place {
    /// Two objects in shared memory, by name.
    Memory {
        names: ObjectNames,
        /// The control object, whose advisory locks say that this handle is alive.
        object: Object,
        data: Object,
        /// Whether the file ends with this handle.
        ends: bool,
        /// Whether it has been left.
        left: AtomicBool,
    },
    /// One file on disk, with the same advisory locks.
    Disk { path: PathBuf, id: String, object: Object },
}

impl Place {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Memory { names, .. } => names.id.as_str(),
            Self::Disk { id, .. } => id,
        }
    }

    /// The object that the data is part of.
    #[cfg(not(any(target_os = "macos", mmfile_portable)))]
    pub(super) fn data(&self) -> &Object {
        match self {
            Self::Memory { data, .. } => data,
            Self::Disk { object, .. } => object,
        }
    }

    /// The object whose advisory locks say who is alive.
    pub(super) fn liveness(&self) -> &Object {
        match self {
            Self::Memory { object, .. } | Self::Disk { object, .. } => object,
        }
    }

    /// Refuses a file on disk that another program has cut short: touching what is gone would kill
    /// the process. It can only be seen, not prevented.
    pub(super) fn check_whole(&self, capacity: u64) -> Result<()> {
        let Self::Disk { object, .. } = self else { return Ok(()) };
        let size = object.size()?;
        if control_offset(capacity).is_some_and(|control| size > control) {
            return Ok(());
        }
        let reason = "another program has cut the file short while it was open";
        Err(Error::Corrupt { offset: size.min(capacity), reason })
    }

    pub(super) fn memory(
        names: ObjectNames,
        object: Object,
        data: Object,
        created: bool,
        lifetime: Lifetime,
    ) -> Self {
        let ends = created && lifetime == Lifetime::Creator;
        Self::Memory { names, object, data, ends, left: AtomicBool::new(false) }
    }
}

impl Place {
    /// Whether the file ends with this handle.
    pub(super) fn ends(&self) -> bool {
        matches!(self, Self::Memory { ends: true, .. })
    }

    /// Leaves the file once, and takes its name away if it ends with this. A file on disk stays.
    pub(super) fn leave(&self, patience: Duration) {
        let Self::Memory { names, object, data, ends, left } = self else { return };
        if !left.swap(true, Ordering::Relaxed) {
            registry::leave(names, object, data.identity(), *ends, patience);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave(registry::LEAVING);
    }
}
