//! Arbitrary bytes as a file on disk, and a file of ours that was changed: errors or data.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mmfile_fuzz::disk(input));
