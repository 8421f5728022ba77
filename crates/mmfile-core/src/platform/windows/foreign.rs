//! Objects of programs that know nothing of control blocks: a .NET program's named map with a named mutex
//! beside it, or the mutex alone. The first process of the package that opens them creates the control block.

use super::parts::{Parts, begin, create_control};
use super::section::{self, in_session, rights};
use super::sync_objects::{How, KernelMutex, SyncObjects};
use super::view;
use crate::control::{Control, Lifetime, ObjectKind};
use crate::error::{Error, Result};
use crate::memory::Mode;
use crate::object::{NewObject, Opened, Spec};

/// How often another process may be quicker, and gone again.
pub(super) const ATTEMPTS: u32 = 2;
/// The error for data without a lock beside it.
pub(super) const FOREIGN: &str = "another program's data stands at its name";

/// Creates the control block of foreign data with a mutex beside it, or of a foreign mutex. The object lives
/// as long as any process has it open.
///
/// # Errors [`Error::NotFound`] if they are not there, or if objects of the package are beside them, in a
/// process that is just ending; [`Error::Exists`] if another process joins them.
pub(super) fn join(spec: &Spec, mode: Mode) -> Result<Opened> {
    let access = mode.access;
    let (names, id) = (&spec.names, spec.names.id.as_str());
    let data = match spec.kind {
        ObjectKind::Mutex => None,
        _ => Some(section::open(&names.object, access, id)?),
    };
    let lock = in_session(&names.lock);
    let open_mutex = || KernelMutex::new(Some(&lock), How::Open, id);
    // Before the name is taken, and without keeping it.
    drop(open_mutex()?);
    let (section, memory) = create_control(names)?;
    // A process of the package that ends closes the mutex before the semaphores: a mutex without semaphores
    // is a foreign program's.
    if SyncObjects::are_there(&lock, id) {
        return Err(Error::not_found(id));
    }
    let mutex = open_mutex()?;
    let sync = SyncObjects::beside(mutex, Some(&lock), How::Create, id)?;
    let data_memory = match &data {
        // Its maker may have asked for less: a section is as large as its pages.
        Some(data) => view::map(data, 0, rights(access))?,
        None => memory.part(0, 0).ok_or(Error::Closed)?,
    };
    let control = Control::new(memory, sync, id)?;
    let capacity = data_memory.region().len() as u64;
    let (kind, lifetime) = (spec.kind, Lifetime::LastProcess);
    let new = NewObject { kind, capacity, lifetime, mode, channel: None };
    begin(names, Parts { section, data, control, data_memory }, &new, false)
}
