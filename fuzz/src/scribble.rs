//! Another mapping that writes anything anywhere between our operations.

use crate::input::Input;
use crate::object::{self, Object};
use crate::{LOCK_TIMEOUT, create, end, names, operate, prefixes};

/// A script: what a second mapping writes where, and what we do in between.
pub fn scribble(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let prefixes = prefixes();
    let capacity = 16 + u64::from(input.byte()) * 4;
    let files = create(capacity, &prefixes, LOCK_TIMEOUT);
    let names = names(&prefixes);
    let [data, control] = [0, 1].map(|which: usize| Object::open(&names[which]));
    let mut steps = 0;
    while !input.is_empty() && steps < 64 {
        steps += 1;
        let step = input.byte();
        match step & 15 {
            0 => data.put(usize::from(input.short()), &input.take(4)),
            1 => data.put(usize::from(input.byte()) * 4, &input.take(4)),
            2 => control.put(usize::from(input.byte()) * 2, &input.take(8)),
            3 => control.put(object::PROTOCOL + usize::from(input.byte() % 144), &input.take(4)),
            // Numbers near the end, which are the most believable ones.
            4 => {
                let number = (capacity + 8).saturating_sub(u64::from(input.byte() % 32));
                let at = object::PROTOCOL + usize::from(input.byte() % 18) * 8;
                control.put(at, &number.to_le_bytes());
            }
            _ => operate(step, &files, &mut input, |input| {
                control.put(usize::from(input.byte()) * 2, &input.take(4));
            }),
        }
    }
    end(files, names);
}
