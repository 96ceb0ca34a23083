//! When people's own events keep a calendar busy; pure.
//!
//! | event | takes time |
//! |---|---|
//! | single, of a person | when it is opaque, tentative ones included |
//! | declined by the calendar's owner, or a working location | never |
//! | series | at each occurrence, but for those that an exception replaces or cancels |
//! | exception to a series | as a single one, at its own time |
//! | an appointment's event | never: the appointment has the slot |
//! | an appointment's event that a person made recurring | at each occurrence but the first, which is the appointment |
//!
//! A day that an event covers is the clinic's, from midnight to midnight in its zone. What is long past is not kept. Series
//! are laid out as far as the [`Basis`] says, on the wall clock of their own zone.

mod event;
mod plan;
mod recurrence;
mod rule;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Datelike, Months, NaiveTime, Utc};
use chrono_tz::Tz;

pub(super) use event::{BusyEvent, Occurrence, Times};
pub(super) use plan::{Chunk, Plan, Seen};

use crate::availability::Span;

/// Bookings see at least two years ahead: from any day of this month to the end of the same month.
const MONTHS: Months = Months::new(25);

/// By what occurrences are laid out. It moves once a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Basis {
    /// Occurrences outside are not kept.
    pub(super) window: Span,
    /// The clinic's zone, for whole days.
    pub(super) zone: Tz,
}

impl Basis {
    /// Whether what was laid out until then, in that zone, is laid out by this.
    pub(super) fn is(&self, (until, zone): &(DateTime<Utc>, String)) -> bool {
        self.window.until == *until && self.zone.name() == zone
    }

    /// The basis at this time.
    pub(super) fn at(now: DateTime<Utc>, zone: Tz) -> Self {
        let today = now.date_naive();
        // Every month has a first day.
        let month = today.with_day(1).unwrap_or(today);
        let midnight = |day: chrono::NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        Self {
            window: Span {
                from: midnight(month),
                until: midnight(month + MONTHS),
            },
            zone,
        }
    }
}
