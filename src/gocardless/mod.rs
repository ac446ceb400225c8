//! scratch
mod rows;
mod split;
mod wire;
pub use rows::Rows;
