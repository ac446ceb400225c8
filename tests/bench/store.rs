//! Measures the store (stub while its dependencies are built).
fn main() {}
