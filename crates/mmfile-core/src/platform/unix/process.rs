//! The identity of this process.

use super::fork::generation;
use std::hash::{DefaultHasher, Hash, Hasher};
#[cfg(target_os = "linux")]
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bits of a process's number.
pub(crate) const PROCESS_BITS: u32 = 40;

/// A number that no other process has and that every copy of this library in the process finds: computed from
/// the random bytes that the kernel gives each program at its start, and from the process id, which a forked
/// child does not share.
pub(crate) fn process_number() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    static GENERATION: AtomicU64 = AtomicU64::new(0);
    let generation = u64::from(generation());
    if GENERATION.load(Ordering::Acquire) == generation {
        return NUMBER.load(Ordering::Relaxed);
    }
    let mut hash = DefaultHasher::new();
    // Two processes of two PID namespaces can have one id.
    let identity = (std::process::id(), process_namespace());
    (birth().unwrap_or_else(random_bytes), identity).hash(&mut hash);
    let number = hash.finish() >> (u64::BITS - PROCESS_BITS);
    NUMBER.store(number, Ordering::Relaxed);
    GENERATION.store(generation, Ordering::Release);
    number
}

/// The random bytes that the kernel gives each program.
#[cfg(target_os = "linux")]
fn birth() -> Option<[u8; 16]> {
    // SAFETY: takes a number; the result is the address of 16 bytes, or 0.
    let at = unsafe { libc::getauxval(libc::AT_RANDOM) } as *const [u8; 16];
    // SAFETY: the kernel put 16 bytes there before the program began, and nothing removes them.
    (!at.is_null()).then(|| unsafe { at.read_unaligned() })
}

/// When the process began, to the microsecond.
#[cfg(target_os = "macos")]
fn birth() -> Option<[u8; 16]> {
    // SAFETY: an all-zero value is valid for that plain struct.
    let mut info: libc::proc_bsdinfo = unsafe { std::mem::zeroed() };
    let size = i32::try_from(size_of_val(&info)).ok()?;
    // SAFETY: the target has the length that the call is given.
    let written = unsafe {
        let (pid, flavor) = (libc::getpid(), libc::PROC_PIDTBSDINFO);
        libc::proc_pidinfo(pid, flavor, 0, (&raw mut info).cast(), size)
    };
    let begun = u128::from(info.pbi_start_tvsec) << 64 | u128::from(info.pbi_start_tvusec);
    (written == size).then(|| begun.to_ne_bytes())
}

/// A number for this run of the machine; 0 where it is not known.
pub(crate) fn boot_number() -> u64 {
    static NUMBER: OnceLock<u64> = OnceLock::new();
    *NUMBER.get_or_init(|| {
        let id = boot_id().and_then(|text| uuid::Uuid::try_parse(text.trim()).ok());
        id.map_or(0, |id| id.as_u64_pair().0 ^ id.as_u64_pair().1)
    })
}

#[cfg(target_os = "linux")]
fn boot_id() -> Option<String> {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()
}

#[cfg(target_os = "macos")]
fn boot_id() -> Option<String> {
    let mut text = [0_u8; 64];
    let (name, mut size) = (c"kern.bootsessionuuid", text.len());
    // SAFETY: the name ends with a NUL; the target is writable for the size that is given.
    let result = unsafe {
        let target = text.as_mut_ptr().cast();
        libc::sysctlbyname(name.as_ptr(), target, &raw mut size, std::ptr::null_mut(), 0)
    };
    let text = text.split(|byte| *byte == 0).next().filter(|_| result == 0)?;
    String::from_utf8(text.to_vec()).ok()
}

fn random_bytes() -> [u8; 16] {
    static OWN: OnceLock<[u8; 16]> = OnceLock::new();
    *OWN.get_or_init(|| *uuid::Uuid::new_v4().as_bytes())
}

/// The kernel's number for this process's PID namespace, or 0 where the kernel does not say.
pub(crate) fn process_namespace() -> u64 {
    static NAMESPACE: AtomicU64 = AtomicU64::new(0);
    static GENERATION: AtomicU64 = AtomicU64::new(0);
    // A forked child can be in another one.
    let generation = u64::from(generation());
    if GENERATION.load(Ordering::Acquire) != generation {
        let found = std::fs::metadata("/proc/self/ns/pid").ok().map(|m| m.ino());
        NAMESPACE.store(found.or_else(namespace_by_pidfd).unwrap_or(0), Ordering::Relaxed);
        GENERATION.store(generation, Ordering::Release);
    }
    NAMESPACE.load(Ordering::Relaxed)
}

/// The same where there is no /proc, or where it belongs to another namespace (Linux 6.11).
#[cfg(target_os = "linux")]
fn namespace_by_pidfd() -> Option<u64> {
    /// `_IO(0xff, 5)`.
    const PIDFD_GET_PID_NAMESPACE: libc::Ioctl = 0xff05;
    let owned = |fd: i64| {
        let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
        // SAFETY: a descriptor that was opened just now and has no other owner.
        Some(unsafe { OwnedFd::from_raw_fd(fd) })
    };
    // SAFETY: the calls take numbers; the first descriptor is open.
    unsafe {
        let process = owned(libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0))?;
        let namespace = libc::ioctl(process.as_raw_fd(), PIDFD_GET_PID_NAMESPACE, 0);
        std::fs::File::from(owned(namespace.into())?).metadata().ok().map(|m| m.ino())
    }
}

#[cfg(not(target_os = "linux"))]
fn namespace_by_pidfd() -> Option<u64> {
    None
}

/// Stops this process until it is continued.
pub(crate) fn stop_self() {
    // SAFETY: touches no memory; it begins with this thread.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Ends this process as a kill from outside would.
pub(crate) fn kill_self() {
    // SAFETY: touches no memory.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    loop {
        std::thread::park();
    }
}
