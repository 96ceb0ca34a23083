//! The opening hours, and the grammar of `WORKING_HOURS`: rules separated by `;`, each of days and of one or more
//! intervals, such as `mon-thu 09:00-13:00 14:00-18:00; sat 10:00-14:00`.
//!
//! Days are `mon` to `sun`, in ranges (which may run over the week's end) and lists: `mon-wed,fri`. All rules of a day count
//! together. `24:00` ends a day. Intervals that overlap are refused, not joined: slots are counted from each opening,
//! and which one was meant cannot be told. Those that only touch are two openings.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// The opening hours of a week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingHours {
    /// From Monday on; the openings of a day in their order, none touching what another covers.
    week: [Vec<Opening>; 7],
}

/// From one time of day to another, as minutes on the wall clock since midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Opening {
    opens: u16,
    closes: u16,
}

/// What is wrong with opening hours: where, and what should stand there. Never what does stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Nothing but separators.
    #[error("should be opening hours, such as mon-fri 09:00-17:00")]
    Empty,
    /// A word that is no days.
    #[error("has a fault in rule {rule}, word 1: there should be days, such as mon-fri or mon,wed,fri")]
    Days {
        /// Counted from 1.
        rule: usize,
    },
    /// Days alone.
    #[error("has a fault in rule {rule}: after the days there should be intervals, such as 09:00-17:00")]
    Closed {
        /// Counted from 1.
        rule: usize,
    },
    /// A word that is no interval.
    #[error(
        "has a fault in rule {rule}, word {word}: there should be an interval, such as 09:00-13:00 (24:00 at the latest)"
    )]
    Interval {
        /// Counted from 1.
        rule: usize,
        /// Counted from 1.
        word: usize,
    },
    /// An interval that ends before it begins.
    #[error(
        "has a fault in rule {rule}, word {word}: an interval should end after it begins; one over midnight is two, \
         such as fri 20:00-24:00; sat 00:00-02:00"
    )]
    Backwards {
        /// Counted from 1.
        rule: usize,
        /// Counted from 1.
        word: usize,
    },
    /// Two intervals of a day overlap.
    #[error("has intervals that overlap on {}: there should be one for both", name(*day))]
    Overlap {
        /// The day.
        day: Weekday,
    },
}

impl WorkingHours {
    /// The openings that begin on a day, on the wall clock and in their order.
    pub(super) fn of(&self, day: NaiveDate) -> impl Iterator<Item = (NaiveDateTime, NaiveDateTime)> {
        let midnight = day.and_time(NaiveTime::MIN);
        let at = move |minutes: u16| midnight + TimeDelta::minutes(minutes.into());
        let openings = self.week[index(day.weekday())].iter();
        openings.map(move |opening| (at(opening.opens), at(opening.closes)))
    }
}

impl Default for WorkingHours {
    /// Nine to five from Monday to Friday.
    fn default() -> Self {
        let nine_to_five = vec![Opening {
            opens: 9 * 60,
            closes: 17 * 60,
        }];
        let weekend = index(Weekday::Sat);
        Self {
            week: std::array::from_fn(|day| {
                if day < weekend {
                    nine_to_five.clone()
                } else {
                    Vec::new()
                }
            }),
        }
    }
}

impl FromStr for WorkingHours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let mut week: [Vec<Opening>; 7] = Default::default();
        // A blank rule says nothing: a trailing `;` is no fault.
        let rules = text.split(';').map(str::split_whitespace).enumerate();
        for (rule, mut words) in rules.map(|(index, words)| (index + 1, words)) {
            let Some(days) = words.next() else { continue };
            let days = parse_days(days).ok_or(HoursError::Days { rule })?;
            let mut closed = true;
            for (word, interval) in words.enumerate().map(|(index, word)| (index + 2, word)) {
                let opening = parse_interval(interval).ok_or(HoursError::Interval { rule, word })?;
                if opening.closes <= opening.opens {
                    return Err(HoursError::Backwards { rule, word });
                }
                for day in &days {
                    week[index(*day)].push(opening);
                }
                closed = false;
            }
            if closed {
                return Err(HoursError::Closed { rule });
            }
        }
        for (index, openings) in week.iter_mut().enumerate() {
            openings.sort_unstable();
            if openings.windows(2).any(|pair| pair[1].opens < pair[0].closes) {
                return Err(HoursError::Overlap { day: DAYS[index].1 });
            }
        }
        if week.iter().all(Vec::is_empty) {
            return Err(HoursError::Empty);
        }
        Ok(Self { week })
    }
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

fn index(day: Weekday) -> usize {
    // A weekday has a number from 0 to 6, on any machine.
    day.num_days_from_monday() as usize
}

fn name(day: Weekday) -> impl fmt::Display {
    DAYS[index(day)].0
}

/// Reads `mon-wed,fri`; a day that is named twice counts once.
fn parse_days(text: &str) -> Option<Vec<Weekday>> {
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (parse_day(first)?, parse_day(last)?);
        days.push(day);
        while day != last {
            day = day.succ();
            days.push(day);
        }
    }
    days.sort_unstable_by_key(Weekday::num_days_from_monday);
    days.dedup();
    Some(days)
}

fn parse_day(text: &str) -> Option<Weekday> {
    let named = |(name, _): &&(&str, Weekday)| text.eq_ignore_ascii_case(name);
    DAYS.iter().find(named).map(|(_, day)| *day)
}

fn parse_interval(text: &str) -> Option<Opening> {
    let (opens, closes) = text.split_once('-')?;
    Some(Opening {
        opens: parse_time(opens)?,
        closes: parse_time(closes)?,
    })
}

/// Reads `09:00` as minutes since midnight, up to `24:00`.
fn parse_time(text: &str) -> Option<u16> {
    let number = |digits: &str| {
        let two_digits = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|_| two_digits)
    };
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (number(hour)?, number(minute)?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= DAY).then_some(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The openings of a week that begins on Monday, 2 November 2026, as `day hour:minute-hour:minute`.
    fn written(hours: &WorkingHours) -> Vec<String> {
        let monday: NaiveDate = "2026-11-02".parse().unwrap();
        let days = monday.iter_days().take(7);
        days.flat_map(|day| {
            hours.of(day).map(move |(opens, closes)| {
                let next_day = if closes.date() == day { "" } else { "+" };
                format!("{} {}-{}{next_day}", day.weekday(), opens.time(), closes.time())
            })
        })
        .collect()
    }

    fn hours(text: &str) -> WorkingHours {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn days_stand_in_ranges_and_lists_and_have_several_intervals() {
        let week = hours("mon-tue,thu 14:00-18:00 09:00-13:00; SAT 10:00-24:00 ;; sun 00:00-00:30;");
        assert_eq!(
            written(&week),
            [
                "Mon 09:00:00-13:00:00",
                "Mon 14:00:00-18:00:00",
                "Tue 09:00:00-13:00:00",
                "Tue 14:00:00-18:00:00",
                "Thu 09:00:00-13:00:00",
                "Thu 14:00:00-18:00:00",
                "Sat 10:00:00-00:00:00+",
                "Sun 00:00:00-00:30:00",
            ]
        );
        let over_the_weekend = written(&hours("fri-mon 09:00-10:00"));
        let days: Vec<_> = over_the_weekend.iter().map(|line| &line[..3]).collect();
        assert_eq!(days, ["Mon", "Fri", "Sat", "Sun"]);
    }

    #[test]
    fn the_default_is_what_is_documented() {
        assert_eq!(WorkingHours::default(), hours("mon-fri 09:00-17:00"));
    }

    #[test]
    fn rules_of_one_day_count_together_and_may_touch_but_not_overlap() {
        assert_eq!(
            hours("mon-fri 09:00-12:00; mon 12:00-17:00"),
            hours("mon 12:00-17:00 09:00-12:00; tue,wed,thu,fri 09:00-12:00")
        );
        let overlap: Result<WorkingHours, _> = "mon-fri 09:00-17:00; wed 16:59-18:00".parse();
        assert_eq!(overlap, Err(HoursError::Overlap { day: Weekday::Wed }));
    }

    #[test]
    fn a_fault_is_named_by_its_place_and_never_quoted() {
        use HoursError::{Backwards, Closed, Days, Empty, Interval};
        for (text, error) in [
            ("", Empty),
            (" ; ", Empty),
            ("hunter2", Days { rule: 1 }),
            ("mon-fri 09:00-17:00; mon-hunter2 09:00-10:00", Days { rule: 2 }),
            ("mon, tue 09:00-17:00", Days { rule: 1 }),
            ("monday 09:00-17:00", Days { rule: 1 }),
            ("mon-fri", Closed { rule: 1 }),
            ("mon 09:00-17:00 hunter2", Interval { rule: 1, word: 3 }),
            ("mon 9:00-17:00", Interval { rule: 1, word: 2 }),
            ("mon 09:00-24:01", Interval { rule: 1, word: 2 }),
            ("mon 09:00-17:60", Interval { rule: 1, word: 2 }),
            ("mon +9:00-17:00", Interval { rule: 1, word: 2 }),
            ("mon 09:00 - 17:00", Interval { rule: 1, word: 2 }),
            ("mon 22:00-02:00", Backwards { rule: 1, word: 2 }),
            ("mon 09:00-09:00", Backwards { rule: 1, word: 2 }),
        ] {
            assert_eq!(text.parse::<WorkingHours>(), Err(error), "{text}");
            let line = error.to_string();
            assert!(!line.contains("hunter2") && !line.contains('\n'), "{line}");
        }
    }
}
