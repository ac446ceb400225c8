//! What the benchmarks share: generated answers, a provider that is not the limit, the real daemon as a process, a table.
//!
//! Nothing here measures from inside: processor time and memory are the kernel's figures for the whole process
//! `banksyncd`. Times are whole microseconds, ratios whole thousandths.

pub(crate) mod daemon;
pub(crate) mod data;
pub(crate) mod process;
pub(crate) mod provider;
pub(crate) mod table;

/// Whether the program was started by `cargo bench`; `cargo test --all-targets` starts it, too, and wants no figures.
pub(crate) fn is_wanted() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
