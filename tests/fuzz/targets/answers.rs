//! Any bytes as one transactions answer after another, reconciled.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| banksyncd::gocardless::fuzz_answers(bytes));
