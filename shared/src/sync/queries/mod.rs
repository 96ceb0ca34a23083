//! The SQL of sync.
//!
//! Clocks: leases and claims are judged by the database's clock alone. `clock_timestamp()` is used where a
//! transaction could have been frozen after it began, since `now()` is the time of its beginning.
//!
//! - [`lease`]: who may pull a calendar, and the record of a pull.
//! - [`state`]: events and appointments, locked, read and written back in bulk.
//! - [`listing`]: what a listing must be held against.
//! - [`links`]: which appointment an event belongs to.
//! - [`status`]: how things stand.
//! - [`busy`]: people's own events, as far as they keep a calendar busy.
//! - [`claim`]: who may push an event, and what became of it.
//! - [`cooldown`]: until when a calendar is left alone.
//! - [`quota`]: how many calls may be made.

pub(super) mod busy;
pub(super) mod claim;
pub(super) mod cooldown;
pub(super) mod lease;
pub mod links;
pub(super) mod listing;
pub(super) mod quota;
pub(super) mod state;
pub mod status;
