//! Keeps one live watch channel per calendar.
fn main() {}
