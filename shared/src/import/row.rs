//! One row of the older deployment's table; pure.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::time::time;
use super::{Fault, Record};
use crate::appointment::Status;
use crate::appointment::request::{End, LINE, NAME, NOTES, check_length, email_field, end, phone_field};
use crate::input::{Reader, text};
use crate::private::private;
use crate::settings::Clinic;
use crate::sync::adoption::Facts;

/// Who booked an appointment, where the table does not tell.
const SOURCE: &str = "import";

/// A row that is complete and valid by itself.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Row {
    pub(super) line: u64,
    pub(super) id: Uuid,
    pub(super) key: Key,
    pub(super) calendar_id: String,
    /// The event that the older deployment made.
    pub(super) event_id: Option<String>,
    pub(super) facts: Facts,
    pub(super) status: Status,
    pub(super) source: String,
    pub(super) created_at: Option<DateTime<Utc>>,
}

private!(Row);

/// What an appointment's id is made of, so that the same row has the same id each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The column `id`.
    Id,
    /// The event.
    Event,
    /// Whose appointment it is, and when.
    Content,
}

/// Reads a row.
pub(super) fn row(
    record: &Record,
    columns: &[&str],
    clinic: &Clinic,
    now: DateTime<Utc>,
) -> Result<Row, Vec<Fault>> {
    let (fields, names) = (record.cells.len(), columns.len());
    if fields != names {
        let detail = format!("has {fields} fields where the first line has {names}");
        return Err(vec![Fault::of_line(record.line, detail)]);
    }
    let cells = columns.iter().zip(&record.cells);
    let filled = cells.filter(|(_, cell)| !cell.trim().is_empty());
    let reader = Reader::of_query(filled.map(|(column, cell)| ((*column).to_owned(), cell.clone())));
    fields_of(reader, record.line, clinic, now).map_err(|faults| {
        let faults = faults.into_iter();
        let column = |pointer: &str| pointer.trim_start_matches('/').to_owned();
        faults
            .map(|fault| Fault::of(record.line, &column(&fault.pointer), fault.detail))
            .collect()
    })
}

fn fields_of(
    mut reader: Reader,
    line: u64,
    clinic: &Clinic,
    now: DateTime<Utc>,
) -> Result<Row, Vec<crate::input::Fault>> {
    let zone = clinic.time_zone;
    let id = reader.text("id", LINE).into_value();
    let event_id = reader.read("google_calendar_event_id", event_id).into_value();
    let asked = reader
        .read("calendar_id", |value| calendar(value, clinic))
        .into_value();
    let calendar_id = asked.or_else(|| clinic.calendar(None).map(str::to_owned));
    let patient_name = reader.required_text("patient_name", NAME);
    let patient_phone = phone_field(&mut reader).into_value();
    let patient_email = email_field(&mut reader).into_value();
    let title = reader.text("title", LINE).into_value();
    let reason = reader.text("reason", LINE).into_value();
    let notes = reader.text("notes", NOTES).into_value();
    let location = reader.text("location", LINE).into_value();
    let starts_at = reader.required("starts_at", |value| time(value, zone));
    let has_end = reader.has("ends_at") || reader.has("duration_minutes");
    let ends_at = match end(&mut reader, |value| time(value, zone)) {
        End::At(end) => Some(end),
        End::After(length) => starts_at.map(|start| start + length),
        End::Unchanged => None,
    };
    if !has_end {
        reader.fault("ends_at", "is required where there is no duration_minutes");
    }
    if let (Some(start), Some(end)) = (starts_at, ends_at)
        && let Err(detail) = check_length(start, end)
    {
        reader.fault("ends_at", detail);
    }
    let status = reader.read("status", status).into_value();
    let source = reader.read("source", source).into_value();
    let created_at = reader.read("created_at", |value| match time(value, zone)? {
        at if at > now => Err("must not lie in the future".into()),
        at => Ok(at),
    });
    let row = (|| {
        let (calendar_id, facts) = (
            calendar_id?,
            Facts {
                title,
                reason,
                patient_name: patient_name?,
                patient_phone,
                patient_email,
                notes,
                location,
                starts_at: starts_at?,
                ends_at: ends_at?,
                time_zone: zone.name().to_owned(),
            },
        );
        let (key, id) = identity(id.as_deref(), event_id.as_deref(), &calendar_id, &facts);
        Some(Row {
            line,
            id,
            key,
            calendar_id,
            event_id,
            facts,
            status: status.unwrap_or(Status::Scheduled),
            source: source.unwrap_or_else(|| SOURCE.to_owned()),
            created_at: created_at.into_value(),
        })
    })();
    reader.finish(row)
}

/// The appointment's id: the table's own where that is a UUID, else one made of what names the row.
fn identity(id: Option<&str>, event_id: Option<&str>, calendar_id: &str, facts: &Facts) -> (Key, Uuid) {
    match (id, event_id) {
        (Some(id), _) => (
            Key::Id,
            Uuid::try_parse(id).unwrap_or_else(|_| hashed(&["id", id])),
        ),
        (None, Some(event_id)) => (Key::Event, hashed(&["event", calendar_id, event_id])),
        (None, None) => {
            let phone = facts.patient_phone.as_deref().unwrap_or_default();
            let start = facts.starts_at.to_rfc3339();
            let of = ["content", calendar_id, &facts.patient_name, phone, &start];
            (Key::Content, hashed(&of))
        }
    }
}

/// A UUID of version 8: what version 5 is, without SHA-1. None of the parts has a line break.
fn hashed(parts: &[&str]) -> Uuid {
    let digest = Sha256::digest(parts.join("\n"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

fn event_id(value: &Value) -> Result<String, String> {
    let id = value.as_str().unwrap_or_default().trim();
    let fits = (5..=1024).contains(&id.len()) && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'v'));
    if fits {
        Ok(id.to_owned())
    } else {
        // That of an occurrence has more in it: a series is a person's own.
        Err("must be 5 to 1024 characters of 0-9 and a-v, as Google makes them".into())
    }
}

fn calendar(value: &Value, clinic: &Clinic) -> Result<String, String> {
    let asked = text(value, LINE)?;
    let known = clinic.calendar(Some(&asked)).map(str::to_owned);
    known.ok_or_else(|| "must be one of GOOGLE_CALENDAR_ID".into())
}

fn status(value: &Value) -> Result<Status, String> {
    let word = value.as_str().unwrap_or_default().trim().to_lowercase();
    let word = word.replace(['-', ' '], "_");
    match word.as_str() {
        "confirmed" | "booked" | "pending" => Ok(Status::Scheduled),
        "canceled" => Ok(Status::Cancelled),
        "noshow" => Ok(Status::NoShow),
        word => {
            Status::parse(word).ok_or_else(|| "must be scheduled, completed, no_show or cancelled".into())
        }
    }
}

fn source(value: &Value) -> Result<String, String> {
    match text(value, LINE)? {
        source if source == "google_calendar" => {
            Err("must not be google_calendar, the history's name for what people do there".into())
        }
        source => Ok(source),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    fn read(cells: &[(&str, &str)]) -> Row {
        let mut given = vec![
            ("patient_name", "A. Khan"),
            ("starts_at", "2026-12-01 09:00:00+05"),
            ("duration_minutes", "30"),
        ];
        given.retain(|(name, _)| !cells.iter().any(|(other, _)| other == name));
        given.extend(cells);
        let (columns, values): (Vec<_>, Vec<_>) = given.into_iter().unzip();
        let record = Record {
            line: 2,
            cells: values.into_iter().map(str::to_owned).collect(),
        };
        let clinic = Clinic {
            calendars: vec!["dr.khan@example.com".into(), "dr.ali@example.com".into()],
            time_zone: Tz::Asia__Karachi,
        };
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        row(&record, &columns, &clinic, now).unwrap()
    }

    #[test]
    fn what_a_row_does_not_say_has_its_default() {
        let row = read(&[("notes", ""), ("status", " ")]);
        assert_eq!(row.calendar_id, "dr.khan@example.com");
        assert_eq!((row.status, row.source.as_str()), (Status::Scheduled, "import"));
        assert_eq!(
            (row.event_id, row.created_at, row.facts.notes),
            (None, None, None)
        );
        assert_eq!((row.facts.ends_at - row.facts.starts_at).num_minutes(), 30);
        assert_eq!(row.facts.time_zone, "Asia/Karachi");
    }

    #[test]
    fn the_words_of_older_deployments_are_known() {
        for (word, status) in [
            ("scheduled", Status::Scheduled),
            ("Confirmed", Status::Scheduled),
            ("booked", Status::Scheduled),
            ("pending", Status::Scheduled),
            ("COMPLETED", Status::Completed),
            ("no_show", Status::NoShow),
            ("No-Show", Status::NoShow),
            ("noshow", Status::NoShow),
            ("cancelled", Status::Cancelled),
            ("canceled", Status::Cancelled),
        ] {
            assert_eq!(read(&[("status", word)]).status, status, "{word}");
        }
    }

    #[test]
    fn an_id_is_the_same_each_time() {
        let uuid = "0190f0c2-0000-7000-8000-000000000001";
        assert_eq!(read(&[("id", uuid)]).id.to_string(), uuid);
        // It is compared with what an earlier import stored.
        let of_key = read(&[("id", "17")]);
        assert_eq!(of_key.id.to_string(), "7424d799-ed28-8f52-8f60-5003623fe47d");
        let event = ("google_calendar_event_id", "0h3v6k1q9s");
        let of_event = read(&[event]);
        // Whatever else changes.
        assert_eq!(
            read(&[event, ("starts_at", "2026-12-02 09:00:00+05")]).id,
            of_event.id
        );
        assert_ne!(
            read(&[event, ("calendar_id", "dr.ali@example.com")]).id,
            of_event.id
        );
        let of_content = read(&[]);
        assert_eq!(read(&[("notes", "first visit")]).id, of_content.id);
        assert_ne!(read(&[("patient_name", "B. Khan")]).id, of_content.id);
        let keys = [of_key.key, of_event.key, of_content.key];
        assert_eq!(keys, [Key::Id, Key::Event, Key::Content]);
    }
}
