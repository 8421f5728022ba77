//! Arbitrary bytes where a file should be.

use crate::input::Input;
use crate::object::{self, Object};
use crate::{LOCK_TIMEOUT, name, open_with, place, read_all, timed};
use mmfile_core::{Access, Timeout, list, sweep};
use std::time::Duration;

/// Arbitrary bytes as data and as control block: open, read all, append, seal, list.
pub fn open(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let capacity = 1 + u64::from(input.short() % 5000);
    let fixed = input.byte();
    let room = object::control_offset(capacity);
    let size =
        if fixed & 0x80 == 0 { room + object::CONTROL_SIZE } else { u64::from(input.short()) };
    let object = Object::create(&name(), size);
    let split = usize::from(input.short());
    let rest = input.rest();
    let (first, second) = rest.split_at(split.min(rest.len()));
    object.put(0, first);
    object.put(object.control(), second);
    object.describe(fixed, capacity);
    for access in [Access::ReadWrite, Access::Read] {
        let Ok(file) = timed("open", || open_with(access, fixed & 0x20 == 0)) else { continue };
        assert_eq!(object::control_offset(file.capacity()) + object::CONTROL_SIZE, size);
        read_all(&file);
        let _ = timed("append", || file.append(b"fuzz"));
        let _ = timed("append", || file.append_all(&[&b"one"[..], b"", b"three"]));
        let _ = timed("wait", || file.wait_for(3, Timeout::Val(LOCK_TIMEOUT), Duration::ZERO));
        read_all(&file);
        let _ = timed("seal", || file.seal());
        let _ = file.is_sealed();
        read_all(&file);
    }
    let _ = timed("list", || list(&place()));
    let _ = timed("sweep", || sweep(&place()));
}
