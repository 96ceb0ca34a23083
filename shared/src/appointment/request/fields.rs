//! The fields that several requests have, and how each may look.

use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::LONGEST;
use crate::input::{Patch, Reader, Text, text};

/// A person's name.
pub const NAME: Text = Text {
    max: 200,
    multiline: false,
};
/// What is said in one line.
pub const LINE: Text = Text {
    max: 300,
    multiline: false,
};
/// Free text. Google takes 8192 characters of description; the footer needs some of them.
pub const NOTES: Text = Text {
    max: 5000,
    multiline: true,
};
/// Why an appointment is cancelled.
pub const CANCELLATION_REASON: Text = Text {
    max: 1000,
    multiline: true,
};
/// A phone number as people write it; it has 3 to 20 digits.
pub const PHONE: Text = Text {
    max: 40,
    multiline: false,
};
/// An email address.
pub const EMAIL: Text = Text {
    max: 254,
    multiline: false,
};
/// How many minutes an appointment may last.
pub const MINUTES: RangeInclusive<i64> = 1..=LONGEST.num_minutes();

/// What is said of the end, by a time or by a duration.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Unchanged,
    After(TimeDelta),
    At(DateTime<Utc>),
}

pub(crate) fn end(reader: &mut Reader, time: impl FnOnce(&Value) -> Result<DateTime<Utc>, String>) -> End {
    let at = reader.read("ends_at", time);
    let minutes = reader.whole_number("duration_minutes", MINUTES).into_value();
    match (at.into_value(), minutes) {
        (Some(_), Some(_)) => {
            reader.fault("duration_minutes", "must not be given together with ends_at");
            End::Unchanged
        }
        (Some(at), None) => End::At(at),
        (None, Some(minutes)) => End::After(TimeDelta::minutes(minutes)),
        (None, None) => End::Unchanged,
    }
}

fn phone(value: &Value) -> Result<String, String> {
    let phone = text(value, PHONE)?;
    let digits = phone.chars().filter(char::is_ascii_digit).count();
    // As it was sent: none but plain blanks may surround it.
    let mut sent = value.as_str().unwrap_or_default().chars();
    let plausible = sent.all(|c| c.is_ascii_digit() || "+ -()./".contains(c));
    if plausible && (phone.is_empty() || (3..=20).contains(&digits)) {
        Ok(phone)
    } else {
        Err("must be a phone number, such as +923001234567".into())
    }
}

/// A phone number in a query, where a `+` that was not escaped arrives as a space.
pub(super) fn searched_phone(value: &Value) -> Result<String, String> {
    let phone = match value.as_str().and_then(|text| text.strip_prefix(' ')) {
        Some(rest) => phone(&json!(format!("+{rest}"))),
        None => phone(value),
    }?;
    if phone.is_empty() {
        return Err("must not be blank".into());
    }
    Ok(phone)
}

pub(crate) fn phone_field(reader: &mut Reader) -> Patch<String> {
    blank_is_null(reader.read("patient_phone", phone))
}

pub(crate) fn email_field(reader: &mut Reader) -> Patch<String> {
    blank_is_null(reader.read("patient_email", |value| {
        let email = text(value, EMAIL)?;
        // As it was sent: none but plain blanks may surround it.
        let sent = value.as_str().unwrap_or_default().trim_matches(' ');
        let plausible = sent
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
            && !sent.contains(char::is_whitespace);
        if sent.is_empty() || plausible {
            Ok(email)
        } else {
            Err("must be an email address, such as a.khan@example.com".into())
        }
    }))
}

fn blank_is_null(patch: Patch<String>) -> Patch<String> {
    match patch {
        Patch::Set(text) if text.is_empty() => Patch::Clear,
        other => other,
    }
}
