//! The store against the real cipher, in temporary folders.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    reason = "a test that panics has failed, as it should; tests count small things"
)]

mod batches;
mod crash;
mod damage;
mod forget;
mod listing;
mod opening;
mod rekey;
mod released;
mod relink;
mod replay;
mod rows;
mod samples;
mod support;
mod view;
