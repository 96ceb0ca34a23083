//! The sync engine against a real PostgreSQL and the Google stand-in: what a caller or a person did, and what the other
//! side shows after a run.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot do without, it may insist on"
)]

mod booking;
mod breaks;
mod busy;
mod checks;
mod clinic;
mod concurrency;
mod cooldown;
mod crashes_pull;
mod crashes_push;
mod faults;
mod flow;
mod frozen_pull;
mod frozen_push;
mod full_listing;
mod idle;
mod import;
mod late_listings;
mod leases;
mod least_rights;
mod long_listings;
mod mass_cancel;
mod parking;
mod person;
mod process;
mod quota;
mod races;
mod reopening;
mod rescheduling;
mod scale;
mod time;
mod vital_signs;
mod waiting;
mod watching;
mod write;
