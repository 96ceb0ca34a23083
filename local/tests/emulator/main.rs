//! Every payload of `events/`, given to the real function by AWS's runtime interface emulator: the program that
//! `sam local invoke` puts around a function in its container. It comes with aws-sam-cli, and is a program for Linux.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without, it may insist on"
)]

mod appointments_api;
mod calendar_webhook;
mod complete;
mod sam;
mod scene;
mod scheduled_sync;
mod secrets;
mod watch_renewer;
