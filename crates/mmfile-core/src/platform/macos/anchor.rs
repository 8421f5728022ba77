//! The contents of an anchor, and the memory that it represents.

use super::super::unix::descriptor::{fstat, read_at};
use super::super::unix::{from_errno, permissions, retry};
use crate::control::layout::control_offset_of;
use crate::error::{Error, OsError, Result};
use crate::platform::Descriptor;
use std::ffi::CString;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Where the memory is: all that an anchor contains. Its name has 24 characters, of the 31 that there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// Random.
    pub(super) number: u64,
    /// The exact size, which the system rounds up to pages.
    pub(super) size: u64,
}

const LENGTH: usize = "/mmfile-0123456789abcdef 0123456789abcdef\n".len();

impl Record {
    fn text(self) -> String {
        format!("{} {:016x}\n", self.name(), self.size)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() || bytes == [0; LENGTH] {
            // The machine went down before the record was on the disk. There is no memory of that name.
            return Some(Self { number: 0, size: 0 });
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let number = |digits: &str| u64::from_str_radix(digits, 16).ok();
        let record = Self { number: number(text.get(8..24)?)?, size: number(text.get(25..41)?)? };
        control_offset_of(record.size)?;
        // Only anchors represent memory: no other name is ever opened or removed.
        (record.text() == text).then_some(record)
    }

    /// The contents of an anchor; `None` if the file is something else.
    pub(super) fn of(anchor: &Descriptor, id: &str) -> Result<Option<Self>> {
        let mut bytes = [0; LENGTH + 1];
        let read = read_at(anchor.fd(), &mut bytes, 0).map_err(|os| from_errno(os, id, 0))?;
        Ok(bytes.get(..read).and_then(Self::parse))
    }

    /// Writes it to a new anchor.
    pub(super) fn write(self, anchor: &Descriptor) -> std::result::Result<(), OsError> {
        let (text, fd) = (self.text(), anchor.fd().as_raw_fd());
        // SAFETY: the descriptor is open, and the bytes have the length that the call is given.
        let written = unsafe { libc::pwrite(fd, text.as_ptr().cast(), text.len(), 0) };
        match usize::try_from(written) {
            Err(_) => Err(OsError::last("pwrite")),
            Ok(written) if written < text.len() => {
                Err(OsError { syscall: "pwrite", errno: libc::ENOSPC })
            }
            Ok(_) => Ok(()),
        }
    }

    /// The memory's name.
    pub(super) fn name(self) -> String {
        format!("/mmfile-{:016x}", self.number)
    }

    /// A descriptor of the memory, if it is this user's alone and large enough. `None` if it is gone.
    pub(super) fn open(self, flags: i32, id: &str) -> Result<Option<OwnedFd>> {
        let Ok(name) = CString::new(self.name()) else { return Ok(None) };
        // SAFETY: a NUL-terminated string that outlives the call.
        let raw = match retry(|| unsafe { libc::shm_open(name.as_ptr(), flags, 0) }) {
            Err(libc::ENOENT) => return Ok(None),
            opened => opened.map_err(|errno| {
                from_errno(OsError { syscall: "shm_open", errno }, id, self.size)
            })?,
        };
        // SAFETY: a descriptor that was opened just now and has no other owner.
        let fd = unsafe { OwnedFd::from_raw_fd(raw) };
        let stat = fstat(&fd)?;
        permissions::check_private(&stat, id)?;
        if u64::try_from(stat.st_size).unwrap_or(0) < self.size {
            return Err(Error::access(id, "its memory is smaller than it should be"));
        }
        Ok(Some(fd))
    }

    /// Removes the memory's name.
    pub(super) fn unlink(self) {
        if let Ok(name) = CString::new(self.name()) {
            // SAFETY: a NUL-terminated string that outlives the call.
            unsafe { libc::shm_unlink(name.as_ptr()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, Record};

    #[test]
    fn nothing_but_a_record_names_memory() {
        let record = Record { number: 0x0123_4567_89ab_cdef, size: 8192 };
        let text = record.text();
        assert_eq!(text, "/mmfile-0123456789abcdef 0000000000002000\n");
        assert_eq!((text.len(), record.name().len()), (LENGTH, 24));
        assert_eq!(Record::parse(text.as_bytes()), Some(record));
        for other in [
            "/mmfile-0123456789ABCDEF 0000000000002000\n",
            "/mmfile-+123456789abcdef 0000000000002000\n",
            "/mmfile-0123456789abcdef 0000000000002000",
            "/mmfile-0123456789abcdef 0000000000002000\n\n",
            "/mmfilf-0123456789abcdef 0000000000002000\n",
            "/mmfile-0123456789abcdéf 000000000002000\n",
            "x",
        ] {
            assert_eq!(Record::parse(other.as_bytes()), None, "{other:?}");
        }
        assert_eq!(Record::parse(&[0; LENGTH - 1]), None);
    }
}
