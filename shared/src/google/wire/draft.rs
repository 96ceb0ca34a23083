//! What we write: a new event, and changes to one.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::EventTime;
use crate::private::private;

/// An event to insert.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(into = "NewEventWire")]
pub struct NewEvent {
    /// Chosen by us before the first call: 5 to 1024 characters of `0-9a-v`, never used before in this calendar.
    pub id: String,
    /// The title.
    pub summary: Option<String>,
    /// The notes.
    pub description: Option<String>,
    /// Free text.
    pub location: Option<String>,
    /// Inclusive.
    pub start: EventTime,
    /// Exclusive, and after `start`.
    pub end: EventTime,
    /// Properties that only this calendar's copy bears.
    pub private_properties: BTreeMap<String, String>,
}

private!(NewEvent);

#[derive(Serialize)]
struct NewEventWire {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    start: EventTime,
    end: EventTime,
    #[serde(rename = "extendedProperties", skip_serializing_if = "Option::is_none")]
    extended_properties: Option<ExtendedProperties>,
}

#[derive(Serialize)]
struct ExtendedProperties {
    private: BTreeMap<String, String>,
}

impl ExtendedProperties {
    fn of(private: BTreeMap<String, String>) -> Option<Self> {
        (!private.is_empty()).then_some(Self { private })
    }
}

impl From<NewEvent> for NewEventWire {
    fn from(event: NewEvent) -> Self {
        Self {
            id: event.id,
            summary: event.summary,
            description: event.description,
            location: event.location,
            start: event.start,
            end: event.end,
            extended_properties: ExtendedProperties::of(event.private_properties),
        }
    }
}

/// Changes to an event; `EventPatch::default()` changes nothing.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, PartialEq, Eq, Default)]
pub struct EventPatch {
    /// The title.
    pub summary: Change,
    /// The notes.
    pub description: Change,
    /// Free text.
    pub location: Change,
    /// A new start; give `end` too when an event becomes all-day or timed.
    pub start: Option<EventTime>,
    /// A new end.
    pub end: Option<EventTime>,
    /// Private properties to add or overwrite; others stay.
    pub private_properties: BTreeMap<String, String>,
}

private!(EventPatch);

impl EventPatch {
    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What becomes of a text.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, PartialEq, Eq, Default)]
pub enum Change {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is emptied.
    Clear,
    /// It is replaced.
    Set(String),
}

private!(Change);

impl From<Option<String>> for Change {
    /// The change that makes the text be `wanted`.
    fn from(wanted: Option<String>) -> Self {
        wanted.map_or(Self::Clear, Self::Set)
    }
}

impl Serialize for EventPatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut patch = serializer.serialize_map(None)?;
        let texts = [
            ("summary", &self.summary),
            ("description", &self.description),
            ("location", &self.location),
        ];
        for (name, change) in texts {
            match change {
                Change::Keep => {}
                Change::Clear => patch.serialize_entry(name, &None::<()>)?,
                Change::Set(text) => patch.serialize_entry(name, text)?,
            }
        }
        for (name, time) in [("start", &self.start), ("end", &self.end)] {
            if let Some(time) = time {
                patch.serialize_entry(name, &Whole(time))?;
            }
        }
        if let Some(extended) = ExtendedProperties::of(self.private_properties.clone()) {
            patch.serialize_entry("extendedProperties", &extended)?;
        }
        patch.end()
    }
}

/// A time as a patch must say it. Google merges a patch into what is there, nested objects too, so a `date` would stay
/// beside a new `dateTime` unless it is nulled.
struct Whole<'a>(&'a EventTime);

impl Serialize for Whole<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (date, date_time, time_zone) = match self.0 {
            EventTime::Date { date } => (Some(date), None, None),
            EventTime::Timed { date_time, time_zone } => (None, Some(date_time), time_zone.as_ref()),
        };
        let mut time = serializer.serialize_map(Some(3))?;
        time.serialize_entry("date", &date)?;
        time.serialize_entry("dateTime", &date_time)?;
        time.serialize_entry("timeZone", &time_zone)?;
        time.end()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};
    use serde_json::json;

    use super::*;

    fn timed(text: &str) -> EventTime {
        EventTime::Timed {
            date_time: DateTime::parse_from_rfc3339(text).unwrap(),
            time_zone: Some("Asia/Karachi".to_owned()),
        }
    }

    #[test]
    fn a_new_event_says_nothing_that_it_does_not_have() {
        let event = NewEvent {
            id: "0190f0c2ab".to_owned(),
            summary: Some("Check-up".to_owned()),
            description: None,
            location: None,
            start: timed("2026-12-01T09:00:00+05:00"),
            end: timed("2026-12-01T09:30:00+05:00"),
            private_properties: BTreeMap::from([("appointment_id".to_owned(), "0190".to_owned())]),
        };
        let expected = json!({
            "id": "0190f0c2ab", "summary": "Check-up",
            "start": {"dateTime": "2026-12-01T09:00:00+05:00", "timeZone": "Asia/Karachi"},
            "end": {"dateTime": "2026-12-01T09:30:00+05:00", "timeZone": "Asia/Karachi"},
            "extendedProperties": {"private": {"appointment_id": "0190"}},
        });
        assert_eq!(serde_json::to_value(event).unwrap(), expected);
    }

    #[test]
    fn a_patch_tells_keeping_from_clearing() {
        assert_eq!(serde_json::to_value(EventPatch::default()).unwrap(), json!({}));
        let patch = EventPatch {
            summary: Change::from(Some("New".to_owned())),
            location: Change::from(None),
            ..EventPatch::default()
        };
        assert!(!patch.is_empty());
        let expected = json!({"summary": "New", "location": null});
        assert_eq!(serde_json::to_value(patch).unwrap(), expected);
    }

    #[test]
    fn a_patched_time_leaves_nothing_of_the_other_kind() {
        let patch = EventPatch {
            start: Some(timed("2026-12-01T09:00:00+05:00")),
            end: Some(EventTime::Date {
                date: NaiveDate::from_ymd_opt(2026, 12, 2).unwrap(),
            }),
            ..EventPatch::default()
        };
        let expected = json!({
            "start": {"date": null, "dateTime": "2026-12-01T09:00:00+05:00", "timeZone": "Asia/Karachi"},
            "end": {"date": "2026-12-02", "dateTime": null, "timeZone": null},
        });
        assert_eq!(serde_json::to_value(patch).unwrap(), expected);
    }
}
