//! A stand-in for Google Calendar, as strict as Google: stateful, checked against Google's own description of its API,
//! and able to fail in the ways in which Google fails.
//!
//! Tests start one in-process with [`StandIn::start`]; `make run` runs one as a process of its own with [`serve`].
//! Programs talk to it over HTTP as they talk to Google. What a person does in Google Calendar, faults, the clock and
//! the log of requests are in the hands of [`StandIn`], and the same over HTTP under `/admin`.
//!
//! A request: `server` takes it, `faults` may spoil it, `discovery` checks it against the document, `api` checks its
//! token and hands it to `calls`. The `world` is plain data; its rules stand in `writes`, `content`, `listing`,
//! `channels` and `freebusy`.
//!
//! Not played: access control lists, calendar lists, colours, settings, batches, imports, attendees' answers, and sync
//! tokens for listings of single occurrences. A call to what is missing is refused with 501 and recorded.

mod account;
mod admin;
mod api;
mod calls;
mod channels;
mod content;
mod delivery;
mod discovery;
mod event;
mod faults;
mod filter;
mod freebusy;
mod inner;
mod instances;
mod listing;
mod options;
mod page;
mod partial;
mod person;
mod records;
mod recurrence;
mod refusal;
mod schema;
mod server;
mod stand_in;
mod store;
mod times;
mod tokens;
mod world;
mod writes;

pub use delivery::Delivery;
pub use event::{Actor, Tombstones};
pub use faults::{Fault, FaultAnswer, Outage, When};
pub use options::{Options, StartError};
pub use person::Person;
pub use records::RequestRecord;
pub use refusal::Refusal;
pub use stand_in::{DEFAULT_CALENDAR, StandIn};
pub use world::{Access, ListingManners};

/// Runs a stand-in until the future is dropped.
pub async fn serve(options: Options) -> Result<(), StartError> {
    let stand_in = StandIn::open(options).await?;
    tracing::info!(url = stand_in.origin(), "the Google stand-in is ready");
    std::future::pending::<()>().await;
    drop(stand_in);
    Ok(())
}
