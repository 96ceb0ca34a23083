//! The times that events take: by example, and with rules that nobody should write.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::google::EventTime;

/// From 1 December 2026 to the end of 2028, in Karachi.
fn basis() -> Basis {
    Basis::at("2026-12-15T12:00:00Z".parse().unwrap(), Tz::Asia__Karachi)
}

fn times(start: &Value, end: &Value, recurrence: &[&str]) -> Times {
    let value = json!({"start": start, "end": end, "recurrence": recurrence});
    serde_json::from_value(value).unwrap()
}

fn written(spans: &[Span]) -> Vec<String> {
    let format = "%m-%d %H:%M";
    let spans = spans.iter();
    spans
        .map(|span| format!("{} to {}", span.from.format(format), span.until.format(format)))
        .collect()
}

/// The times that a half hour in New York takes, in UTC.
fn new_york(start: &str, recurrence: &[&str]) -> Vec<String> {
    let start: DateTime<chrono::FixedOffset> = start.parse().unwrap();
    let time = |at: DateTime<chrono::FixedOffset>| json!({"dateTime": at, "timeZone": "America/New_York"});
    let end = start + chrono::TimeDelta::minutes(30);
    written(
        &times(&time(start), &time(end), recurrence)
            .taken(&[], &basis())
            .spans,
    )
}

/// The times that a whole day in Karachi takes, in UTC.
fn days(first: &str, end: &str, recurrence: &[&str]) -> Vec<String> {
    let day = |date: &str| json!({"date": date});
    written(
        &times(&day(first), &day(end), recurrence)
            .taken(&[], &basis())
            .spans,
    )
}

#[test]
fn a_series_keeps_its_wall_time_over_both_changes_of_the_clocks() {
    assert_eq!(
        new_york("2027-03-07T09:00:00-05:00", &["RRULE:FREQ=WEEKLY;COUNT=2"]),
        ["03-07 14:00 to 03-07 14:30", "03-14 13:00 to 03-14 13:30"]
    );
    assert_eq!(
        new_york("2027-10-31T09:00:00-04:00", &["RRULE:FREQ=WEEKLY;COUNT=2"]),
        ["10-31 13:00 to 10-31 13:30", "11-07 14:00 to 11-07 14:30"]
    );
}

#[test]
fn an_occurrence_in_a_skipped_hour_is_an_hour_later_and_one_in_a_repeated_hour_the_first() {
    assert_eq!(
        new_york("2027-03-13T02:30:00-05:00", &["RRULE:FREQ=DAILY;COUNT=2"]),
        ["03-13 07:30 to 03-13 08:00", "03-14 07:30 to 03-14 08:00"]
    );
    assert_eq!(
        new_york("2027-11-06T01:30:00-04:00", &["RRULE:FREQ=DAILY;COUNT=2"]),
        ["11-06 05:30 to 11-06 06:00", "11-07 05:30 to 11-07 06:00"]
    );
}

#[test]
fn dates_are_taken_away_and_added_however_they_are_written() {
    let first = "2027-06-01T09:00:00-04:00";
    let daily = "RRULE:FREQ=DAILY;COUNT=3";
    let without_second = ["06-01 13:00 to 06-01 13:30", "06-03 13:00 to 06-03 13:30"];
    for line in [
        "EXDATE:20270602T130000Z",
        "EXDATE:20270602T090000",
        "EXDATE;TZID=America/New_York:20270602T090000",
        "EXDATE;TZID=Asia/Karachi:20270602T180000",
        "EXDATE;VALUE=DATE-TIME;TZID=Asia/Karachi:20270701T180000,20270602T180000",
        "exdate;tzid=Asia/Karachi:20270602T180000",
        "EXRULE:FREQ=DAILY;BYMONTHDAY=2",
    ] {
        let found = new_york(first, &[daily, line]);
        assert_eq!(found, without_second, "{line}");
    }
    assert_eq!(
        new_york(
            first,
            &[
                "RRULE:FREQ=DAILY;COUNT=1",
                "RDATE;TZID=Asia/Karachi:20270610T180000"
            ]
        ),
        ["06-01 13:00 to 06-01 13:30", "06-10 13:00 to 06-10 13:30"]
    );
}

#[test]
fn a_rule_ends_with_its_last_time_or_day() {
    let first = "2027-06-01T22:00:00-04:00";
    for until in [
        "20270604T020000Z",
        "20270603",
        "20270603T220000",
        "20270604T015959Z",
    ] {
        let found = new_york(first, &[&format!("RRULE:FREQ=DAILY;UNTIL={until}")]);
        let last = if until.ends_with("59Z") { 2 } else { 3 };
        assert_eq!(found.len(), last, "{until}: {found:?}");
    }
}

#[test]
fn days_are_the_clinics_one_or_several_by_rule_or_not() {
    assert_eq!(
        days("2027-06-01", "2027-06-03", &[]),
        ["05-31 19:00 to 06-02 19:00"]
    );
    assert_eq!(
        days(
            "2027-06-01",
            "2027-06-02",
            &["RRULE:FREQ=DAILY;UNTIL=20270603", "EXDATE;VALUE=DATE:20270602"]
        ),
        ["05-31 19:00 to 06-01 19:00", "06-02 19:00 to 06-03 19:00"]
    );
}

#[test]
fn what_is_replaced_or_an_appointment_is_left_out() {
    let time = |day: u32, hour: u32| json!({"dateTime": format!("2027-06-0{day}T0{hour}:00:00Z"), "timeZone": "UTC"});
    let mut daily = times(&time(1, 4), &time(1, 5), &["RRULE:FREQ=DAILY;COUNT=4"]);
    let replaced: EventTime = serde_json::from_value(time(3, 4)).unwrap();
    daily.first_is_ours = true;
    assert_eq!(
        written(&daily.taken(&[replaced], &basis()).spans),
        ["06-02 04:00 to 06-02 05:00", "06-04 04:00 to 06-04 05:00"]
    );
}

#[test]
fn only_the_window_is_laid_out_and_what_lies_behind_is_over() {
    let endless = new_york("2015-01-01T09:00:00-05:00", &["RRULE:FREQ=DAILY"]);
    assert_eq!(endless.len(), 31 + 365 + 366);
    assert_eq!(endless[0], "12-01 14:00 to 12-01 14:30");
    let is_over = |start: &str, recurrence: &[&str]| {
        let day = json!({"date": start});
        let end = json!({"date": start.replace("-01", "-02")});
        times(&day, &end, recurrence).taken(&[], &basis()).is_over
    };
    assert!(is_over("2026-05-01", &[]));
    assert!(is_over("2026-05-01", &["RRULE:FREQ=WEEKLY;COUNT=3"]));
    assert!(!is_over("2026-05-01", &["RRULE:FREQ=WEEKLY"]));
    assert!(
        !is_over("2035-05-01", &["RRULE:FREQ=WEEKLY;COUNT=3"]),
        "still to come"
    );
}

#[test]
fn of_a_series_that_cannot_be_counted_the_first_is_busy() {
    for line in [
        "RRULE:FREQ=SOMETIMES",
        "RRULE:",
        "RRULE",
        "RRULE:FREQ=SECONDLY;BYHOUR=9;BYMINUTE=0;BYSECOND=0",
        "RRULE:FREQ=WEEKLY;UNTIL=20200101T000000Z",
        "RRULE:FREQ=WEEKLY\nDTSTART:20270101T000000Z",
        "X-RULE:FREQ=DAILY",
    ] {
        let found = new_york("2027-06-01T09:00:00-04:00", &[line]);
        assert_eq!(found, ["06-01 13:00 to 06-01 13:30"], "{line}");
    }
}

fn part() -> impl Strategy<Value = String> {
    let numbers = prop::collection::vec(-400..400_i32, 1..4).prop_map(|numbers| {
        numbers
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",")
    });
    let by = prop::sample::select(
        &[
            "BYMONTH",
            "BYMONTHDAY",
            "BYYEARDAY",
            "BYWEEKNO",
            "BYSETPOS",
            "BYHOUR",
            "INTERVAL",
            "COUNT",
        ][..],
    );
    prop_oneof![
        (by, numbers).prop_map(|(name, numbers)| format!("{name}={numbers}")),
        (1..60_000_u32).prop_map(|interval| format!("INTERVAL={interval}")),
        (-60..60_i32, prop::sample::select(&["MO", "SU", "XX"][..]))
            .prop_map(|(n, day)| format!("BYDAY={n}{day}")),
        prop::sample::select(
            &[
                "WKST=SU",
                "BYEASTER=1",
                "COUNT=4294967295",
                "UNTIL=99991231",
                "BYMINUTE=0"
            ][..]
        )
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_rule_however_odd_takes_more_than_its_share(
        freq in prop::sample::select(&["DAILY", "WEEKLY", "MONTHLY", "YEARLY"][..]),
        parts in prop::collection::vec(part(), 0..4),
        year in 1900..2100_i32,
    ) {
        let rule = format!("RRULE:FREQ={freq};{}", parts.join(";"));
        let taken = days(&format!("{year}-02-28"), &format!("{year}-03-02"), &[rule.trim_end_matches(';')]);
        prop_assert!(taken.len() <= 4_000);
    }
}
