//! Times as PostgreSQL prints them, and RFC 3339; pure.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::input;

const SHAPE: &str = "must be a time such as 2026-12-01 09:00:00+05 or 2026-12-01T09:00:00+05:00";

/// A time, within the bounds of every other [`time`](input::time). One without an offset is on the wall clock of `zone`.
pub(super) fn time(value: &Value, zone: Tz) -> Result<DateTime<Utc>, String> {
    let text = value.as_str().unwrap_or_default();
    let (clock, offset) = taken_apart(text).ok_or(SHAPE)?;
    let written = if offset.is_empty() {
        on_the_wall(&clock, zone)?
    } else {
        clock + &offset
    };
    DateTime::parse_from_rfc3339(&written).map_err(|_| SHAPE)?;
    input::time(&json!(written))
}

/// What the clock shows, and the offset, as RFC 3339 writes them.
fn taken_apart(text: &str) -> Option<(String, String)> {
    let (date, rest) = Some(text).filter(|text| text.is_ascii())?.split_at_checked(10)?;
    let rest = rest.strip_prefix([' ', 'T', 't'])?;
    let (time, offset) = rest.split_at(rest.find(['+', '-', 'Z', 'z']).unwrap_or(rest.len()));
    let offset = match offset.len() {
        // +05, +0530
        3 => format!("{offset}:00"),
        5 => format!("{}:{}", &offset[..3], &offset[3..]),
        _ => offset.to_owned(),
    };
    Some((format!("{date}T{time}"), offset))
}

/// A time of the wall clock, with the offset that the clock then has.
fn on_the_wall(clock: &str, zone: Tz) -> Result<String, String> {
    let clock = NaiveDateTime::parse_from_str(clock, "%Y-%m-%dT%H:%M:%S%.f").map_err(|_| SHAPE)?;
    let times = zone.from_local_datetime(&clock);
    let time = times.single().ok_or_else(|| match times.earliest() {
        Some(_) => format!("comes twice in {zone}: an offset would tell which"),
        None => format!("does not exist in {zone}, where the clock skips it"),
    })?;
    Ok(time.fixed_offset().to_rfc3339())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, zone: Tz) -> Result<String, String> {
        time(&json!(text), zone).map(|at| at.to_rfc3339())
    }

    #[test]
    fn what_postgresql_prints_is_read() {
        for text in [
            "2026-12-01 09:00:00+05",
            "2026-12-01 09:00:00.25+05",
            "2026-12-01 04:00:00+00",
            "2026-12-01 09:30:00+05:30",
            "2026-12-01 09:30:00+0530",
            "2026-11-30 23:00:00-05",
            "2026-12-01T09:00:00+05:00",
            "2026-12-01T04:00:00Z",
            "2026-12-01 04:00:00z",
            // On the clinic's wall clock.
            "2026-12-01 09:00:00",
            "2026-12-01T09:00:00.999",
        ] {
            assert_eq!(
                read(text, Tz::Asia__Karachi).as_deref(),
                Ok("2026-12-01T04:00:00+00:00"),
                "{text}"
            );
        }
    }

    #[test]
    fn anything_else_is_not() {
        for text in [
            "",
            "soon",
            "2026-12-01",
            "2026-12-01 09:00",
            "2026-12-01 09:00:00 +05",
            "2026-12-01 09:00:00+5",
            "2026-12-01 09:00:00+05:30:15",
            "2026-13-01 09:00:00+05",
            "2026-12-01 25:00:00",
            "2026-12-01 09:00:00\u{2212}05",
            "01/12/2026 09:00:00",
            "0044-03-15 12:00:00+00 BC",
            "infinity",
            "1796101200",
        ] {
            assert_eq!(read(text, Tz::Asia__Karachi), Err(SHAPE.to_owned()), "{text}");
        }
        for text in ["1969-12-31 23:59:59+00", "2101-01-01 00:00:00"] {
            assert!(
                read(text, Tz::UTC).unwrap_err().contains("1970 to 2100"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_wall_time_that_comes_twice_or_never_is_refused() {
        let zone = Tz::America__New_York;
        assert!(
            read("2027-11-07 01:30:00", zone)
                .unwrap_err()
                .contains("comes twice")
        );
        assert!(
            read("2027-03-14 02:30:00", zone)
                .unwrap_err()
                .contains("does not exist")
        );
        for (text, instant) in [
            ("2027-11-07 01:30:00-05", "2027-11-07T06:30:00+00:00"),
            ("2027-03-13 09:00:00", "2027-03-13T14:00:00+00:00"),
            ("2027-03-15 09:00:00", "2027-03-15T13:00:00+00:00"),
        ] {
            assert_eq!(read(text, zone).as_deref(), Ok(instant), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn every_instant_is_read_back_as_postgresql_prints_it(
            // From 1971 to 2100.
            seconds in 31_536_000..4_102_444_800_i64,
            micros in 0..1_000_000_u32,
            zone in prop::sample::select(&[
                Tz::Asia__Karachi, Tz::Asia__Kathmandu, Tz::America__New_York, Tz::America__St_Johns, Tz::UTC,
            ][..]),
        ) {
            let at = DateTime::from_timestamp(seconds, micros * 1_000).unwrap().with_timezone(&zone);
            let whole = DateTime::from_timestamp(seconds, 0).unwrap();
            let offset = at.format("%:z").to_string();
            let printed = at.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            let with_offset = format!("{printed}{}", offset.strip_suffix(":00").unwrap_or(&offset));
            prop_assert_eq!(time(&json!(with_offset), zone), Ok(whole));
            // Without it, where the wall clock tells enough.
            if let Ok(read) = time(&json!(printed), zone) {
                prop_assert_eq!(read, whole);
            }
        }

        #[test]
        fn no_text_however_odd_breaks_the_reader(
            text in prop::collection::vec(prop::sample::select(&["2026-12-01", " ", "T", "09:00:00", "+", "-05", "Z", ".5", "é", "1"][..]), 0..6),
        ) {
            let _ = time(&json!(text.concat()), Tz::Asia__Karachi);
        }
    }
}
