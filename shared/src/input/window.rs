//! A window of time in a query.

use chrono::{DateTime, TimeDelta, Utc};

use super::Reader;

/// The longest window that is answered at once: a quarter of a year, whichever.
pub const LONGEST_WINDOW: TimeDelta = TimeDelta::days(92);

impl Reader {
    /// Notes a fault of `to` unless it is after `from` and within [`LONGEST_WINDOW`] of it. A window that is open at an end is
    /// for lists that come in pages.
    pub fn check_window(&mut self, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) {
        let (Some(from), Some(to)) = (from, to) else {
            return;
        };
        if to <= from {
            self.fault("to", "must be after from");
        } else if to - from > LONGEST_WINDOW {
            let days = LONGEST_WINDOW.num_days();
            self.fault("to", format!("must be at most {days} days after from"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(from: Option<&str>, to: Option<&str>) -> usize {
        let time = |text: &str| text.parse().unwrap();
        let mut reader = Reader::of_query([]);
        reader.check_window(from.map(time), to.map(time));
        reader.finish(Some(())).map_or_else(|faults| faults.len(), |()| 0)
    }

    #[test]
    fn a_window_has_a_beginning_before_its_end_and_at_most_92_days() {
        let start = Some("2026-12-01T00:00:00Z");
        for (to, expected) in [
            (Some("2026-12-01T00:00:01Z"), 0),
            (Some("2027-03-03T00:00:00Z"), 0),
            (Some("2027-03-03T00:00:01Z"), 1),
            (Some("2026-12-01T00:00:00Z"), 1),
            (None, 0),
        ] {
            assert_eq!(faults(start, to), expected, "{to:?}");
        }
        assert_eq!(faults(None, start), 0);
    }
}
