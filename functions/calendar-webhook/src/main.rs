//! Receives Google's push notifications.
fn main() {}
