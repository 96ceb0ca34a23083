//! `GET /appointments`.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::fields::searched_phone;
use crate::appointment::cursor::Cursor;
use crate::appointment::{Status, phone};
use crate::input::{Fault, Reader, time};
use crate::private::private;

/// How many items a page of a list may have.
pub const LIMITS: RangeInclusive<i64> = 1..=200;
/// How many it has where nothing is said.
pub const DEFAULT_LIMIT: i64 = 50;

/// Which appointments to list.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those that end after this.
    pub from: Option<DateTime<Utc>>,
    /// Only those that start before this.
    pub to: Option<DateTime<Utc>>,
    /// Only those with this status.
    pub status: Option<Status>,
    /// Only those whose phone number is one of these, but for what is neither digit nor `+`.
    pub patient_phone: Option<Vec<String>>,
    /// Most items of one page.
    pub limit: i64,
    /// Only those after this position.
    pub after: Option<Cursor>,
}

private!(Filter);

/// Reads the parameters of `GET /appointments`. The clinic's time zone tells how its country writes phone numbers.
pub fn filter(query: impl IntoIterator<Item = (String, String)>, zone: Tz) -> Result<Filter, Vec<Fault>> {
    let mut reader = Reader::of_query(query);
    let filter = Filter {
        from: reader.read("from", time).into_value(),
        to: reader.read("to", time).into_value(),
        status: reader
            .read("status", |value| {
                value
                    .as_str()
                    .and_then(Status::parse)
                    .ok_or_else(|| format!("must be one of {}", Status::ALL.map(Status::as_str).join(", ")))
            })
            .into_value(),
        patient_phone: reader
            .read("patient_phone", |value| {
                Ok(phone::forms(&searched_phone(value)?, zone))
            })
            .into_value(),
        limit: reader
            .whole_number("limit", LIMITS)
            .into_value()
            .unwrap_or(DEFAULT_LIMIT),
        after: reader
            .read("cursor", |value| {
                value
                    .as_str()
                    .and_then(Cursor::decode)
                    .ok_or_else(|| "must be a next_cursor of this list".into())
            })
            .into_value(),
    };
    reader.check_window(filter.from, filter.to);
    reader.finish(Some(filter))
}
