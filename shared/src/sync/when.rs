//! When an event takes place, as Google says it and as the record keeps it; pure.
//!
//! The record keeps instants and an IANA zone, never an offset: a change of the clocks then moves no wall time. Days are a
//! kind of their own: they are midnight to midnight nowhere until a zone says so.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::google::{Event, EventTime};
use crate::wall_clock::midnight;

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
        /// IANA zone of the start; `None` where Google names none, or one that we do not know.
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
                from: start.instant(clinic_zone),
                until: end.instant(clinic_zone),
                zone: match start {
                    // A zone that we do not know cannot be computed with: the instants alone count.
                    EventTime::Timed { time_zone, .. } => {
                        time_zone.clone().filter(|zone| zone.parse::<Tz>().is_ok())
                    }
                    EventTime::Date { .. } => None,
                },
            },
        }
    }

    /// These times; where they are the days of `known`, with the midnights that these had.
    pub(super) fn or_same_days_of(self, known: &Self) -> Self {
        match known {
            Self::AllDay { .. } if self.same(known) => known.clone(),
            _ => self,
        }
    }

    /// Start and end as they are written, on the wall clock of their zone.
    pub(super) fn write(&self) -> (EventTime, EventTime) {
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::{Value, json};

    use super::*;

    fn days(first: &str, end: &str, zone: Tz) -> When {
        let date = |text: &str| EventTime::Date {
            date: text.parse().unwrap(),
        };
        When::read(&date(first), &date(end), zone)
    }

    /// Half an hour from then, in this zone.
    fn timed(from: &str, zone: Option<&str>) -> When {
        let from: DateTime<Utc> = from.parse().unwrap();
        When::Timed {
            from,
            until: from + TimeDelta::minutes(30),
            zone: zone.map(str::to_owned),
        }
    }

    fn read(start: &Value, end: &Value) -> When {
        let time = |wire: &Value| serde_json::from_value(wire.clone()).unwrap();
        When::read(&time(start), &time(end), Tz::Asia__Karachi)
    }

    #[test]
    fn times_are_written_on_the_wall_clock_of_their_zone_and_read_back() {
        for (instant, zone, wall_clock) in [
            (
                "2026-12-01T04:00:00Z",
                "Asia/Karachi",
                "2026-12-01T09:00:00+05:00",
            ),
            (
                "2026-12-01T04:00:00Z",
                "Asia/Kolkata",
                "2026-12-01T09:30:00+05:30",
            ),
            (
                "2026-12-01T04:00:00Z",
                "Asia/Kathmandu",
                "2026-12-01T09:45:00+05:45",
            ),
            // Nine in the morning on either side of a change of the clocks.
            (
                "2027-03-13T14:00:00Z",
                "America/New_York",
                "2027-03-13T09:00:00-05:00",
            ),
            (
                "2027-03-14T13:00:00Z",
                "America/New_York",
                "2027-03-14T09:00:00-04:00",
            ),
            (
                "2027-11-06T13:00:00Z",
                "America/New_York",
                "2027-11-06T09:00:00-04:00",
            ),
            (
                "2027-11-07T14:00:00Z",
                "America/New_York",
                "2027-11-07T09:00:00-05:00",
            ),
            ("2027-03-27T09:00:00Z", "Europe/London", "2027-03-27T09:00:00Z"),
            (
                "2027-03-28T08:00:00Z",
                "Europe/London",
                "2027-03-28T09:00:00+01:00",
            ),
            ("2027-10-31T09:00:00Z", "Europe/London", "2027-10-31T09:00:00Z"),
            // Half past one comes twice, and nobody's half past two is skipped.
            (
                "2027-11-07T05:30:00Z",
                "America/New_York",
                "2027-11-07T01:30:00-04:00",
            ),
            (
                "2027-11-07T06:30:00Z",
                "America/New_York",
                "2027-11-07T01:30:00-05:00",
            ),
            (
                "2027-03-14T07:30:00Z",
                "America/New_York",
                "2027-03-14T03:30:00-04:00",
            ),
        ] {
            let time = timed(instant, Some(zone));
            let (start, end) = time.write();
            let [start, end] = [start, end].map(|time| serde_json::to_value(time).unwrap());
            assert_eq!(start, json!({"dateTime": wall_clock, "timeZone": zone}));
            assert_eq!(read(&start, &end), time);
        }
    }

    #[test]
    fn a_wall_time_that_is_skipped_is_the_instant_that_its_offset_says() {
        let time = json!({"dateTime": "2027-03-14T02:30:00-05:00", "timeZone": "America/New_York"});
        let end = json!({"dateTime": "2027-03-14T04:00:00-04:00", "timeZone": "America/New_York"});
        assert_eq!(
            read(&time, &end),
            timed("2027-03-14T07:30:00Z", Some("America/New_York"))
        );
    }

    #[test]
    fn days_last_as_long_as_their_zone_says() {
        for (first, end, zone, hours) in [
            ("2027-03-14", "2027-03-15", Tz::America__New_York, 23),
            ("2027-11-07", "2027-11-08", Tz::America__New_York, 25),
            ("2027-03-28", "2027-03-29", Tz::Europe__London, 23),
            ("2027-10-31", "2027-11-01", Tz::Europe__London, 25),
            ("2027-03-13", "2027-03-16", Tz::America__New_York, 71),
            ("2027-03-14", "2027-03-15", Tz::Asia__Kathmandu, 24),
        ] {
            let time = days(first, end, zone);
            let (from, until) = time.instants();
            assert_eq!((until - from).num_hours(), hours, "{first} {zone}");
            let written = time.write();
            assert_eq!(When::read(&written.0, &written.1, zone), time);
        }
    }

    #[test]
    fn days_are_compared_as_days_in_any_zone() {
        let karachi = days("2026-12-01", "2026-12-02", Tz::Asia__Karachi);
        assert!(karachi.same(&days("2026-12-01", "2026-12-02", Tz::UTC)));
        assert!(!karachi.same(&days("2026-12-01", "2026-12-03", Tz::Asia__Karachi)));
        let (from, until) = karachi.instants();
        let zone = Some("Asia/Karachi".to_owned());
        assert!(!karachi.same(&When::Timed { from, until, zone }));
    }

    #[test]
    fn days_that_are_still_the_same_keep_their_midnights_in_another_zone() {
        let karachi = days("2026-12-01", "2026-12-02", Tz::Asia__Karachi);
        let london = |end| days("2026-12-01", end, Tz::Europe__London);
        assert_eq!(london("2026-12-02").or_same_days_of(&karachi), karachi);
        assert_eq!(
            london("2026-12-03").or_same_days_of(&karachi),
            london("2026-12-03")
        );
        let time = timed("2026-12-01T04:00:00Z", None);
        let zoned = timed("2026-12-01T04:00:00Z", Some("Asia/Karachi"));
        assert_eq!(time.clone().or_same_days_of(&zoned), time);
    }

    #[test]
    fn a_zone_alone_tells_times_apart_unless_one_has_none() {
        let at = |zone| timed("2026-12-01T04:00:00Z", zone);
        assert!(!at(Some("Asia/Karachi")).same(&at(Some("Europe/London"))));
        assert!(at(Some("Asia/Karachi")).same(&at(None)));
    }

    #[test]
    fn a_zone_that_is_not_named_or_not_known_is_none() {
        for zone in [Value::Null, json!("GMT+05:00"), json!("Mars/Olympus")] {
            let time = |at: &str| json!({"dateTime": at, "timeZone": zone});
            let read = read(
                &time("2026-12-01T09:00:00+05:00"),
                &time("2026-12-01T09:30:00+05:00"),
            );
            assert_eq!(read, timed("2026-12-01T04:00:00Z", None));
        }
    }
}
