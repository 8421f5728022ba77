//! An open object, named or on disk: what it is, and who has it open.

use super::bytes::{self, Hold};
use super::{Identity, Mapping, process_number};
use crate::error::{Error, OsError, Result};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// An open descriptor of an object. Whoever keeps one [`shared`](Object::share) counts as
/// alive until the kernel closes it, however the process ends.
#[derive(Debug)]
pub(crate) struct Object {
    fd: Arc<OwnedFd>,
    identity: Identity,
    /// Whether it may have the advisory lock, shared or exclusive.
    held: AtomicBool,
    /// Whether the process has announced itself by it.
    announced: AtomicBool,
}

/// Facts about an object, from one `fstat`.
struct Status {
    size: u64,
    linked: bool,
}

/// Where the bytes of the processes begin: far behind the end of any object.
const FIRST_BYTE: u64 = 1 << 60;

impl Object {
    /// Takes a descriptor of a regular file. What the caller requires beyond that it checks itself.
    pub(super) fn new(fd: OwnedFd, id: &str) -> Result<Self> {
        let stat = fstat(&fd)?;
        Self::examined(fd, &stat, id)
    }

    /// As [`Object::new`], for a descriptor of which this is known already.
    pub(super) fn examined(fd: OwnedFd, stat: &libc::stat, id: &str) -> Result<Self> {
        if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
            let reason = "something else stands at its name";
            return Err(Error::Access { id: id.into(), reason, os: None });
        }
        let identity = identity_of(stat);
        let [held, announced] = [false, false].map(AtomicBool::new);
        Ok(Self { fd: Arc::new(fd), identity, held, announced })
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    pub(super) fn descriptor(&self) -> i32 {
        self.fd.as_raw_fd()
    }

    /// Tells other processes that this one has the object open, until the descriptor is closed.
    pub(crate) fn announce(&self) {
        let at = FIRST_BYTE + process_number();
        // Where the file system has no such locks, nobody is ever missed.
        let _ = bytes::set(&self.fd, Hold::Shared, at, 1);
        self.announced.store(true, Ordering::Relaxed);
    }

    /// Neither counts as alive nor is announced any more, as if the descriptor were closed.
    pub(crate) fn withdraw(&self) {
        self.unshare();
        if self.announced.swap(false, Ordering::Relaxed) {
            let _ = bytes::set(&self.fd, Hold::Nothing, FIRST_BYTE, 0);
        }
    }

    /// Whether another process has announced itself. `None` where it cannot be told.
    pub(crate) fn others_are_here(&self) -> Option<bool> {
        let mine = FIRST_BYTE + process_number();
        let below = bytes::is_locked(&self.fd, FIRST_BYTE, mine - FIRST_BYTE)?;
        let above = bytes::is_locked(&self.fd, mine + 1, 0)?;
        Some(below || above)
    }

    /// Whether anybody who opened it elsewhere has announced himself. `None` where it cannot be told.
    pub(crate) fn is_announced(&self) -> Option<bool> {
        bytes::is_locked(&self.fd, FIRST_BYTE, 0)
    }

    /// What tells this object from any other.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Its size in bytes, now.
    pub(crate) fn size(&self) -> Result<u64> {
        Ok(self.status()?.size)
    }

    /// The same, of an object whose name still leads to it.
    pub(crate) fn linked_size(&self) -> Result<Option<u64>> {
        let status = self.status()?;
        Ok(status.linked.then_some(status.size))
    }

    /// Whether its name still leads to it.
    pub(crate) fn is_linked(&self) -> bool {
        self.status().is_ok_and(|status| status.linked)
    }

    fn status(&self) -> Result<Status> {
        let stat = fstat(&self.fd)?;
        Ok(Status { size: u64::try_from(stat.st_size).unwrap_or(0), linked: stat.st_nlink > 0 })
    }

    /// Waits until everything that was written through these mappings is on the disk.
    #[cfg(not(target_os = "macos"))]
    pub(crate) fn sync(&self, _: [&Arc<Mapping>; 2]) -> Result<()> {
        // SAFETY: the descriptor is open. Data written through a mapping is synchronized with it.
        retry(|| unsafe { libc::fsync(self.fd.as_raw_fd()) }).map(|_| ()).map_err(|errno| {
            let os = Some(OsError { syscall: "fsync", errno });
            Error::NoSpace { needed: "durable storage".into(), os }
        })
    }

    /// The same. Here `fsync` leaves out what was written through a mapping, and the disk's own cache.
    #[cfg(target_os = "macos")]
    pub(crate) fn sync(&self, mappings: [&Arc<Mapping>; 2]) -> Result<()> {
        let failed = |syscall, errno| {
            let os = Some(OsError { syscall, errno });
            Error::NoSpace { needed: "durable storage".into(), os }
        };
        for region in mappings.map(|mapping| *mapping.region()) {
            // SAFETY: the range is mapped, from a page's begin on.
            retry(|| unsafe { libc::msync(region.as_ptr().cast(), region.len(), libc::MS_SYNC) })
                .map_err(|errno| failed("msync", errno))?;
        }
        // SAFETY: the descriptor is open.
        retry(|| unsafe { libc::fcntl(self.fd.as_raw_fd(), libc::F_FULLFSYNC) })
            // SAFETY: as above. Not every file system has the stronger one.
            .or_else(|_| retry(|| unsafe { libc::fsync(self.fd.as_raw_fd()) }))
            .map(|_| ())
            .map_err(|errno| failed("fsync", errno))
    }

    /// Counts as alive from now on. `false` if somebody has it exclusively at this moment.
    pub(crate) fn share(&self) -> Result<bool> {
        self.advise(Hold::Shared)
    }

    /// Takes the object for this descriptor alone. `false` if anybody else is alive.
    pub(crate) fn try_exclusive(&self) -> Result<bool> {
        self.advise(Hold::Alone)
    }

    /// Counts as alive no more.
    pub(crate) fn unshare(&self) {
        if self.held.swap(false, Ordering::Relaxed) {
            // It can only fail for arguments that are wrong, and closing the descriptor does the same.
            let _ = advise(&self.fd, Hold::Nothing);
        }
    }

    fn advise(&self, hold: Hold) -> Result<bool> {
        match advise(&self.fd, hold) {
            Ok(done) => {
                self.held.fetch_or(done, Ordering::Relaxed);
                Ok(done)
            }
            Err((syscall, errno)) => Err(Error::NoSpace {
                needed: "an advisory lock".into(),
                os: Some(OsError { syscall, errno }),
            }),
        }
    }
}

#[cfg(any(target_os = "macos", mmfile_portable))]
impl Object {
    /// Makes an anchor as long as the object that it stands for. It takes no room on the disk.
    pub(super) fn set_size(&self, size: u64) -> Result<()> {
        let no_space = |errno| {
            let os = Some(OsError { syscall: "ftruncate", errno });
            Error::NoSpace { needed: format!("{size} bytes of shared memory"), os }
        };
        let size = libc::off_t::try_from(size).map_err(|_| no_space(libc::EFBIG))?;
        // SAFETY: the descriptor is open.
        retry(|| unsafe { libc::ftruncate(self.fd.as_raw_fd(), size) })
            .map(|_| ())
            .map_err(no_space)
    }

    /// Where the lock of the control block is taken that this is, or is in.
    pub(super) fn lock_file(&self) -> crate::lock::LockFile {
        crate::lock::LockFile::new(Arc::clone(&self.fd), self.identity)
    }
}

/// The byte that those who are alive share. `flock` is of no use where it is one kind of lock with those
/// on bytes, as in every BSD: it would stand in the way of all of them.
#[cfg(any(target_os = "macos", mmfile_portable))]
const ALIVE_BYTE: u64 = (1 << 59) + 1;

#[cfg(any(target_os = "macos", mmfile_portable))]
fn advise(fd: &OwnedFd, hold: Hold) -> std::result::Result<bool, (&'static str, i32)> {
    bytes::set(fd, hold, ALIVE_BYTE, 1).map_err(|errno| ("fcntl", errno))
}

#[cfg(not(any(target_os = "macos", mmfile_portable)))]
fn advise(fd: &OwnedFd, hold: Hold) -> std::result::Result<bool, (&'static str, i32)> {
    let operation = match hold {
        Hold::Shared => libc::LOCK_SH,
        Hold::Alone => libc::LOCK_EX,
        Hold::Nothing => libc::LOCK_UN,
    };
    let done = retry(|| {
        // SAFETY: the descriptor is open.
        unsafe { libc::flock(fd.as_raw_fd(), operation | libc::LOCK_NB) }
    });
    match done {
        Ok(_) => Ok(true),
        Err(libc::EWOULDBLOCK) => Ok(false),
        Err(errno) => Err(("flock", errno)),
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        // Closing the descriptor is not enough: another thread may have forked a moment ago, and the
        // child has a copy of it, with the same locks, until it runs its own program.
        self.withdraw();
    }
}

/// The error that an OS error number means to a caller who wanted `size` bytes of `id`.
pub(super) fn from_errno(os: OsError, id: &str, size: u64) -> Error {
    let id = id.to_owned();
    match os.errno {
        libc::ENOENT => Error::NotFound { id },
        libc::EEXIST => Error::Exists { id },
        libc::ENOMEM
        | libc::EAGAIN
        | libc::ENOSPC
        | libc::EFBIG
        | libc::EOVERFLOW
        | libc::EDQUOT => {
            Error::NoSpace { needed: format!("{size} bytes of shared memory"), os: Some(os) }
        }
        libc::EMFILE | libc::ENFILE => {
            Error::NoSpace { needed: "another file descriptor".into(), os: Some(os) }
        }
        libc::ELOOP | libc::EISDIR | libc::EINVAL | libc::ENXIO => {
            Error::Access { id, reason: "something else stands at its name", os: Some(os) }
        }
        _ => Error::Access { id, reason: "the system refuses it", os: Some(os) },
    }
}

pub(super) fn fstat(fd: &OwnedFd) -> Result<libc::stat> {
    // SAFETY: an all-zero `stat` is a valid value of that plain struct.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open, and `stat` is writable.
    if unsafe { libc::fstat(fd.as_raw_fd(), &raw mut stat) } == 0 {
        return Ok(stat);
    }
    let os = Some(OsError::last("fstat"));
    Err(Error::Access { id: "shared memory".into(), reason: "the system refuses it", os })
}

fn identity_of(stat: &libc::stat) -> Identity {
    #[cfg(target_os = "macos")]
    let device = u64::from(stat.st_dev.cast_unsigned());
    #[cfg(not(target_os = "macos"))]
    let device = stat.st_dev;
    Identity { device, inode: stat.st_ino }
}

/// Repeats a call that a signal interrupted; the error number of one that failed.
pub(super) fn retry(mut call: impl FnMut() -> i32) -> std::result::Result<i32, i32> {
    loop {
        let result = call();
        if result >= 0 {
            return Ok(result);
        }
        match OsError::last("").errno {
            libc::EINTR => {}
            errno => return Err(errno),
        }
    }
}
