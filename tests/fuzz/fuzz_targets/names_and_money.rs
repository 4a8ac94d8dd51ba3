#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reconciled::fuzzing::run("names_and_money", data));
