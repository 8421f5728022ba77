//! Places at which a test can kill the process. They cost nothing where they are not compiled in.

#[cfg(all(feature = "fault-points", not(platform = "loom")))]
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Whether passings count that only count once the process is [armed](arm).
#[cfg(all(feature = "fault-points", not(platform = "loom")))]
static ARMED: AtomicBool = AtomicBool::new(false);

/// From here on a point counts whose name in `MMFILE_FAULT` begins with `+`: what the process passed on its
/// way here was not meant.
#[cfg(all(feature = "fault-points", not(platform = "loom")))]
pub fn arm() {
    ARMED.store(true, Ordering::Relaxed);
}

/// Kills the process, as nothing but the system can, when `MMFILE_FAULT` names this point: `name` for its first
/// passing, `name:3` for its third, `+name` for the first one after [`arm`]. On Unix `=name` stops it there
/// instead, until it is continued.
#[cfg(all(feature = "fault-points", not(platform = "loom")))]
pub(crate) fn point(name: &str) {
    use std::sync::OnceLock;
    /// Its name, which of its passings is meant, and what happens then.
    type Target = (String, AtomicU32, fn());
    static TARGET: OnceLock<Option<Target>> = OnceLock::new();
    let target = TARGET.get_or_init(|| {
        let text = std::env::var("MMFILE_FAULT").ok()?;
        let text = match text.strip_prefix('+') {
            Some(later) => later,
            None => {
                arm();
                &text
            }
        };
        let (text, act): (_, fn()) = match text.strip_prefix('=') {
            Some(text) => (text, stop),
            None => (text, die),
        };
        let (name, times) = text.split_once(':').unwrap_or((text, "1"));
        Some((name.to_owned(), AtomicU32::new(times.parse().unwrap_or(1)), act))
    });
    if let Some((target, left, act)) = target
        && target == name
        && ARMED.load(Ordering::Relaxed)
        && left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        act();
    }
}

/// Does nothing.
#[cfg(not(any(platform = "loom", feature = "fault-points")))]
#[inline(always)]
pub(crate) fn point(_name: &str) {}

/// Ends the process of a model that is to die here.
#[cfg(platform = "loom")]
pub(crate) use crate::platform::loom::point;

#[cfg(all(feature = "fault-points", unix, not(platform = "loom")))]
fn stop() {
    // SAFETY: stops this very process, beginning with this thread, which is what the test asked for.
    unsafe { libc::raise(libc::SIGSTOP) };
}

#[cfg(all(feature = "fault-points", windows, not(platform = "loom")))]
fn stop() {
    die();
}

#[cfg(all(feature = "fault-points", unix, not(platform = "loom")))]
fn die() {
    // SAFETY: kills this very process, which is what the test asked for.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    loop {
        std::thread::park();
    }
}

#[cfg(all(feature = "fault-points", windows, not(platform = "loom")))]
fn die() {
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};
    // SAFETY: ends this very process, which is what the test asked for.
    unsafe { TerminateProcess(GetCurrentProcess(), 1) };
    loop {
        std::thread::park();
    }
}
