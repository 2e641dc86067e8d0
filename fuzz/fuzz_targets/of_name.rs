//! The fuzzer of the target whose name it bears: every fuzzer is this file.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hardslice_fuzz::check(env!("CARGO_BIN_NAME"), input));
