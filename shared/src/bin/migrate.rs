//! Migrates.
fn main() {}
