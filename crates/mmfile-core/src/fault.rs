//! Places at which a test can kill the process. They cost nothing where they are not compiled in.

/// Kills the process, as nothing but the system can, when `MMFILE_FAULT` names this point: `name` for its first
/// passing, `name:3` for its third.
#[cfg(all(feature = "fault-points", not(loom)))]
pub(crate) fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static TARGET: OnceLock<Option<(String, AtomicU32)>> = OnceLock::new();
    let target = TARGET.get_or_init(|| {
        let text = std::env::var("MMFILE_FAULT").ok()?;
        let (name, times) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), AtomicU32::new(times.parse().unwrap_or(1))))
    });
    if let Some((target, left)) = target
        && target == name
        && left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        die();
        loop {
            std::thread::park();
        }
    }
}

/// Does nothing.
#[cfg(not(any(loom, feature = "fault-points")))]
#[inline(always)]
pub(crate) fn point(_name: &str) {}

/// Ends the process of a model that is to die here.
#[cfg(loom)]
pub(crate) use crate::modelled::point;

#[cfg(all(feature = "fault-points", unix, not(loom)))]
fn die() {
    // SAFETY: kills this very process, which is what the test asked for.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
}

#[cfg(all(feature = "fault-points", windows, not(loom)))]
fn die() {
    use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};
    // SAFETY: ends this very process, which is what the test asked for.
    unsafe { TerminateProcess(GetCurrentProcess(), 1) };
}
