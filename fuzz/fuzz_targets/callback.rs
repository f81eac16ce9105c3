#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gatepost_channels::graph::fuzz_callback(bytes));
