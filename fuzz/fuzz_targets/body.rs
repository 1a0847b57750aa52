//! See `strongroom_fuzz::body`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| strongroom_fuzz::body::run(data));
