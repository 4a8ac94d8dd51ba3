#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reconciled::fuzzing::run("registration_answer", data));
