#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cachekit_tests::fuzz_bodies::run("key_text", data));
