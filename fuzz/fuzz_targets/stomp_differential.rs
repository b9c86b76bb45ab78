#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stomp_bridge::fuzz::differential(bytes));
