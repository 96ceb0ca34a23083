//! What a caller may ask of an appointment, parsed from its JSON into types; pure.
//!
//! Rules that need the stored row (the slot, the past, a cancelled appointment) are checked where the row is:
//! in the one statement of [`queries`](super::queries).

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Status, cursor::Cursor};
use crate::input::{Fault, Patch, Reader, Text, text, time, whole_number};

/// The longest appointment that can be booked.
pub const LONGEST: TimeDelta = TimeDelta::hours(24);
/// The length of an appointment whose caller gave neither end nor duration.
const DEFAULT_LENGTH: TimeDelta = TimeDelta::minutes(30);

const NAME: Text = Text {
    max: 200,
    multiline: false,
};
const LINE: Text = Text {
    max: 300,
    multiline: false,
};
/// Google takes 8192 characters of description; the footer needs some of them.
const NOTES: Text = Text {
    max: 5000,
    multiline: true,
};

/// A booking, complete and valid but for its slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// The calendar asked for; `None` is the default one.
    pub calendar_id: Option<String>,
    /// The patient.
    pub patient_name: String,
    /// Contact, as written.
    pub patient_phone: Option<String>,
    /// Contact, as written.
    pub patient_email: Option<String>,
    /// The event's title; `None` is `reason: patient_name`.
    pub title: Option<String>,
    /// Why the patient comes.
    pub reason: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// Where.
    pub location: Option<String>,
    /// Start.
    pub starts_at: DateTime<Utc>,
    /// End, after the start.
    pub ends_at: DateTime<Utc>,
}

/// What a change asks for besides new values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// New values; the same event is updated in place.
    Patch,
    /// New times under a new event; the old event is deleted.
    Reschedule,
    /// No longer takes place; the event is deleted.
    Cancel,
}

/// A change of an existing appointment.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which way it is changed.
    pub kind: ChangeKind,
    /// New values by column name, `null` to clear; only valid ones.
    pub values: Map<String, Value>,
    /// The new length where the caller gave a duration instead of an end.
    pub length: Option<TimeDelta>,
    /// Whether it may start in the past.
    pub allow_past: bool,
}

/// Which appointments to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those that end after this.
    pub from: Option<DateTime<Utc>>,
    /// Only those that start before this.
    pub to: Option<DateTime<Utc>>,
    /// Only those with this status.
    pub status: Option<Status>,
    /// Only those with this phone number, however it is written.
    pub patient_phone: Option<String>,
    /// Most items of one page.
    pub limit: i64,
    /// Only those after this position.
    pub after: Option<Cursor>,
}

/// Reads `POST /appointments`.
pub fn booking(body: Value, now: DateTime<Utc>) -> Result<Booking, Vec<Fault>> {
    let mut reader = Reader::of_body(body)?;
    let patient_name = reader.required_text("patient_name", NAME);
    let calendar_id = reader.text("calendar_id", LINE).into_value();
    let patient_phone = phone_field(&mut reader).into_value();
    let patient_email = email_field(&mut reader).into_value();
    let title = reader.text("title", LINE).into_value();
    let reason = reader.text("reason", LINE).into_value();
    let notes = reader.text("notes", NOTES).into_value();
    let location = reader.text("location", LINE).into_value();
    let starts_at = reader.required("starts_at", time);
    let end = end(&mut reader);
    let allow_past = reader.flag("allow_past");
    accept_allow_busy(&mut reader);
    let ends_at = starts_at.map(|start| match end {
        End::Unchanged => start + DEFAULT_LENGTH,
        End::After(length) => start + length,
        End::At(end) => end,
    });
    if let (Some(start), Some(end)) = (starts_at, ends_at) {
        if let Err(detail) = check_length(start, end) {
            reader.fault("ends_at", detail);
        }
        if start < now && !allow_past {
            reader.fault("starts_at", IN_THE_PAST);
        }
    }
    let booking = (|| {
        Some(Booking {
            calendar_id,
            patient_name: patient_name?,
            patient_phone,
            patient_email,
            title,
            reason,
            notes,
            location,
            starts_at: starts_at?,
            ends_at: ends_at?,
        })
    })();
    reader.finish(booking)
}

/// Said of a start in the past, wherever that is found out.
pub const IN_THE_PAST: &str = "must not lie in the past; send \"allow_past\": true to book it all the same";
/// Said of an end that is not after its start.
pub const NOT_AFTER_START: &str = "must be after starts_at";
/// Said of an appointment longer than [`LONGEST`].
pub const TOO_LONG: &str = "must be at most 24 hours after starts_at";

fn check_length(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<(), &'static str> {
    if end <= start {
        Err(NOT_AFTER_START)
    } else if end - start > LONGEST {
        Err(TOO_LONG)
    } else {
        Ok(())
    }
}

/// Reads `PATCH /appointments/{id}`: an RFC 7396 merge patch.
pub fn patch(body: Value) -> Result<Change, Vec<Fault>> {
    let mut reader = Reader::of_body(body)?;
    let mut values = Map::new();
    if reader.has("patient_name") {
        set(
            &mut values,
            "patient_name",
            reader.required_text("patient_name", NAME),
        );
    }
    put(&mut values, "patient_phone", phone_field(&mut reader));
    put(&mut values, "patient_email", email_field(&mut reader));
    for (name, shape) in [
        ("title", LINE),
        ("reason", LINE),
        ("notes", NOTES),
        ("location", LINE),
    ] {
        put(&mut values, name, reader.text(name, shape));
    }
    if reader.has("starts_at") {
        set(&mut values, "starts_at", reader.required("starts_at", time));
    }
    let length = put_end(&mut values, end(&mut reader));
    if reader.has("status") {
        let status = reader.required("status", |value| match value.as_str().and_then(Status::parse) {
            Some(Status::Cancelled) | None => Err(
                "must be scheduled, completed or no_show; to cancel, POST to /appointments/{id}/cancel"
                    .into(),
            ),
            Some(status) => Ok(status.as_str()),
        });
        set(&mut values, "status", status);
    }
    if reader.has("calendar_id") {
        reader.read("calendar_id", |_| Ok(()));
        reader.fault(
            "calendar_id",
            "cannot be changed; cancel the appointment and book it in the other calendar",
        );
    }
    let allow_past = reader.flag("allow_past");
    accept_allow_busy(&mut reader);
    reader.finish(Some(Change {
        kind: ChangeKind::Patch,
        values,
        length,
        allow_past,
    }))
}

/// Reads `POST /appointments/{id}/reschedule`.
pub fn reschedule(body: Value) -> Result<Change, Vec<Fault>> {
    let mut reader = Reader::of_body(body)?;
    let mut values = Map::new();
    set(&mut values, "starts_at", reader.required("starts_at", time));
    let length = put_end(&mut values, end(&mut reader));
    set(&mut values, "status", Some(Status::Scheduled.as_str()));
    let allow_past = reader.flag("allow_past");
    accept_allow_busy(&mut reader);
    reader.finish(Some(Change {
        kind: ChangeKind::Reschedule,
        values,
        length,
        allow_past,
    }))
}

/// Reads `POST /appointments/{id}/cancel`.
pub fn cancel(body: Value) -> Result<Change, Vec<Fault>> {
    let mut reader = Reader::of_body(body)?;
    let reason = reader
        .text(
            "reason",
            Text {
                max: 1000,
                multiline: true,
            },
        )
        .into_value();
    reader.finish(Some(Change {
        values: cancellation(reason),
        ..cancel_without_reason()
    }))
}

/// What `DELETE /appointments/{id}` asks for.
pub fn cancel_without_reason() -> Change {
    Change {
        kind: ChangeKind::Cancel,
        values: cancellation(None),
        length: None,
        allow_past: true,
    }
}

fn cancellation(reason: Option<String>) -> Map<String, Value> {
    let mut values = Map::new();
    set(&mut values, "status", Some(Status::Cancelled.as_str()));
    set(&mut values, "cancellation_reason", reason);
    values
}

/// Reads the parameters of `GET /appointments`.
pub fn filter(query: impl IntoIterator<Item = (String, String)>) -> Result<Filter, Vec<Fault>> {
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
        patient_phone: reader.read("patient_phone", searched_phone).into_value(),
        limit: reader
            .read("limit", |value| whole_number(value, 1..=200))
            .into_value()
            .unwrap_or(50),
        after: reader
            .read("cursor", |value| {
                value
                    .as_str()
                    .and_then(Cursor::decode)
                    .ok_or_else(|| "must be a next_cursor of this list".into())
            })
            .into_value(),
    };
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && to <= from
    {
        reader.fault("to", "must be after from");
    }
    reader.finish(Some(filter))
}

/// Reads an appointment's id; anything else names no appointment.
pub fn id(text: &str) -> Option<Uuid> {
    // Only the hyphenated form that we print: one appointment, one address.
    Uuid::try_parse(text)
        .ok()
        .filter(|_| text.len() == uuid::fmt::Hyphenated::LENGTH)
}

#[derive(Clone, Copy)]
enum End {
    Unchanged,
    After(TimeDelta),
    At(DateTime<Utc>),
}

fn end(reader: &mut Reader) -> End {
    let at = reader.read("ends_at", time);
    let minutes = reader
        .read("duration_minutes", |value| {
            whole_number(value, 1..=LONGEST.num_minutes())
        })
        .into_value();
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

fn put_end(values: &mut Map<String, Value>, end: End) -> Option<TimeDelta> {
    match end {
        End::Unchanged => None,
        End::After(length) => Some(length),
        End::At(at) => {
            set(values, "ends_at", Some(at));
            None
        }
    }
}

/// `allow_busy` is part of every booking request; it says something about busy events of a person's own.
fn accept_allow_busy(reader: &mut Reader) {
    reader.flag("allow_busy");
}

fn phone(value: &Value) -> Result<String, String> {
    let phone = text(
        value,
        Text {
            max: 40,
            multiline: false,
        },
    )?;
    let digits = phone.chars().filter(char::is_ascii_digit).count();
    let plausible = phone.chars().all(|c| c.is_ascii_digit() || "+ -()./".contains(c));
    if phone.is_empty() || (plausible && (3..=20).contains(&digits)) {
        Ok(phone)
    } else {
        Err("must be a phone number, such as +923001234567".into())
    }
}

/// A phone number in a query, where a `+` that was not escaped arrives as a space.
fn searched_phone(value: &Value) -> Result<String, String> {
    let phone = match value.as_str().and_then(|text| text.strip_prefix(' ')) {
        Some(rest) => phone(&json!(format!("+{rest}"))),
        None => phone(value),
    }?;
    if phone.is_empty() {
        return Err("must not be blank".into());
    }
    Ok(phone)
}

fn phone_field(reader: &mut Reader) -> Patch<String> {
    blank_is_null(reader.read("patient_phone", phone))
}

fn email_field(reader: &mut Reader) -> Patch<String> {
    blank_is_null(reader.read("patient_email", |value| {
        let email = text(
            value,
            Text {
                max: 254,
                multiline: false,
            },
        )?;
        let plausible = email
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
            && !email.contains(char::is_whitespace);
        if email.is_empty() || plausible {
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

fn set<T: serde::Serialize>(values: &mut Map<String, Value>, name: &str, value: Option<T>) {
    if let Some(value) = value {
        values.insert(name.to_owned(), json!(value));
    }
}

fn put(values: &mut Map<String, Value>, name: &str, patch: Patch<String>) {
    match patch {
        Patch::Keep => {}
        Patch::Clear => {
            values.insert(name.to_owned(), Value::Null);
        }
        Patch::Set(text) => {
            values.insert(name.to_owned(), Value::String(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-23T08:00:00Z".parse().unwrap()
    }

    fn pointers(faults: &[Fault]) -> Vec<&str> {
        faults.iter().map(|fault| fault.pointer.as_str()).collect()
    }

    #[test]
    fn a_booking_lasts_half_an_hour_unless_told() {
        let body = |extra: Value| {
            let mut body = json!({"patient_name": " A. Khan ", "starts_at": "2026-12-01T09:00:00+05:00"});
            body.as_object_mut()
                .unwrap()
                .extend(extra.as_object().unwrap().clone());
            booking(body, now()).unwrap()
        };
        let length = |booking: &Booking| (booking.ends_at - booking.starts_at).num_minutes();
        assert_eq!(length(&body(json!({}))), 30);
        assert_eq!(length(&body(json!({"duration_minutes": 45}))), 45);
        assert_eq!(length(&body(json!({"ends_at": "2026-12-01T10:00:00+05:00"}))), 60);
        assert_eq!(body(json!({"patient_phone": ""})).patient_phone, None);
        assert_eq!(body(json!({})).patient_name, "A. Khan");
    }

    #[test]
    fn a_bad_booking_names_every_fault() {
        let faults = booking(
            json!({
                "patient_phone": "call me", "patient_email": "nobody", "title": "a\nb", "colour": "red",
                "starts_at": "2026-12-01T09:00:00", "ends_at": 5, "allow_past": "yes"
            }),
            now(),
        )
        .unwrap_err();
        assert_eq!(
            pointers(&faults),
            [
                "/patient_name",
                "/patient_phone",
                "/patient_email",
                "/title",
                "/starts_at",
                "/ends_at",
                "/allow_past",
                "/colour"
            ]
        );
        assert_eq!(pointers(&booking(json!([]), now()).unwrap_err()), [""]);
    }

    #[test]
    fn times_must_run_forward_and_not_lie_in_the_past() {
        let at = |start: &str, end: &str, past: bool| {
            let body = json!({"patient_name": "A", "starts_at": start, "ends_at": end, "allow_past": past});
            booking(body, now()).map_err(|faults| pointers(&faults).join(" "))
        };
        assert_eq!(
            at("2026-12-01T09:00:00Z", "2026-12-01T09:00:00Z", false).unwrap_err(),
            "/ends_at"
        );
        assert_eq!(
            at("2026-12-01T09:00:00Z", "2026-12-02T09:00:01Z", false).unwrap_err(),
            "/ends_at"
        );
        assert_eq!(
            at("2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", false).unwrap_err(),
            "/starts_at"
        );
        assert!(at("2026-11-01T09:00:00Z", "2026-11-01T10:00:00Z", true).is_ok());
    }

    #[test]
    fn a_patch_keeps_clears_and_sets() {
        let change = patch(json!({"notes": null, "title": "New", "duration_minutes": 20})).unwrap();
        assert_eq!(
            Value::Object(change.values),
            json!({"notes": null, "title": "New"})
        );
        assert_eq!(change.length, Some(TimeDelta::minutes(20)));
    }

    #[test]
    fn a_patch_cannot_cancel_nor_unset_what_must_be_there() {
        let faults = patch(json!({
            "status": "cancelled", "patient_name": null, "starts_at": null, "calendar_id": "x", "source": "me"
        }))
        .unwrap_err();
        assert_eq!(
            pointers(&faults),
            [
                "/patient_name",
                "/starts_at",
                "/status",
                "/calendar_id",
                "/source"
            ]
        );
    }

    #[test]
    fn a_filter_is_checked() {
        let read = |query: &[(&str, &str)]| {
            filter(query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
                .map_err(|faults| pointers(&faults).join(" "))
        };
        assert_eq!(read(&[]).unwrap().limit, 50);
        assert_eq!(
            read(&[("limit", "0"), ("status", "late"), ("cursor", "x"), ("form", "1")]).unwrap_err(),
            "/status /limit /cursor /form"
        );
        let phone =
            |text| read(&[("patient_phone", text)]).map(|filter| filter.patient_phone.unwrap_or_default());
        assert_eq!(phone(" 923001234567").unwrap(), "+923001234567");
        assert_eq!(phone("0300 1234567").unwrap(), "0300 1234567");
        assert_eq!(phone("").unwrap_err(), "/patient_phone");
        let backwards = [("from", "2026-12-02T00:00:00Z"), ("to", "2026-12-01T00:00:00Z")];
        assert_eq!(read(&backwards).unwrap_err(), "/to");
    }

    #[test]
    fn an_id_has_one_form() {
        let uuid = Uuid::now_v7();
        assert_eq!(id(&uuid.to_string()), Some(uuid));
        assert_eq!(id(&uuid.simple().to_string()), None);
        assert_eq!(id("1"), None);
    }
}
