//! Arbitrary bytes where a file and its control block should be: errors or data.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mmfile_fuzz::open(input));
