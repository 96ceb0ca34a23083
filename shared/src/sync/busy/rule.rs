//! One recurrence rule, read into rrule's own type.
//!
//! rrule reads rules, too, by regular expressions: that machine would be a twentieth of each function which links it. What is
//! a rule and what is none is the same here; a test compares the two.

use std::collections::HashSet;
use std::str::FromStr;

use chrono::{Month, NaiveDateTime, TimeZone, Weekday};
use rrule::{Frequency, NWeekday, RRule, Tz, Unvalidated};

/// Reads `FREQ=…;…`. `last` reads what `UNTIL` says, on the clock that the rule is counted on. `None` for what is no rule.
pub(super) fn read(rule: &str, last: impl Fn(&str) -> Option<NaiveDateTime>) -> Option<RRule<Unvalidated>> {
    let mut read = RRule::default();
    let mut names = HashSet::new();
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=')?;
        let name = match name.to_ascii_uppercase() {
            name if name == "BYWEEKDAY" => "BYDAY".to_owned(),
            name => name,
        };
        read = match name.as_str() {
            "FREQ" => read.freq(Frequency::from_str(value).ok()?),
            "INTERVAL" => read.interval(value.parse().ok()?),
            "COUNT" => read.count(value.parse().ok()?),
            "UNTIL" => read.until(Tz::UTC.from_utc_datetime(&last(value)?)),
            "WKST" => read.week_start(weekday(value)?),
            "BYSETPOS" => read.by_set_pos(numbers(value, i32::MIN, i32::MAX)?),
            "BYMONTH" => {
                let months = numbers::<u8>(value, 1, 12)?.into_iter();
                let months: Option<Vec<_>> = months.map(|month| Month::try_from(month).ok()).collect();
                read.by_month(&months?)
            }
            "BYMONTHDAY" => read.by_month_day(numbers(value, -31, 31)?),
            "BYYEARDAY" => read.by_year_day(numbers(value, -366, 366)?),
            "BYWEEKNO" => read.by_week_no(numbers(value, -53, 53)?),
            "BYDAY" => read.by_weekday(value.split(',').map(nth_weekday).collect::<Option<_>>()?),
            "BYHOUR" => read.by_hour(numbers(value, 0, 23)?),
            "BYMINUTE" => read.by_minute(numbers(value, 0, 59)?),
            "BYSECOND" => read.by_second(numbers(value, 0, 59)?),
            _ => return None,
        };
        // What is said twice says nothing.
        if !names.insert(name) {
            return None;
        }
    }
    names.contains("FREQ").then_some(read)
}

/// Numbers from `least` to `most`, rising, each once.
fn numbers<T: FromStr + Ord + Copy>(list: &str, least: T, most: T) -> Option<Vec<T>> {
    if list.is_empty() {
        return Some(Vec::new());
    }
    let numbers = list.split(',').map(|number| {
        let number = number.parse().ok()?;
        (least <= number && number <= most).then_some(number)
    });
    let mut numbers = numbers.collect::<Option<Vec<T>>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Some(numbers)
}

/// `MO`, `1MO` or `-1MO`; an odd number counts as none.
fn nth_weekday(day: &str) -> Option<NWeekday> {
    let (nth, day) = day.split_at_checked(day.len().checked_sub(2)?)?;
    let nth = nth.parse().ok().filter(|nth| *nth != 0);
    Some(NWeekday::new(nth, weekday(day)?))
}

fn weekday(day: &str) -> Option<Weekday> {
    Some(match day.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;
    use rrule::RRuleSet;

    use super::*;

    /// The rule as rrule reads it, counted from `start`.
    fn by_rrule(rule: &str, start: DateTime<Tz>) -> Option<RRule> {
        let lines = format!("{}\nRRULE:{rule}", start.format("DTSTART:%Y%m%dT%H%M%SZ"));
        let set: RRuleSet = lines.parse().ok()?;
        set.get_rrule().first().cloned()
    }

    fn by_us(rule: &str, start: DateTime<Tz>) -> Option<RRule> {
        let last = |text: &str| NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok();
        read(rule, last)?.validate(start).ok()
    }

    fn value() -> impl Strategy<Value = String> {
        let number = prop_oneof![-3..62_i64, -400..400_i64, any::<i64>()];
        let word = prop::sample::select(
            &[
                "",
                "MO",
                "1MO",
                "-1su",
                "+2TU",
                "0WE",
                "xFR",
                "99TH",
                "M",
                "XX",
                "é",
                "20271201T090000Z",
                "20270230T090000Z",
                "daily",
                "WEEKLY",
                "MONTHLY",
                "Yearly",
                "SECONDLY",
                " 1",
                "+5",
            ][..],
        );
        let item = prop_oneof![
            number.prop_map(|number| number.to_string()),
            word.prop_map(str::to_owned)
        ];
        prop::collection::vec(item, 1..4).prop_map(|items| items.join(","))
    }

    fn part() -> impl Strategy<Value = String> {
        let names = prop::sample::select(
            &[
                "FREQ",
                "INTERVAL",
                "COUNT",
                "UNTIL",
                "WKST",
                "BYSETPOS",
                "BYMONTH",
                "BYMONTHDAY",
                "BYYEARDAY",
                "BYWEEKNO",
                "BYDAY",
                "byday",
                "BYWEEKDAY",
                "BYHOUR",
                "BYMINUTE",
                "BYSECOND",
                "BYEASTER",
                "X-ODD",
            ][..],
        );
        let sensible = prop::sample::select(
            &[
                "INTERVAL=2",
                "COUNT=9",
                "UNTIL=20280101T000000Z",
                "WKST=SU",
                "BYMONTH=6,5,6",
                "BYMONTHDAY=-1,15",
                "BYDAY=MO,-1FR",
                "BYDAY=TU,WE",
                "BYSETPOS=1,-1",
                "BYHOUR=9,8",
                "BYMINUTE=30",
                "BYWEEKNO=20",
                "BYYEARDAY=100",
                "",
                "COUNT",
            ][..],
        );
        prop_oneof![
            3 => sensible.prop_map(str::to_owned),
            1 => (names, value()).prop_map(|(name, value)| format!("{name}={value}")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn a_rule_is_read_as_rrule_reads_it(
            freq in prop::sample::select(&["FREQ=DAILY", "FREQ=weekly", "FREQ=MONTHLY", "FREQ=YEARLY", "FREQ=NEVER", ""][..]),
            parts in prop::collection::vec(part(), 0..4),
        ) {
            let start = Tz::UTC.with_ymd_and_hms(2027, 6, 1, 9, 0, 0).unwrap();
            let rule = format!("{freq};{}", parts.join(";"));
            // rrule breaks on these.
            prop_assume!(rule.is_ascii());
            prop_assert_eq!(by_us(&rule, start), by_rrule(&rule, start), "{}", rule);
        }

        #[test]
        fn whatever_stands_there_does_no_harm(rule in "\\PC{0,40}") {
            let _ = read(&rule, |_| None);
            let _ = read(&format!("FREQ=DAILY;BYDAY={rule}"), |_| None);
        }
    }
}
