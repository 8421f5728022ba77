//! Another mapping that writes anything anywhere between our operations.

use crate::input::Input;
use crate::object::{self, Object};
use crate::{LOCK_TIMEOUT, create, end, name, operate};

/// A script: writes through a second mapping, and our operations in between.
pub fn scribble(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let capacity = 16 + u64::from(input.byte()) * 4;
    let files = create(capacity, LOCK_TIMEOUT);
    let object = Object::open(&name());
    let control = |offset, bytes: &[u8]| object.put(object.control() + offset, bytes);
    let mut steps = 0;
    while !input.is_empty() && steps < 64 {
        steps += 1;
        let step = input.byte();
        match step & 15 {
            0 => object.put(usize::from(input.short()), &input.take(4)),
            1 => object.put(usize::from(input.byte()) * 4, &input.take(4)),
            2 => control(usize::from(input.byte()) * 2, &input.take(8)),
            3 => control(object::PROTOCOL + usize::from(input.byte() % 144), &input.take(4)),
            // Numbers near the end, which are the most believable ones.
            4 => {
                let number = (capacity + 8).saturating_sub(u64::from(input.byte() % 32));
                let at = object::PROTOCOL + usize::from(input.byte() % 18) * 8;
                control(at, &number.to_le_bytes());
            }
            _ => operate(step, &files, &mut input, |input| {
                control(usize::from(input.byte()) * 2, &input.take(4));
            }),
        }
    }
    end(files);
}
