//! The daemon: everything that is put together at run time (layer 4).
//!
//! [`view`] and [`needs`] are pure: remembered documents in, the objects of the control socket out.

pub mod needs;
pub mod view;
