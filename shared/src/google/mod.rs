//! The Google Calendar client: knows the API and its faults, and neither appointments nor the database.
//!
//! - [`Client`] has one method for each call that we make. It tries again what is worth trying again, within the
//!   caller's deadline, and answers with either a result or an [`Error`] that names the right reaction.
//! - `wire` is what travels. Nothing in it is trusted to be complete: what we cannot read is told apart from what is gone.
//! - [`Quota`] says how many calls Google takes. Who makes many of them keeps to it.
//! - [`ServiceAccount`] and `token` turn the service account's key into access tokens.
//!
//! Never logged and in no error's text: keys, tokens, what an event says, and the bodies of Google's answers. Google's
//! `reason` is an identifier, is checked to be one, and may be told.

mod address;
mod client;
mod error;
mod quota;
mod service_account;
mod token;
mod transport;
mod verdict;
mod wire;

pub use address::{ApiUrl, ApiUrlError};
pub use client::Client;
pub use error::{CredentialFault, Error, Gone, Outcome, Reason, Refusal, Transient};
pub use quota::Quota;
pub use service_account::{ServiceAccount, ServiceAccountError};
pub use wire::*;
