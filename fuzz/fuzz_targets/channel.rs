//! A channel's memory changes in any way between our operations on it: errors or data.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mmfile_fuzz::channel(input));
