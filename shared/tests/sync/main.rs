//! The sync engine against a real PostgreSQL and the Google stand-in: what a caller or a person did, and what the other
//! side shows after a run.

mod booking;
mod clinic;
mod faults;
mod full_listing;
mod leases;
mod person;
mod rescheduling;
