//! The whole system: the four functions as real Lambda binaries under cargo-lambda's server, PostgreSQL, the bus and the
//! Google stand-in, driven as a caller and a person drive them.
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without, it may insist on"
)]

mod backstop;
mod both_ways;
mod event_bridge;
mod hurt;
mod invoke;
mod metrics;
mod month;
mod notifications;
mod openapi;
mod privacy;
mod private;
mod readme;
mod stack;
mod starting;
mod voice_agent;
mod webhook;
