//! The SQL of watching.
//!
//! A channel is `opening` before Google is asked, `live` once it has answered, `stopping` when it is no longer wanted, and
//! `stopped` when Google knows that. A notification of one that is `opening` or `live` is believed; one of any other shows
//! that Google does not know yet.

pub mod channels;
pub mod notifications;

pub use channels::{Channel, Watched, watched};
pub use notifications::{Noted, note};
