//! Places at which a test can kill the process. They cost nothing where they are not compiled in.

use super::{kill_self, stop_self};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Whether the points count that count only once the process is [armed](arm).
static ARMED: AtomicBool = AtomicBool::new(false);

/// From here on a point counts whose name in `MMFILE_FAULT` begins with `+`; it does not count before.
#[allow(dead_code, reason = "for tests")]
pub fn arm() {
    ARMED.store(true, Ordering::Relaxed);
}

/// Kills the process, as only the system can, when `MMFILE_FAULT` names this point: `name` for its first
/// passing, `name:3` for its third, `+name` for the first one after [`arm`]. On Unix `=name` stops it there
/// instead, until it is continued.
#[inline(always)]
pub(crate) fn point(name: &str) {
    if cfg!(feature = "fault-points") {
        pass(name);
    }
}

fn pass(name: &str) {
    /// The point's name, how often it must still be passed, and the action.
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
            Some(text) => (text, stop_self),
            None => (text, kill_self),
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
