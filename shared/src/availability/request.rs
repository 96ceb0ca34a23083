//! What `GET /availability` may ask; pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::Span;
use crate::appointment::request::{LINE, MINUTES};
use crate::input::{Fault, Reader, time};

/// The longest window.
pub const WINDOW: TimeDelta = TimeDelta::days(92);
/// The finest step in minutes. The longest window, always open, then has 26,496 slots: 2 MB of answer, of the 6 that Lambda allows.
pub const FINEST_STEP: i64 = 5;
/// How long a slot is where nothing is said, in minutes.
pub const DEFAULT_LENGTH: i64 = 30;
/// How far apart slots start where nothing is said, in minutes.
pub const DEFAULT_STEP: i64 = 15;

/// Which slots to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The calendar asked for; `None` is the default one.
    pub calendar_id: Option<String>,
    /// Where the slots lie; not in the past, and so perhaps empty.
    pub window: Span,
    /// How long each is.
    pub length: TimeDelta,
    /// How far apart they start.
    pub step: TimeDelta,
}

/// Reads the parameters of `GET /availability`.
pub fn search(
    query: impl IntoIterator<Item = (String, String)>,
    now: DateTime<Utc>,
) -> Result<Search, Vec<Fault>> {
    let mut reader = Reader::of_query(query);
    let calendar_id = reader.text("calendar_id", LINE).into_value();
    let from = reader.required("from", time);
    let to = reader.required("to", time);
    let length = minutes(&mut reader, "duration_minutes", 1, DEFAULT_LENGTH);
    let step = minutes(&mut reader, "step_minutes", FINEST_STEP, DEFAULT_STEP);
    if let (Some(from), Some(to)) = (from, to) {
        if to <= from {
            reader.fault("to", "must be after from");
        } else if to - from > WINDOW {
            reader.fault(
                "to",
                format!("must be at most {} days after from", WINDOW.num_days()),
            );
        }
    }
    let window = from.zip(to).map(|(from, until)| Span {
        from: from.max(now),
        until,
    });
    reader.finish(window.map(|window| Search {
        calendar_id,
        window,
        length,
        step,
    }))
}

fn minutes(reader: &mut Reader, name: &str, least: i64, default: i64) -> TimeDelta {
    let minutes = reader.whole_number(name, least..=*MINUTES.end());
    TimeDelta::minutes(minutes.into_value().unwrap_or(default))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> Result<Search, Vec<String>> {
        let pairs = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let now = "2026-12-01T08:00:00Z".parse().unwrap();
        search(pairs, now).map_err(|faults| faults.into_iter().map(|fault| fault.pointer).collect())
    }

    #[test]
    fn what_is_not_said_has_its_default_and_nothing_is_sought_in_the_past() {
        let found = read(&[
            ("from", "2026-12-01T00:00:00+05:00"),
            ("to", "2026-12-02T00:00:00+05:00"),
        ]);
        let expected = Search {
            calendar_id: None,
            window: Span {
                from: "2026-12-01T08:00:00Z".parse().unwrap(),
                until: "2026-12-01T19:00:00Z".parse().unwrap(),
            },
            length: TimeDelta::minutes(30),
            step: TimeDelta::minutes(15),
        };
        assert_eq!(found, Ok(expected));
    }

    #[test]
    fn windows_lengths_and_steps_have_bounds() {
        let window = [("from", "2026-12-01T00:00:00Z"), ("to", "2027-03-03T00:00:00Z")];
        assert!(read(&window).is_ok(), "92 days");
        for (query, pointer) in [
            (("to", "2027-03-03T00:00:01Z"), "/to"),
            (("to", "2026-12-01T00:00:00Z"), "/to"),
            (("to", "soon"), "/to"),
        ] {
            assert_eq!(read(&[window[0], query]), Err(vec![pointer.to_owned()]));
        }
        for (name, value, good) in [
            ("duration_minutes", "1", true),
            ("duration_minutes", "1440", true),
            ("duration_minutes", "0", false),
            ("duration_minutes", "1441", false),
            ("step_minutes", "5", true),
            ("step_minutes", "4", false),
            ("step_minutes", "1441", false),
            ("steps", "5", false),
        ] {
            let found = read(&[window[0], window[1], (name, value)]);
            assert_eq!(found.is_ok(), good, "{name}={value}");
        }
        assert_eq!(read(&[]), Err(vec!["/from".to_owned(), "/to".to_owned()]));
    }
}
