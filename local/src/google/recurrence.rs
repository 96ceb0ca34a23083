//! The occurrences of a recurring event.

use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use rrule::RRuleSet;
use serde_json::Value;

use super::refusal::Refusal;
use super::times::{EventTime, Moment};

/// No listing of the stand-in looks at more occurrences of one event than this.
const MOST_OCCURRENCES: u16 = 2_000;

/// The rules of one recurring event, counted on the wall clock of its zone.
pub(super) struct Recurrence {
    first: EventTime,
    zone: Tz,
    rules: RRuleSet,
}

impl Recurrence {
    /// Reads the `recurrence` of an event that starts at `first`.
    pub(super) fn parse(lines: &Value, first: EventTime, calendar_zone: Tz) -> Result<Self, Refusal> {
        let invalid = |_| Refusal::invalid("Invalid recurrence rule.");
        let zone = first.zone.unwrap_or(calendar_zone);
        // The rules are counted as if the wall clock were UTC, so that a change of the clocks moves no occurrence.
        let mut text = format!("DTSTART:{}Z", first.wall_clock(zone).format("%Y%m%dT%H%M%S"));
        for line in lines.as_array().into_iter().flatten().filter_map(Value::as_str) {
            text.push('\n');
            text.push_str(&on_the_wall_clock(line, zone)?);
        }
        let rules: RRuleSet = text.parse().map_err(invalid)?;
        Ok(Self { first, zone, rules })
    }

    /// The starts of the occurrences that begin before `until`, in order.
    pub(super) fn starts_before(&self, until: DateTime<Utc>) -> Vec<EventTime> {
        let wall_clock = until
            .with_timezone(&self.zone)
            .naive_local()
            .and_utc()
            .with_timezone(&rrule::Tz::UTC);
        let found = self.rules.clone().before(wall_clock).all(MOST_OCCURRENCES);
        let starts = found.dates.into_iter().map(|date| self.at(date.naive_utc()));
        starts.filter(|start| start.instant(self.zone) < until).collect()
    }

    /// The occurrence that an instance id ends with, if the rules have it.
    pub(super) fn occurrence(&self, suffix: &str) -> Option<EventTime> {
        let wall_clock = match self.first.moment {
            Moment::Day(_) => {
                NaiveDateTime::parse_from_str(&format!("{suffix}T000000"), "%Y%m%dT%H%M%S").ok()?
            }
            Moment::Instant(_) => {
                let instant = NaiveDateTime::parse_from_str(suffix, "%Y%m%dT%H%M%SZ")
                    .ok()?
                    .and_utc();
                instant.with_timezone(&self.zone).naive_local()
            }
        };
        let date = wall_clock.and_utc().with_timezone(&rrule::Tz::UTC);
        let found = self.rules.clone().after(date).before(date).all(1);
        (!found.dates.is_empty()).then(|| self.at(wall_clock))
    }

    fn at(&self, wall_clock: NaiveDateTime) -> EventTime {
        self.first.at_wall_clock(wall_clock, self.zone)
    }
}

/// Rewrites a line's times from UTC or a named zone to the wall clock of `zone`, marked as UTC for the parser.
fn on_the_wall_clock(line: &str, zone: Tz) -> Result<String, Refusal> {
    let (name, value) = line
        .split_once(':')
        .ok_or_else(|| Refusal::invalid("Invalid recurrence rule."))?;
    let kind = name.split(';').next().unwrap_or(name);
    match kind {
        "RRULE" => Ok(format!("RRULE:{}", rewrite_until(value, zone))),
        "EXDATE" | "RDATE" => {
            let times: Vec<String> = value.split(',').map(|time| rewrite_time(time, zone)).collect();
            Ok(format!("{kind}:{}", times.join(",")))
        }
        _ => Err(Refusal::invalid("Invalid recurrence rule.")),
    }
}

fn rewrite_until(rule: &str, zone: Tz) -> String {
    let parts = rule.split(';').map(|part| match part.split_once('=') {
        Some(("UNTIL", until)) => format!("UNTIL={}", rewrite_time(until, zone)),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(";")
}

fn rewrite_time(time: &str, zone: Tz) -> String {
    if let Ok(instant) = NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%SZ") {
        return instant
            .and_utc()
            .with_timezone(&zone)
            .format("%Y%m%dT%H%M%SZ")
            .to_string();
    }
    if time.contains('T') {
        format!("{time}Z")
    } else {
        format!("{time}T000000Z")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn suffixes(rules: &Value, start: &Value, until: &str) -> Vec<String> {
        let first = EventTime::parse(Some(start), "start").unwrap();
        let rules = Recurrence::parse(rules, first, chrono_tz::UTC).unwrap();
        let starts = rules.starts_before(until.parse().unwrap());
        starts.iter().map(EventTime::id_suffix).collect()
    }

    #[test]
    fn occurrences_keep_their_wall_clock_over_a_change_of_clocks() {
        let start = json!({"dateTime": "2026-03-27T09:00:00", "timeZone": "Europe/Zurich"});
        let found = suffixes(
            &json!(["RRULE:FREQ=DAILY;COUNT=4"]),
            &start,
            "2027-01-01T00:00:00Z",
        );
        assert_eq!(
            found,
            [
                "20260327T080000Z",
                "20260328T080000Z",
                "20260329T070000Z",
                "20260330T070000Z"
            ]
        );
    }

    #[test]
    fn days_until_and_exceptions() {
        let rules = json!(["RRULE:FREQ=DAILY;UNTIL=20261204", "EXDATE;VALUE=DATE:20261202"]);
        let found = suffixes(&rules, &json!({"date": "2026-12-01"}), "2027-01-01T00:00:00Z");
        assert_eq!(found, ["20261201", "20261203", "20261204"]);
    }

    #[test]
    fn only_an_occurrence_has_an_id() {
        let start = json!({"dateTime": "2026-12-01T09:00:00", "timeZone": "Asia/Karachi"});
        let first = EventTime::parse(Some(&start), "start").unwrap();
        let rules = Recurrence::parse(&json!(["RRULE:FREQ=WEEKLY"]), first, chrono_tz::UTC).unwrap();
        assert!(rules.occurrence("20261208T040000Z").is_some());
        assert!(rules.occurrence("20261209T040000Z").is_none());
        assert!(rules.occurrence("20261208").is_none());
    }
}
