//! See `strongroom_fuzz::vault_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| strongroom_fuzz::vault_record::run(data));
