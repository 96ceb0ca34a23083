//! What stands in for Google Calendar, EventBridge, Lambda's control plane and an issuer of tokens on one machine, and
//! the throw-away databases of the tests. Nothing that is deployed depends on this crate.

pub mod bus;
pub mod commands;
pub mod emulator;
pub mod google;
pub mod issuer;
pub mod moto;
pub mod postgres;
pub mod sandbox;
pub mod stack;
pub mod template;
