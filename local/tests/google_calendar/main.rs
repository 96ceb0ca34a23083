//! The stand-in for Google Calendar, over HTTP, as a program and a person meet it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod admin;
mod client;
mod events;
mod faults;
mod independent;
mod listing;
mod recurring;
mod watching;
