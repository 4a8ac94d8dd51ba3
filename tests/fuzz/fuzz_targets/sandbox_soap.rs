#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| reconciled::fuzzing::run("sandbox_soap", data));
