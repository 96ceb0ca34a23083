//! Pushes pending changes to Google and pulls Google's changes into the database.
fn main() {}
