//! What a caller may ask of an appointment, parsed from its JSON into types; pure.
//!
//! Rules that need the stored row (the slot, the past, a cancelled appointment) are checked where the row is:
//! in the one statement of [`queries`](super::queries).

mod booking;
mod change;
mod fields;
mod filter;
mod history;
#[cfg(test)]
mod tests;

use chrono::TimeDelta;
use uuid::Uuid;

pub(crate) use booking::check_length;
pub use booking::{Booking, DEFAULT_LENGTH, booking};
pub use change::{Change, ChangeKind, cancel, cancel_without_reason, patch, reschedule};
pub use fields::{CANCELLATION_REASON, EMAIL, LINE, MINUTES, NAME, NOTES, PHONE};
pub(crate) use fields::{End, email_field, end, phone_field};
pub use filter::{DEFAULT_LIMIT, Filter, LIMITS, filter};
pub use history::history;

/// The longest appointment that can be booked.
pub const LONGEST: TimeDelta = TimeDelta::hours(24);

/// Said of a start in the past, wherever that is found out.
pub const IN_THE_PAST: &str = "must not lie in the past; send \"allow_past\": true to book it all the same";
/// Said of an end that is not after its start.
pub const NOT_AFTER_START: &str = "must be after starts_at";
/// Said of an appointment longer than [`LONGEST`].
pub const TOO_LONG: &str = "must be at most 24 hours after starts_at";

/// Reads an appointment's id; anything else names no appointment.
pub fn id(text: &str) -> Option<Uuid> {
    // Only the hyphenated form that we print: one appointment, one address.
    Uuid::try_parse(text)
        .ok()
        .filter(|_| text.len() == uuid::fmt::Hyphenated::LENGTH)
}
