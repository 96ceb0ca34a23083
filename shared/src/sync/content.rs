//! What an event and its appointment have in common, and how each is written as the other; pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::description::{self, Footer, describe};
use super::when::When;
use crate::google::{Change, Event, EventPatch, NewEvent};
use crate::private::private;

/// The private extended property that names an event's appointment. It confirms the link; the event's id makes it.
const APPOINTMENT_PROPERTY: &str = "appointment_id";

/// An event's content as Google last showed it, or as we sent it: what a merge compares.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// `summary`, empty where Google has none.
    pub title: String,
    /// The whole `description`, our footer included; empty where Google has none.
    pub description: String,
    /// `location`, empty where Google has none.
    pub location: String,
    /// `start` and `end`: one field, since people move them together.
    pub time: When,
}

private!(Content);

impl Content {
    /// What a live event shows that showed `known` before. Days that are still the same keep the instants they had
    /// then, whatever the clinic's zone is now.
    pub fn of(event: &Event, clinic_zone: Tz, known: Option<&Self>) -> Self {
        let time = When::of(event, clinic_zone);
        Self {
            title: event.summary.clone().unwrap_or_default(),
            description: event.description.clone().unwrap_or_default(),
            location: event.location.clone().unwrap_or_default(),
            time: match known {
                Some(known) => time.or_same_days_of(&known.time),
                None => time,
            },
        }
    }

    /// What a person wrote into the description.
    pub fn notes(&self) -> String {
        description::notes(&self.description)
    }

    /// Whether the description bears our footer.
    pub fn has_footer(&self) -> bool {
        description::has_footer(&self.description)
    }

    /// The event that shows this, under an id chosen beforehand.
    pub fn to_new_event(&self, event_id: &str, appointment_id: Uuid) -> NewEvent {
        let (start, end) = self.time.write();
        NewEvent {
            id: event_id.to_owned(),
            summary: some(&self.title),
            description: some(&self.description),
            location: some(&self.location),
            start,
            end,
            private_properties: naming(appointment_id),
        }
    }

    /// What must change in an event that shows `shown` for it to show this.
    pub fn patch_from(&self, shown: &Self) -> EventPatch {
        let text = |ours: &String, theirs: &String| {
            if ours == theirs {
                Change::Keep
            } else {
                Change::from(some(ours))
            }
        };
        let (start, end) = self.time.write();
        let moved = !self.time.same(&shown.time);
        EventPatch {
            summary: text(&self.title, &shown.title),
            description: text(&self.description, &shown.description),
            location: text(&self.location, &shown.location),
            start: moved.then_some(start),
            end: moved.then_some(end),
            ..EventPatch::default()
        }
    }
}

/// The private properties by which an event names its appointment.
pub(super) fn naming(appointment_id: Uuid) -> BTreeMap<String, String> {
    BTreeMap::from([(APPOINTMENT_PROPERTY.to_owned(), appointment_id.to_string())])
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// What an appointment has to say to its event.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, PartialEq, Eq)]
pub struct Facts {
    /// The title that someone chose, if anyone did.
    pub title: Option<String>,
    /// Why the patient comes: part of the default title.
    pub reason: Option<String>,
    /// The patient: part of the default title, and in the footer.
    pub patient_name: String,
    /// In the footer.
    pub patient_phone: Option<String>,
    /// In the footer.
    pub patient_email: Option<String>,
    /// Above the footer.
    pub notes: Option<String>,
    /// The event's location.
    pub location: Option<String>,
    /// Start.
    pub starts_at: DateTime<Utc>,
    /// End.
    pub ends_at: DateTime<Utc>,
    /// IANA zone of both.
    pub time_zone: String,
}

private!(Facts);

impl Facts {
    /// The title shown: the chosen one, or `reason: patient_name`. The database's `shown_title` says the same.
    pub fn shown_title(&self) -> String {
        match (&self.title, &self.reason) {
            (Some(title), _) => title.clone(),
            (None, Some(reason)) => format!("{reason}: {}", self.patient_name),
            (None, None) => self.patient_name.clone(),
        }
    }

    /// The event's content that shows these facts, given what both sides last had.
    ///
    /// Days stay days: where an all-day event's instants are still the appointment's, its dates are kept. So is a
    /// description that says the same in HTML.
    pub fn content(&self, agreed: Option<&Content>) -> Content {
        Content {
            title: self.shown_title(),
            description: self.description(agreed.map(|content| content.description.as_str())),
            location: self.location.clone().unwrap_or_default(),
            time: self.time(agreed.map(|content| &content.time)),
        }
    }

    fn time(&self, agreed: Option<&When>) -> When {
        match agreed {
            Some(days @ When::AllDay { from, until, .. })
                if (*from, *until) == (self.starts_at, self.ends_at) =>
            {
                days.clone()
            }
            _ => When::Timed {
                from: self.starts_at,
                until: self.ends_at,
                zone: Some(self.time_zone.clone()),
            },
        }
    }

    fn description(&self, shown: Option<&str>) -> String {
        let footer = Footer {
            name: &self.patient_name,
            phone: self.patient_phone.as_deref(),
            email: self.patient_email.as_deref(),
        };
        describe(self.notes.as_deref(), footer, shown)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::TimeDelta;

    use super::*;

    pub(in crate::sync) fn facts() -> Facts {
        Facts {
            title: None,
            reason: Some("Check-up".into()),
            patient_name: "A. Khan".into(),
            patient_phone: Some("+92 300 1234567".into()),
            patient_email: None,
            notes: Some("first visit".into()),
            location: None,
            starts_at: "2026-12-01T04:00:00Z".parse().unwrap(),
            ends_at: "2026-12-01T04:30:00Z".parse().unwrap(),
            time_zone: "Asia/Karachi".into(),
        }
    }

    #[test]
    fn a_patch_holds_only_what_differs() {
        let shown = facts().content(None);
        assert!(shown.patch_from(&shown).is_empty());
        let moved = Facts {
            location: Some("Room 2".into()),
            ..facts()
        }
        .content(None);
        let patch = moved.patch_from(&shown);
        assert_eq!(patch.location, Change::Set("Room 2".into()));
        assert_eq!((patch.summary, patch.start), (Change::Keep, None));
        assert_eq!(shown.patch_from(&moved).location, Change::Clear);
    }

    #[test]
    fn days_stay_days_while_nobody_sets_a_time() {
        let (starts_at, ends_at) = (facts().starts_at, facts().starts_at + TimeDelta::days(1));
        let agreed = Content {
            time: When::AllDay {
                first: starts_at.date_naive(),
                end: ends_at.date_naive(),
                from: starts_at,
                until: ends_at,
            },
            ..facts().content(None)
        };
        let ours = Facts {
            starts_at,
            ends_at,
            ..facts()
        };
        assert!(ours.content(Some(&agreed)).patch_from(&agreed).is_empty());
        assert!(facts().content(Some(&agreed)).patch_from(&agreed).start.is_some());
    }
}
