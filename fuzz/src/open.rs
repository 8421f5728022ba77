//! Arbitrary bytes where a file and its control block should be.

use crate::input::Input;
use crate::object::{self, Object};
use crate::{ID, LOCK_TIMEOUT, open_with, prefixes, read_all, timed};
use mmfile_core::{Access, Timeout, list, sweep};
use std::time::Duration;

/// Arbitrary bytes as data object and as control object: open, read all, append, seal, list.
pub fn open(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let prefixes = prefixes();
    let capacity = 1 + u64::from(input.short() % 5000);
    let fixed = input.byte();
    let (data_name, control_name) =
        (format!("{}{ID}", prefixes.data()), format!("{}{ID}", prefixes.mutex()));
    let data = Object::create(&data_name, capacity);
    let size = if fixed & 0x80 == 0 { object::CONTROL_SIZE } else { u64::from(input.short()) };
    let control = Object::create(&control_name, size);
    let split = usize::from(input.short());
    let rest = input.rest();
    let (first, second) = rest.split_at(split.min(rest.len()));
    data.put(0, first);
    control.put(0, second);
    control.describe(fixed, &data, capacity);
    for access in [Access::ReadWrite, Access::Read] {
        let Ok(file) = timed("open", || open_with(access, fixed & 0x20 == 0)) else { continue };
        assert_eq!(file.capacity(), capacity);
        read_all(&file);
        let _ = timed("append", || file.append(b"fuzz"));
        let _ = timed("append", || file.append_all(&[&b"one"[..], b"", b"three"]));
        let _ = timed("wait", || file.wait_for(3, Timeout::Val(LOCK_TIMEOUT), Duration::ZERO));
        read_all(&file);
        let _ = timed("seal", || file.seal());
        let _ = file.is_sealed();
        read_all(&file);
    }
    let _ = timed("list", || list(&prefixes));
    let _ = timed("sweep", || sweep(&prefixes));
}
