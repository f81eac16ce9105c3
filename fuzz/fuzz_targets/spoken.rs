#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gatepost_core::fuzz::spoken(bytes));
