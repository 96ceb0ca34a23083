//! What an event and its appointment have in common, and how each is written as the other; pure.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::google::{Change, Event, EventPatch, EventTime, NewEvent};

/// The first line of the part of a description that is ours.
///
/// Plain text without characters that HTML would escape: Google's own editor stores descriptions as HTML.
const FOOTER_MARK: &str = "--- Patient (kept by Appointment Sync, write above this line) ---";

/// The private extended property that names an event's appointment. It confirms the link; the event's id makes it.
const APPOINTMENT_PROPERTY: &str = "appointment_id";

/// An event's content as Google last showed it, or as we sent it: what a merge compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// When an event takes place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum When {
    /// From one instant to another.
    Timed {
        /// Start.
        from: DateTime<Utc>,
        /// End.
        until: DateTime<Utc>,
        /// IANA zone of the start; `None` is the calendar's own.
        zone: Option<String>,
    },
    /// Whole days.
    AllDay {
        /// First day.
        first: NaiveDate,
        /// The day after the last one, as in Google.
        end: NaiveDate,
        /// The midnights that bound them in the clinic's zone when this was read.
        from: DateTime<Utc>,
        /// See `from`.
        until: DateTime<Utc>,
    },
}

impl When {
    /// Start and end as instants.
    pub fn instants(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        match self {
            Self::Timed { from, until, .. } | Self::AllDay { from, until, .. } => (*from, *until),
        }
    }

    /// Whether a person reads the same times from both. All-day events are compared by their days alone, so that a
    /// later change of the clinic's zone moves none of them.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::AllDay { first, end, .. },
                Self::AllDay {
                    first: other_first,
                    end: other_end,
                    ..
                },
            ) => (first, end) == (other_first, other_end),
            (Self::Timed { zone, .. }, Self::Timed { zone: other_zone, .. }) => {
                let same_zone = zone.is_none() || other_zone.is_none() || zone == other_zone;
                same_zone && self.instants() == other.instants()
            }
            _ => false,
        }
    }

    /// When a live event takes place.
    pub fn of(event: &Event, clinic_zone: Tz) -> Self {
        Self::read(&event.start, &event.end, clinic_zone)
    }

    fn read(start: &EventTime, end: &EventTime, clinic_zone: Tz) -> Self {
        match (start, end) {
            (EventTime::Date { date: first }, EventTime::Date { date: end }) => Self::AllDay {
                first: *first,
                end: *end,
                from: midnight(*first, clinic_zone),
                until: midnight(*end, clinic_zone),
            },
            _ => Self::Timed {
                from: instant(start, clinic_zone),
                until: instant(end, clinic_zone),
                zone: match start {
                    EventTime::Timed { time_zone, .. } => time_zone.clone(),
                    EventTime::Date { .. } => None,
                },
            },
        }
    }

    fn write(&self) -> (EventTime, EventTime) {
        match self {
            Self::AllDay { first, end, .. } => {
                (EventTime::Date { date: *first }, EventTime::Date { date: *end })
            }
            Self::Timed { from, until, zone } => {
                let tz: Tz = zone
                    .as_deref()
                    .and_then(|zone| zone.parse().ok())
                    .unwrap_or(Tz::UTC);
                let time = |at: &DateTime<Utc>| EventTime::Timed {
                    date_time: at.with_timezone(&tz).fixed_offset(),
                    time_zone: zone.clone(),
                };
                (time(from), time(until))
            }
        }
    }
}

fn instant(time: &EventTime, clinic_zone: Tz) -> DateTime<Utc> {
    match time {
        EventTime::Date { date } => midnight(*date, clinic_zone),
        EventTime::Timed { date_time, .. } => date_time.to_utc(),
    }
}

/// The instant at which a day begins in a zone. Where midnight is skipped (DST in some zones), the day begins when
/// the clock goes on; where it comes twice, at the first.
fn midnight(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    zone.from_local_datetime(&midnight)
        .earliest()
        .or_else(|| {
            // Midnight itself was skipped. No zone has ever skipped more than a day.
            (1..=96).find_map(|quarters| {
                zone.from_local_datetime(&(midnight + chrono::TimeDelta::minutes(15 * quarters)))
                    .earliest()
            })
        })
        .map_or_else(|| midnight.and_utc(), |local| local.to_utc())
}

impl Content {
    /// What a live event shows.
    pub fn of(event: &Event, clinic_zone: Tz) -> Self {
        Self {
            title: event.summary.clone().unwrap_or_default(),
            description: event.description.clone().unwrap_or_default(),
            location: event.location.clone().unwrap_or_default(),
            time: When::of(event, clinic_zone),
        }
    }

    /// What a person wrote into the description: all that stands above our footer.
    pub fn notes(&self) -> &str {
        // The last mark is ours, even if someone's notes quote it.
        self.description
            .rsplit_once(FOOTER_MARK)
            .map_or(self.description.as_str(), |(above, _)| above)
            .trim()
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
            private_properties: [(APPOINTMENT_PROPERTY.to_owned(), appointment_id.to_string())].into(),
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

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// What an appointment has to say to its event.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Days stay days: where an all-day event's instants are still the appointment's, its dates are kept.
    pub fn content(&self, agreed: Option<&Content>) -> Content {
        Content {
            title: self.shown_title(),
            description: self.description(),
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

    fn description(&self) -> String {
        let mut description = String::new();
        if let Some(notes) = &self.notes {
            description.push_str(notes);
            description.push_str("\n\n");
        }
        description.push_str(FOOTER_MARK);
        let lines = [
            ("Name", Some(&self.patient_name)),
            ("Phone", self.patient_phone.as_ref()),
            ("Email", self.patient_email.as_ref()),
        ];
        for (label, value) in lines {
            if let Some(value) = value {
                description.push('\n');
                description.push_str(label);
                description.push_str(": ");
                description.push_str(value);
            }
        }
        description
    }
}

#[cfg(test)]
pub(super) mod tests {
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

    fn days(first: &str, end: &str, zone: Tz) -> When {
        let date = |text: &str| EventTime::Date {
            date: text.parse().unwrap(),
        };
        When::read(&date(first), &date(end), zone)
    }

    #[test]
    fn an_event_shows_notes_above_the_footer() {
        let content = facts().content(None);
        assert_eq!(content.title, "Check-up: A. Khan");
        assert_eq!(
            content.description,
            "first visit\n\n--- Patient (kept by Appointment Sync, write above this line) ---\n\
             Name: A. Khan\nPhone: +92 300 1234567"
        );
        assert_eq!(content.notes(), "first visit");
    }

    #[test]
    fn notes_that_quote_the_footer_are_still_told_from_it() {
        let notes = format!("see below\n{FOOTER_MARK}\nName: nobody");
        let content = Facts {
            notes: Some(notes.clone()),
            ..facts()
        }
        .content(None);
        assert_eq!(content.notes(), notes);
    }

    #[test]
    fn without_a_footer_all_is_notes() {
        let content = Content {
            description: " rewritten by hand\n".into(),
            ..facts().content(None)
        };
        assert_eq!(content.notes(), "rewritten by hand");
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
    fn times_are_written_on_the_wall_clock_of_their_zone() {
        let (start, _) = facts().content(None).time.write();
        assert_eq!(
            serde_json::to_value(&start).unwrap(),
            serde_json::json!({"dateTime": "2026-12-01T09:00:00+05:00", "timeZone": "Asia/Karachi"})
        );
    }

    #[test]
    fn days_stay_days_while_nobody_sets_a_time() {
        let zone: Tz = "Asia/Karachi".parse().unwrap();
        let agreed = Content {
            time: days("2026-12-01", "2026-12-02", zone),
            ..facts().content(None)
        };
        let (starts_at, ends_at) = agreed.time.instants();
        let ours = Facts {
            starts_at,
            ends_at,
            ..facts()
        };
        assert!(ours.content(Some(&agreed)).patch_from(&agreed).is_empty());
        assert!(facts().content(Some(&agreed)).patch_from(&agreed).start.is_some());
    }

    #[test]
    fn days_are_compared_as_days_in_any_zone() {
        let karachi = days("2026-12-01", "2026-12-02", Tz::Asia__Karachi);
        assert!(karachi.same(&days("2026-12-01", "2026-12-02", Tz::UTC)));
        assert!(!karachi.same(&days("2026-12-01", "2026-12-03", Tz::Asia__Karachi)));
    }

    #[test]
    fn a_day_without_midnight_begins_when_the_clock_goes_on() {
        // Beirut skips from 00:00 to 01:00 at the start of DST.
        let date = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
        assert_eq!(
            midnight(date, Tz::Asia__Beirut).to_rfc3339(),
            "2026-03-28T22:00:00+00:00"
        );
    }
}
