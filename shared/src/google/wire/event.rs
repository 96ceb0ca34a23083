//! An event as Google answers it: live, a tombstone, or beyond us.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::EventTime;
use crate::private::private;

/// One item of a listing, or the answer to a `get`.
///
/// A deleted event is guaranteed to carry its id and nothing else, so it is not an [`Event`] with holes: it is a
/// [`Tombstone`].
#[derive(Debug, Clone, PartialEq)]
pub enum ListedEvent {
    /// An event that exists.
    Live(Box<Event>),
    /// An event, or one occurrence of a series, that was deleted.
    Cancelled(Tombstone),
    /// An event that exists but that we cannot make sense of. It must not be taken for a deletion.
    Unreadable {
        /// The event's id.
        id: String,
    },
}

impl ListedEvent {
    /// The id of the event, whatever became of it.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Live(event) => &event.id,
            Self::Cancelled(tombstone) => &tombstone.id,
            Self::Unreadable { id } => id,
        }
    }

    /// Reads one event resource; `None` if it has no id and so cannot be spoken of at all.
    pub(in crate::google) fn from_json(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Head {
            id: String,
            #[serde(default, deserialize_with = "readable")]
            status: Option<String>,
        }
        let Head { id, status } = serde_json::from_slice(json).ok()?;
        let read = if status.as_deref() == Some("cancelled") {
            serde_json::from_slice(json).map(Self::Cancelled)
        } else {
            serde_json::from_slice(json).map(|event| Self::Live(Box::new(event)))
        };
        Some(read.unwrap_or_else(|_| {
            // The fault's own words may quote the event.
            tracing::warn!(google.event_id = id, "event not understood");
            Self::Unreadable { id }
        }))
    }
}

/// What is left of a deleted event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone {
    /// The id that it had.
    pub id: String,
    /// When it was deleted, where Google says so.
    #[serde(default, deserialize_with = "readable")]
    pub updated: Option<DateTime<Utc>>,
    /// The series whose occurrence this was.
    #[serde(default, deserialize_with = "readable")]
    pub recurring_event_id: Option<String>,
    /// When that occurrence would have started.
    #[serde(default, deserialize_with = "readable")]
    pub original_start_time: Option<EventTime>,
}

/// An event that exists: a single one, the master of a series (`recurrence` is not empty), or an exception to a series
/// (`recurring_event_id` is set).
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Unique within the calendar.
    pub id: String,
    /// The version, quotes included: what `If-Match` takes.
    pub etag: String,
    /// Confirmed unless Google says tentative.
    #[serde(default)]
    pub status: EventStatus,
    /// When a person or program last changed it; some edits (reminders) do not count.
    pub updated: DateTime<Utc>,
    /// When it was created.
    pub created: Option<DateTime<Utc>>,
    /// Where a person can look at it.
    pub html_link: Option<String>,
    /// Shared by all copies of one event across calendars.
    #[serde(rename = "iCalUID")]
    pub i_cal_uid: Option<String>,
    /// The title; absent when empty.
    pub summary: Option<String>,
    /// The notes; may hold HTML.
    pub description: Option<String>,
    /// Free text.
    pub location: Option<String>,
    /// Inclusive; of a series, its first occurrence's.
    pub start: EventTime,
    /// Exclusive; of a series, its first occurrence's.
    pub end: EventTime,
    /// RRULE, EXRULE, RDATE and EXDATE lines of a series.
    #[serde(default)]
    pub recurrence: Vec<String>,
    /// The series that this is an exception to.
    pub recurring_event_id: Option<String>,
    /// When that exception would have started by the rule.
    pub original_start_time: Option<EventTime>,
    /// Whether it blocks time.
    #[serde(default)]
    pub transparency: Transparency,
    /// What kind of event it is.
    #[serde(default)]
    pub event_type: EventType,
    /// Whether it is an invitation that the calendar's owner declined.
    #[serde(default, rename = "attendees", deserialize_with = "declined")]
    pub declined: bool,
    /// Properties that only this calendar's copy bears.
    #[serde(
        default,
        rename = "extendedProperties",
        deserialize_with = "private_properties"
    )]
    pub private_properties: BTreeMap<String, String>,
}

private!(Event);

/// How sure it is that a live event takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventStatus {
    /// It may.
    Tentative,
    /// It does; also any status that Google may invent.
    #[default]
    #[serde(other)]
    Confirmed,
}

/// Whether an event blocks time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Transparency {
    /// It does not ("free").
    Transparent,
    /// It does ("busy"); also any value that Google may invent.
    #[default]
    #[serde(other)]
    Opaque,
}

/// The kinds of events that we tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventType {
    /// Where somebody works from: it takes no time.
    WorkingLocation,
    /// Any other: out of office, focus time, what Google may invent.
    #[default]
    #[serde(other)]
    Other,
}

/// Of all guests, only the calendar's owner counts, and what cannot be read has not declined.
fn declined<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let guests = Value::deserialize(deserializer)?;
    let has_declined = |guest: &Value| guest["self"] == true && guest["responseStatus"] == "declined";
    Ok(guests
        .as_array()
        .is_some_and(|guests| guests.iter().any(has_declined)))
}

fn private_properties<'de, D>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    #[derive(Deserialize)]
    struct Extended {
        #[serde(default)]
        private: BTreeMap<String, String>,
    }
    Ok(Extended::deserialize(deserializer)?.private)
}

/// A part that a tombstone can do without: what cannot be read counts as absent, so that a deletion is never overlooked.
fn readable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wire() -> Value {
        json!({
            "kind": "calendar#event", "etag": "\"3181161784712000\"", "id": "0190f0c2ab", "status": "confirmed",
            "htmlLink": "https://calendar.example.com/event?eid=1", "created": "2026-11-01T08:00:00.000Z",
            "updated": "2026-11-02T08:00:00.123Z", "summary": "Check-up: A. Khan",
            "start": {"dateTime": "2026-12-01T09:00:00+05:00", "timeZone": "Asia/Karachi"},
            "end": {"dateTime": "2026-12-01T09:30:00+05:00", "timeZone": "Asia/Karachi"},
            "iCalUID": "0190f0c2ab@google.example.com", "sequence": 0, "somethingNew": {"deep": [1]},
            "extendedProperties": {"private": {"appointment_id": "0190"}, "shared": {"x": "y"}},
        })
    }

    fn read(event: &Value) -> Option<ListedEvent> {
        ListedEvent::from_json(event.to_string().as_bytes())
    }

    fn with(path: &str, value: Value) -> Value {
        let mut event = wire();
        event[path] = value;
        event
    }

    #[test]
    fn a_live_event_is_read_in_full_and_unknown_fields_are_ignored() {
        let Some(ListedEvent::Live(event)) = read(&wire()) else {
            panic!("not live");
        };
        assert_eq!(event.etag, "\"3181161784712000\"");
        assert_eq!(event.i_cal_uid.as_deref(), Some("0190f0c2ab@google.example.com"));
        assert_eq!(event.transparency, Transparency::Opaque);
        assert_eq!(event.private_properties["appointment_id"], "0190");
        assert_eq!(event.private_properties.len(), 1);
    }

    #[test]
    fn an_invitation_is_declined_by_the_calendars_owner_alone() {
        let guest = |is_self: bool, answer: &str| json!({"self": is_self, "responseStatus": answer});
        for (attendees, declined) in [
            (json!([guest(false, "declined"), guest(true, "accepted")]), false),
            (json!([guest(false, "accepted"), guest(true, "declined")]), true),
            (json!([{"email": "a@example.com"}, 7]), false),
            (json!("everybody"), false),
        ] {
            let Some(ListedEvent::Live(event)) = read(&with("attendees", attendees)) else {
                panic!("not live");
            };
            assert_eq!(event.declined, declined);
        }
    }

    #[test]
    fn values_that_google_may_invent_count_as_busy_and_confirmed() {
        let mut event = with("status", json!("dreamt"));
        event["transparency"] = json!("translucent");
        event["eventType"] = json!("holiday");
        let Some(ListedEvent::Live(event)) = read(&event) else {
            panic!("not live");
        };
        assert_eq!(event.status, EventStatus::Confirmed);
        assert_eq!(event.transparency, Transparency::Opaque);
        assert_eq!(event.event_type, EventType::Other);
    }

    #[test]
    fn a_tombstone_needs_no_more_than_its_id() {
        let bare = read(&json!({"id": "a1b2c", "status": "cancelled"})).unwrap();
        assert!(matches!(&bare, ListedEvent::Cancelled(tombstone) if tombstone.updated.is_none()));
        let odd = json!({
            "id": "a1b2c_20261201", "status": "cancelled", "updated": "soon",
            "recurringEventId": "a1b2c", "originalStartTime": {"date": "2026-12-01"},
        });
        let Some(ListedEvent::Cancelled(tombstone)) = read(&odd) else {
            panic!("not cancelled");
        };
        assert_eq!(tombstone.updated, None);
        assert_eq!(tombstone.recurring_event_id.as_deref(), Some("a1b2c"));
        assert!(matches!(
            tombstone.original_start_time,
            Some(EventTime::Date { .. })
        ));
    }

    #[test]
    fn an_event_beyond_us_is_neither_live_nor_deleted() {
        for event in [
            with("start", json!({"dateTime": "yesterday"})),
            with("end", Value::Null),
            with("etag", Value::Null),
            with("summary", json!(7)),
            with("status", json!(7)),
        ] {
            assert_eq!(
                read(&event).unwrap(),
                ListedEvent::Unreadable {
                    id: "0190f0c2ab".to_owned()
                }
            );
        }
        assert_eq!(read(&json!({"status": "cancelled"})), None);
        assert_eq!(read(&json!({"id": 7, "status": "cancelled"})), None);
    }
}
