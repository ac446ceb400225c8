//! The hands: carry out what the planner wants, through the adapters, and report back.
//!
//! One [`Engine`] owns the planner and runs on one task. Everybody else holds a [`Handle`] and sends messages, so that no
//! lock is needed and every decision sees one consistent state. The engine never decides anything itself: it commits the
//! reservation before a call leaves, commits each batch before the events in it are told, and holds on to a batch that
//! cannot be written (disk full) until it can, because its answer is paid for.

mod engine;
mod handle;
mod teller;
mod waiters;

pub use engine::{Engine, EngineError, Parts, Turn};
pub use handle::{Brief, Gone, Handle, Outlook, Report};
