//! The nouns of the house: pure values without I/O, clock or randomness (layer 1).
//!
//! Everything above speaks in these types; none of them knows where its value came from. Words are those of the field
//! (PSD2, Berlin Group, the provider's API), spelled one way. What touches the world is a trait in [`port`].

pub mod account;
pub mod agreement;
pub mod balance;
pub mod cron;
pub mod failure;
pub mod iban;
pub mod id;
pub mod institution;
pub mod json;
pub mod ledger;
pub mod money;
pub mod notice;
pub mod port;
pub mod reconfirmation;
pub mod recovery;
pub mod requisition;
pub mod secret;
pub mod shell;
pub mod time;
pub mod transaction;
pub mod zone;
