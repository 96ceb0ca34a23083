//! The two kinds of time an event can have, as Google reads and writes them.

use chrono::{
    DateTime, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, SubsecRound, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::refusal::Refusal;

/// A day, or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Day(NaiveDate),
    Instant(DateTime<Utc>),
}

/// The `start`, `end` or `originalStartTime` of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EventTime {
    pub(super) moment: Moment,
    /// As given by the writer; an event without one follows its calendar.
    pub(super) zone: Option<Tz>,
}

impl EventTime {
    /// Reads an `EventDateTime`; `which` is `start` or `end`, for the message of a refusal.
    pub(super) fn parse(value: Option<&Value>, which: &str) -> Result<Self, Refusal> {
        let Some(value) = value.filter(|value| value.is_object()) else {
            return Err(Refusal::required(format!("Missing {which} time.")));
        };
        let zone = match value["timeZone"].as_str() {
            Some(name) => Some(parse_zone(name, which)?),
            None => None,
        };
        let invalid = || Refusal::invalid(format!("Invalid {which} time."));
        let moment = match (value["date"].as_str(), value["dateTime"].as_str()) {
            (Some(date), None) => Moment::Day(date.parse().map_err(|_| invalid())?),
            (None, Some(time)) => Moment::Instant(parse_instant(time, zone, which)?),
            (Some(_), Some(_)) => return Err(invalid()),
            (None, None) => return Err(Refusal::required(format!("Missing {which} time."))),
        };
        Ok(Self { moment, zone })
    }

    /// As Google answers it: an instant in the offset of `zone`, to the second.
    pub(super) fn render(&self, zone: Tz) -> Value {
        match self.moment {
            Moment::Day(day) => json!({"date": day.to_string()}),
            Moment::Instant(instant) => json!({
                "dateTime": instant.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true),
                "timeZone": self.zone.unwrap_or(zone).name(),
            }),
        }
    }

    /// The instant at which it begins, a day beginning at midnight in `zone`.
    pub(super) fn instant(&self, zone: Tz) -> DateTime<Utc> {
        match self.moment {
            Moment::Instant(instant) => instant,
            Moment::Day(day) => to_instant(day.and_time(NaiveTime::MIN), zone),
        }
    }

    /// The wall clock in the event's own zone: what recurrence counts in.
    pub(super) fn wall_clock(&self, calendar_zone: Tz) -> NaiveDateTime {
        match self.moment {
            Moment::Day(day) => day.and_time(NaiveTime::MIN),
            Moment::Instant(instant) => instant
                .with_timezone(&self.zone.unwrap_or(calendar_zone))
                .naive_local(),
        }
    }

    /// The same kind of time at another wall clock in the event's own zone.
    pub(super) fn at_wall_clock(&self, wall_clock: NaiveDateTime, calendar_zone: Tz) -> Self {
        let moment = match self.moment {
            Moment::Day(_) => Moment::Day(wall_clock.date()),
            Moment::Instant(_) => Moment::Instant(to_instant(wall_clock, self.zone.unwrap_or(calendar_zone))),
        };
        Self {
            moment,
            zone: self.zone,
        }
    }

    /// The time that lies as far after this one as `length` says.
    pub(super) fn plus(&self, length: TimeDelta) -> Self {
        let moment = match self.moment {
            Moment::Day(day) => Moment::Day(day + length),
            Moment::Instant(instant) => Moment::Instant(instant + length),
        };
        Self {
            moment,
            zone: self.zone,
        }
    }

    /// How the id of an instance that begins here ends: `20261201T040000Z` or `20261201`.
    pub(super) fn id_suffix(&self) -> String {
        match self.moment {
            Moment::Day(day) => day.format("%Y%m%d").to_string(),
            Moment::Instant(instant) => instant.format("%Y%m%dT%H%M%SZ").to_string(),
        }
    }
}

/// How long an event lasts; refuses what Google refuses of a pair of times.
pub(super) fn length(start: &EventTime, end: &EventTime) -> Result<TimeDelta, Refusal> {
    let length = match (start.moment, end.moment) {
        (Moment::Day(start), Moment::Day(end)) => end - start,
        (Moment::Instant(start), Moment::Instant(end)) => end - start,
        _ => {
            let message = "Start and end times must either both be date or both be dateTime.";
            return Err(Refusal::invalid(message));
        }
    };
    if length <= TimeDelta::zero() {
        let message = "The specified time range is empty.";
        return Err(Refusal::new(400, "calendar", "timeRangeEmpty", message).at("parameter", "timeMax"));
    }
    Ok(length)
}

/// An IANA zone by its name.
pub(super) fn parse_zone(name: &str, which: &str) -> Result<Tz, Refusal> {
    name.parse()
        .map_err(|_| Refusal::invalid(format!("Invalid time zone definition for {which} time.")))
}

/// RFC 3339 with milliseconds and `Z`, as in `created` and `updated`.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn parse_instant(text: &str, zone: Option<Tz>, which: &str) -> Result<DateTime<Utc>, Refusal> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc().trunc_subsecs(0));
    }
    let wall_clock = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
        .map_err(|_| Refusal::invalid(format!("Invalid {which} time.")))?;
    let zone =
        zone.ok_or_else(|| Refusal::required(format!("Missing time zone definition for {which} time.")))?;
    Ok(to_instant(wall_clock.trunc_subsecs(0), zone))
}

/// The instant of a wall clock; the earlier one where it is shown twice, an hour later where it is skipped.
fn to_instant(wall_clock: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let local = zone.from_local_datetime(&wall_clock);
    let shifted = || {
        zone.from_local_datetime(&(wall_clock + TimeDelta::hours(1)))
            .earliest()
    };
    // A gap of more than an hour has no answer from Google to copy; the wall clock is then read as UTC.
    local
        .earliest()
        .or_else(shifted)
        .map_or_else(|| wall_clock.and_utc(), |found| found.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &Value) -> Result<EventTime, Refusal> {
        EventTime::parse(Some(value), "start")
    }

    #[test]
    fn an_instant_is_answered_in_the_zone_asked_for() {
        let time =
            parse(&json!({"dateTime": "2026-07-01T04:00:00.750Z", "timeZone": "Europe/Zurich"})).unwrap();
        assert_eq!(
            time.render(chrono_tz::Asia::Karachi),
            json!({"dateTime": "2026-07-01T09:00:00+05:00", "timeZone": "Europe/Zurich"})
        );
        assert_eq!(time.render(chrono_tz::UTC)["dateTime"], "2026-07-01T04:00:00Z");
    }

    #[test]
    fn a_wall_clock_needs_a_zone() {
        assert!(parse(&json!({"dateTime": "2026-07-01T04:00:00"})).is_err());
        assert!(parse(&json!({"dateTime": "2026-07-01T04:00:00", "timeZone": "Karachi"})).is_err());
        let time = parse(&json!({"dateTime": "2026-07-01T04:00:00", "timeZone": "Asia/Kathmandu"})).unwrap();
        assert_eq!(
            time.instant(chrono_tz::UTC).to_rfc3339(),
            "2026-06-30T22:15:00+00:00"
        );
    }

    #[test]
    fn a_skipped_wall_clock_is_an_hour_later() {
        let time = json!({"dateTime": "2026-03-29T02:30:00", "timeZone": "Europe/Zurich"});
        assert_eq!(
            parse(&time).unwrap().render(chrono_tz::Europe::Zurich)["dateTime"],
            "2026-03-29T03:30:00+02:00"
        );
    }

    #[test]
    fn date_and_date_time_never_mix() {
        let day = parse(&json!({"date": "2026-07-01"})).unwrap();
        let instant = parse(&json!({"dateTime": "2026-07-01T04:00:00Z"})).unwrap();
        assert!(parse(&json!({"date": "2026-07-01", "dateTime": "2026-07-01T04:00:00Z"})).is_err());
        assert_eq!(length(&day, &instant).unwrap_err().reason, "invalid");
        assert_eq!(length(&day, &day).unwrap_err().reason, "timeRangeEmpty");
    }
}
