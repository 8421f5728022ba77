//! Arbitrary bytes as a file on disk, and a changed file of the package: errors or data.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mmfile_fuzz::disk(input));
