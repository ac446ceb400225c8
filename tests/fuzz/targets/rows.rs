//! Any bytes as the body of a transactions answer, and as a row.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| banksyncd::gocardless::fuzz_rows(bytes));
