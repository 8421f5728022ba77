//! The parts of a handle on a file.

use super::options::OpenOptions;
use super::reader_copy::ReaderCopy;
use crate::control::{Control, Lifetime, LockPlace, Tail};
use crate::error::Result;
use crate::frames::{Segments, SparseIndex};
use crate::lock::Section;
use crate::memory::{Access, Mode};
use crate::object::{Object, Opened};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The state that a handle shares with its guards and waiters.
#[derive(Debug)]
pub(super) struct Handle {
    /// The id; the path of a file on disk.
    pub(super) id: String,
    pub(super) path: Option<PathBuf>,
    pub(super) control: Control,
    /// Where the committed end is read from, if not from `control`.
    pub(super) source: Option<Control>,
    /// The segments that this handle counted behind the committed end.
    pub(super) counted: Counted,
    pub(super) segments: Segments,
    pub(super) section: Arc<Section>,
    pub(super) index: Mutex<SparseIndex>,
    pub(super) settings: Settings,
    pub(super) recovered: AtomicU64,
    /// The thread that is writing a segment in place, or 0.
    pub(super) filling: AtomicU32,
    pub(super) reader_copy: ReaderCopy,
    /// Last: it is left after everything else is gone.
    pub(super) object: Arc<Object>,
}

/// How a handle was opened.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) lifetime: Lifetime,
    pub(super) is_creator: bool,
    pub(super) lock_timeout: Duration,
}

/// The segments that a handle counted behind the committed end.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Behind the last segment.
    pub(super) tail: Mutex<Option<Tail>>,
    /// The same, for a check that costs no lock: 0 if nothing was counted.
    pub(super) count: AtomicU64,
    pub(super) sealed: AtomicBool,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.object.leave();
    }
}

impl Handle {
    pub(super) fn new(
        id: String,
        path: Option<PathBuf>,
        opened: Opened,
        is_creator: bool,
        options: &OpenOptions,
    ) -> Arc<Self> {
        let Opened { object, control, source, data, lifetime, mode } = opened;
        let object = Arc::new(object);
        let lock_timeout = options.lock_timeout;
        Arc::new(Self {
            id,
            path,
            segments: Segments::new(&data, control.capacity(), mode.access == Access::ReadWrite),
            section: Arc::new(Section::new(&control, LockPlace::Writers, &object)),
            index: Mutex::new(SparseIndex::default()),
            settings: Settings { mode, lifetime, is_creator, lock_timeout },
            recovered: AtomicU64::new(0),
            filling: AtomicU32::new(0),
            reader_copy: ReaderCopy::default(),
            control,
            source,
            counted: Counted::default(),
            object,
        })
    }

    /// Refuses a file on disk that another program has cut short: touching the missing part would kill the process. The
    /// cut can only be noticed, not prevented.
    pub(super) fn check_whole(&self) -> Result<()> {
        self.object.check_whole(&self.control)
    }
}
