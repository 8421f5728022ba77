//! Who has a file open.

use super::MmFile;
use crate::control::participants;
use crate::object::Peer;

impl MmFile {
    /// A row for each open handle of a living process, as far as the table of participants has
    /// room. It asks the kernel once for each.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        let handle = &*self.handle;
        if handle.check_whole().is_err() {
            return Vec::new();
        }
        let (creator, holder) = (handle.source().creator(), handle.section.holder());
        // One that may not write to a file on disk has a control block of its own, with its own row.
        let own = handle.source.as_ref().map(|_| participants::rows(&handle.control));
        participants::rows(handle.source())
            .chain(own.into_iter().flatten())
            .filter(|row| handle.object.is_alive(row.nonce))
            .map(|row| Peer {
                pid: row.pid,
                access: row.mode.access,
                since: row.since,
                is_creator: row.nonce == creator,
                holds_lock: holder == Some(row.nonce),
                is_self: row.nonce == handle.object.nonce(),
            })
            .collect()
    }
}
