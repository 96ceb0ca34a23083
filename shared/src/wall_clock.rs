//! The instants of wall times.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// No zone has ever skipped more.
const MOST_SKIPPED_MINUTES: i64 = 24 * 60;

/// The instant of a wall time, the first one where the clock shows it twice; `None` where the clock skips it.
pub fn instant(wall_time: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let local = zone.from_local_datetime(&wall_time).earliest();
    local.map(|local| local.to_utc())
}

/// The same; where the clock skips it, the instant at which the clock goes on.
pub fn instant_or_next(wall_time: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    (0..=MOST_SKIPPED_MINUTES)
        .find_map(|minutes| instant(wall_time + TimeDelta::minutes(minutes), zone))
        .unwrap_or_else(|| wall_time.and_utc())
}

/// The same; where the clock skips it, what the offset before that makes of it, as iCalendar has it.
pub fn instant_or_shifted(wall_time: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    let day = TimeDelta::minutes(MOST_SKIPPED_MINUTES);
    instant(wall_time, zone).unwrap_or_else(|| instant_or_next(wall_time - day, zone) + day)
}

/// The instant at which a day begins. Where midnight is skipped (DST in some zones), that is when the clock goes on; where
/// it comes twice, the first.
pub fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    instant_or_next(day.and_time(NaiveTime::MIN), zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_without_midnight_begins_when_the_clock_goes_on_and_one_with_two_at_the_first() {
        let begins = |date: &str, zone| midnight(date.parse().unwrap(), zone).to_rfc3339();
        // Beirut goes from 00:00 to 01:00, Havana from 01:00 back to 00:00.
        assert_eq!(
            begins("2026-03-29", Tz::Asia__Beirut),
            "2026-03-28T22:00:00+00:00"
        );
        assert_eq!(
            begins("2026-11-01", Tz::America__Havana),
            "2026-11-01T04:00:00+00:00"
        );
    }

    #[test]
    fn a_day_that_a_zone_skipped_begins_with_the_next_one() {
        // Samoa went from the end of the 29th to the 31st.
        let begins = |date: &str| midnight(date.parse().unwrap(), Tz::Pacific__Apia);
        assert_eq!(begins("2011-12-30"), begins("2011-12-31"));
    }

    #[test]
    fn a_wall_time_that_is_skipped_is_none_and_the_next_is_when_the_clock_goes_on() {
        let wall_time = "2027-03-14T02:10:00".parse().unwrap();
        assert_eq!(instant(wall_time, Tz::America__New_York), None);
        let next = instant_or_next(wall_time, Tz::America__New_York);
        assert_eq!(next.to_rfc3339(), "2027-03-14T07:00:00+00:00");
        let shifted = instant_or_shifted(wall_time, Tz::America__New_York);
        assert_eq!(shifted.to_rfc3339(), "2027-03-14T07:10:00+00:00");
    }
}
