//! Another mapping that writes anything anywhere between our operations: errors or data.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mmfile_fuzz::scribble(input));
