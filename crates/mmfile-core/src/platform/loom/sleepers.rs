//! Which processes sleep on which word.

use loom::sync::{Condvar, Mutex};

/// The sleepers on each word, by its address.
#[derive(Debug)]
pub(super) struct Sleepers {
    waiting: Mutex<Waiting>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Addresses, and numbered tickets.
    tickets: Vec<(usize, u64)>,
    next: u64,
}

impl Sleepers {
    pub(super) fn new() -> Self {
        Self { waiting: Mutex::default(), woken: Condvar::new() }
    }

    /// Sleeps until it is woken, if the word is the expected one when all others are kept from waking.
    pub(super) fn wait(&self, address: usize, is_expected: impl FnOnce() -> bool) {
        let mut waiting = self.waiting.lock().expect("no process dies with it");
        if !is_expected() {
            return;
        }
        let ticket = waiting.next;
        waiting.next += 1;
        waiting.tickets.push((address, ticket));
        while waiting.tickets.iter().any(|(_, other)| *other == ticket) {
            waiting = self.woken.wait(waiting).expect("no process dies with it");
        }
    }

    /// Wakes up to `count` of its sleepers. Whether there was one.
    pub(super) fn wake(&self, address: usize, count: i32) -> bool {
        let mut left = count;
        self.waiting.lock().expect("no process dies with it").tickets.retain(|(at, _)| {
            let stays = *at != address || left == 0;
            left -= i32::from(!stays);
            stays
        });
        self.woken.notify_all();
        left != count
    }

    /// Wakes every sleeper, as a deliberate fault does too early.
    pub(super) fn wake_everybody(&self) {
        self.waiting.lock().expect("no process dies with it").tickets.clear();
        self.woken.notify_all();
    }
}
