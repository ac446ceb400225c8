//! The sans-io brain: what is due is computed from remembered state and `now`, and comes out as effects.
//!
//! No clock, no I/O, no randomness, no hash maps: the same inputs give the same effects, bit for bit.

pub mod effect;
pub mod state;
