//! The adapter to the GoCardless Bank Account Data API, version 2: the one place that knows how it talks.
//!
//! [`Client`] is a [`Provider`](crate::model::port::Provider): it makes one request per operation (besides one for a
//! token), spaces requests below the company's limits, and maps every answer to our nouns or to a
//! [`Failure`](crate::model::failure::Failure) with its class. It never tries again by itself, because a call may cost a
//! bank's daily quota or count towards a suspension; the planner decides. [`Rows`] reads the raw rows that are stored.
//! [`HttpTransport`] carries requests over HTTPS; any other [`Transport`](crate::model::port::Transport) will do.
//!
//! The schema is not trusted. What the API promises is in its `OpenAPI` document (of 2025-10-31), what it really sends in the
//! issue trackers of its users: strings for numbers, nine shapes of errors, rows with anything in them. So bodies are read
//! member by member, rows are never interpreted on the way to the store, and what is not understood is said so.
//!
//! Must not: import another adapter, log, keep a provider's free text in an error, follow a link of an answer.

mod client;
mod error;
mod examine;
#[cfg(any(test, fuzzing))]
mod fuzz;
mod inflight;
mod limit;
mod map;
mod rate;
pub mod redirect;
mod refusal;
mod request;
mod rows;
mod split;
#[cfg(test)]
mod testing;
mod token;
mod token_record;
mod transport;
mod wire;

pub use client::{Client, Settings};
pub use error::Error;
pub use examine::{Examined, Unreached, Untrusted, examine};
#[cfg(any(test, fuzzing))]
pub use fuzz::{fuzz_answers, fuzz_rows};
pub use rate::Spelling;
pub use rows::Rows;
pub use transport::{HttpTransport, SetupError};
