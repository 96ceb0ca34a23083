//! When a calendar is open and free.
//!
//! - [`hours`]: the opening hours, and the grammar of `WORKING_HOURS`; pure.
//! - [`request`]: what a caller may ask; pure.
//! - [`slots`]: what of the opening hours is left; pure.
//! - [`queries`]: what is taken.

pub mod hours;
pub mod queries;
pub mod request;
pub mod slots;

use chrono::{DateTime, Utc};

/// A stretch of time. What ends when it starts is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The instant at which it is over.
    pub until: DateTime<Utc>,
}
