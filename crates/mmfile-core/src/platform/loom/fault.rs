//! The points at which a process can die. It has the interface of `platform/fault.rs`.

use super::current;
use super::kernel::{self, kernel};
use super::mistakes::{Fault, has};
use crate::object::nonce::nonces;

pub(crate) fn point(name: &str) {
    if std::thread::panicking() {
        return;
    }
    match name {
        "commit.tail" if has(Fault::WakeBeforeChange) => kernel().sleepers.wake_everybody(),
        "commit.count" | "ring.tail" => {
            kernel().memories().iter().for_each(|memory| memory.catch_up())
        }
        "participant.claimed" if has(Fault::LiveBeforeContents) => {
            let nonces = nonces();
            kernel().memories().iter().for_each(|memory| memory.count_row(nonces.clone()));
        }
        _ => {}
    }
    if current::dies_at(name) {
        kernel::die();
    }
}
