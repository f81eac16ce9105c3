#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gatepost_net::fuzz::event_stream(bytes));
