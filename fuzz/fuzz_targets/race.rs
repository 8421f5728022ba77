//! Another process that writes anything anywhere during our operations: errors or data.
#![no_main]

libfuzzer_sys::fuzz_target!(init: mmfile_fuzz::prepare_race(), |input: &[u8]| {
    mmfile_fuzz::race(input)
});
