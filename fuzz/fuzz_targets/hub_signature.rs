#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gatepost_vault::fuzz::hub_signature(bytes));
