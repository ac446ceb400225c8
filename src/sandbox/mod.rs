//! The sandbox bank: the provider's API (`GoCardless` Bank Account Data, version 2) as a world of
//! its own.
//!
//! It exists so that anyone can try the daemon without credentials, and so that what the daemon
//! promises can be compared with a truth that the daemon has no part in. It therefore shares no
//! type with the client: its JSON is written here, after the provider's `OpenAPI` document of
//! 2025-10-31 and what open-source clients saw on the wire (read 2026-11). It must never be
//! reachable from another machine, and nothing of the daemon may import it but the verbs that start
//! it.
//!
//! [`World`] is the bank without a network; [`serve()`] puts it on a loopback address.

mod rng;
mod serve;
mod text;
mod wire;
mod world;

pub use rng::{Rng, fingerprint, row_print};
pub use serve::{ServeError, SharedWorld, serve};
pub use wire::{Delivery, HttpRequest, HttpResponse};
pub use world::{
    AccountView, BankProblem, Call, Cause, Comparison, Deed, Fault, FaultKind, FaultMatch,
    LastAnswer, Limits, Log, Phase, Quirk, QuotaRule, Reconfirmed, Refused, RequisitionView,
    SANDBOX, SECRET_ID, SECRET_KEY, Scope, Shape, Shown, Spelling, Status, Suspension, TruthRow,
    Weather, Wish, Witness, World, WorldConfig,
};
