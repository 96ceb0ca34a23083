//! The appointments and calendar-control HTTP API.
fn main() {}
