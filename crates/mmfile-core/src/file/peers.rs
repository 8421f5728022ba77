//! The processes that have a file open.

use super::MmFile;
use crate::object::Peer;
use crate::peer;

impl MmFile {
    /// A row for each open handle of a living process, as far as the table of participants has room. It asks the kernel
    /// once for each row.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        let handle = &*self.handle;
        peer::peers(&handle.object, &handle.control, handle.source.as_ref())
    }
}
