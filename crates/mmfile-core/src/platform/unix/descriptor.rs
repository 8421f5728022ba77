//! Descriptors of objects and files, and what the system says of them.

use super::errno::retry;
use super::permissions::check_regular;
use super::{byte_lock, fork};
use crate::error::{Error, OsError, Result};
use crate::platform::locks::{ByteRange, LockKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

/// Distinguishes an object from another one that later got the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl Identity {
    /// One number for it.
    pub(crate) fn number(self) -> u64 {
        self.device.rotate_left(32) ^ self.inode
    }
}

/// An open descriptor that a forked child does not share.
#[derive(Debug)]
pub(crate) struct LockFd(OwnedFd);

impl std::ops::Deref for LockFd {
    type Target = OwnedFd;

    fn deref(&self) -> &OwnedFd {
        &self.0
    }
}

impl Drop for LockFd {
    fn drop(&mut self) {
        fork::remove(self.0.as_raw_fd());
    }
}

/// A descriptor that holds the locks of one handle on an object. Nothing is mapped through it, since a
/// mapping would keep the locks.
#[derive(Debug, Clone)]
pub(crate) struct Descriptor {
    fd: Arc<LockFd>,
    identity: Identity,
    generation: u32,
}

impl Descriptor {
    /// A descriptor of a regular file. It is opened again if the process forks meanwhile: the child would keep
    /// the locks.
    pub(crate) fn open(
        mut open: impl FnMut() -> Result<(OwnedFd, libc::stat)>,
        id: &str,
    ) -> Result<Self> {
        loop {
            let forks = fork::forks();
            let (fd, stat) = open()?;
            check_regular(&stat, id)?;
            if fork::add(fd.as_raw_fd(), forks) {
                let (fd, identity) = (Arc::new(LockFd(fd)), identity_of(&stat));
                return Ok(Self { fd, identity, generation: fork::generation() });
            }
        }
    }

    pub(crate) fn fd(&self) -> &Arc<LockFd> {
        &self.fd
    }

    /// Identifies this object.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Whether this is the process that opened it, and not a forked child of that.
    pub(crate) fn is_own(&self) -> bool {
        self.generation == fork::generation()
    }

    /// Refuses a forked child: its descriptor leads to something else.
    pub(crate) fn check_own(&self) -> Result<()> {
        if self.is_own() { Ok(()) } else { Err(Error::forked()) }
    }

    /// Its size in bytes, now.
    pub(crate) fn size(&self) -> Result<u64> {
        self.check_own()?;
        Ok(u64::try_from(fstat(&self.fd)?.st_size).unwrap_or(0))
    }

    /// Acquires, converts or (`None`) releases a lock, without waiting. `false` if another handle's lock
    /// conflicts; locks held before stay then.
    pub(crate) fn lock(&self, kind: Option<LockKind>, bytes: ByteRange) -> Result<bool> {
        self.check_own()?;
        byte_lock::set(&self.fd, kind, bytes)
    }

    /// One lock of another handle that conflicts with an exclusive one.
    pub(crate) fn blocker(&self, bytes: ByteRange) -> Result<Option<LockKind>> {
        self.check_own()?;
        byte_lock::blocker(&self.fd, bytes)
    }
}

pub(crate) fn fstat(fd: &OwnedFd) -> Result<libc::stat> {
    // SAFETY: an all-zero `stat` is a valid value of that plain struct.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and `stat` is writable.
    if unsafe { libc::fstat(fd.as_raw_fd(), &raw mut stat) } == 0 {
        return Ok(stat);
    }
    let os = Some(OsError::last("fstat"));
    Err(Error::Access { id: "shared memory".into(), reason: "the system refuses it", os })
}

#[allow(clippy::unnecessary_cast, reason = "types differ by system")]
pub(crate) fn identity_of(stat: &libc::stat) -> Identity {
    #[cfg(target_os = "macos")]
    let device = u64::from(stat.st_dev.cast_unsigned());
    #[cfg(not(target_os = "macos"))]
    let device = stat.st_dev as u64;
    Identity { device, inode: stat.st_ino as u64 }
}

/// Reads at an offset: how many bytes there were.
pub(crate) fn read_at(
    fd: &OwnedFd,
    target: &mut [u8],
    offset: u64,
) -> std::result::Result<usize, OsError> {
    let offset = libc::off_t::try_from(offset).unwrap_or(libc::off_t::MAX);
    // SAFETY: the descriptor is open, and the target has the length that the call is given.
    let read =
        unsafe { libc::pread(fd.as_raw_fd(), target.as_mut_ptr().cast(), target.len(), offset) };
    usize::try_from(read).map_err(|_| OsError::last("pread"))
}

/// Sets the size of a new file, without reserving anything.
pub(crate) fn set_size(fd: &OwnedFd, size: u64) -> std::result::Result<(), OsError> {
    let error = |errno| OsError { syscall: "ftruncate", errno };
    let length = libc::off_t::try_from(size).map_err(|_| error(libc::EFBIG))?;
    // SAFETY: the descriptor is open.
    retry(|| unsafe { libc::ftruncate(fd.as_raw_fd(), length) }).map(|_| ()).map_err(error)
}

#[cfg(test)]
mod tests {
    use super::super::folder;
    use super::*;

    #[test]
    fn a_child_has_no_lock_however_early_it_was_forked() {
        let name = format!("mmfile-early-fork-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, "x").unwrap();
        let open = || folder::open(&path, libc::O_RDWR, "it");
        let mut child = None;
        let first = Descriptor::open(
            || {
                let opened = open();
                child.get_or_insert_with(|| {
                    // SAFETY: the child makes system calls alone.
                    unsafe {
                        let child = libc::fork();
                        if child == 0 {
                            libc::alarm(60);
                            libc::pause();
                            libc::_exit(0);
                        }
                        child
                    }
                });
                opened
            },
            "it",
        );
        let byte = ByteRange { start: 100, length: 1 };
        let first = first.unwrap();
        assert!(first.lock(Some(LockKind::Shared), byte).unwrap());
        drop(first);
        let blocker = Descriptor::open(open, "it").unwrap().blocker(byte).unwrap();
        // SAFETY: our own child, which is reaped; the status is not asked for.
        unsafe {
            let child = child.unwrap();
            libc::kill(child, libc::SIGKILL);
            libc::waitpid(child, std::ptr::null_mut(), 0);
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(blocker, None, "the child keeps the lock");
    }
}
