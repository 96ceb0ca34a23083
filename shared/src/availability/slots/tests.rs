//! Slots: by example where the clocks change, and against an oracle that looks at every minute.

use chrono::{Datelike, NaiveDate, Timelike};
use proptest::prelude::*;

use super::*;
use crate::wall_clock::midnight;

fn span(from: &str, until: &str) -> Span {
    Span {
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
    }
}

/// The local starts of the slots of one day of which nothing is taken.
fn starts(day: &str, hours: &str, zone: Tz, minutes: (i64, i64)) -> Vec<String> {
    let day: NaiveDate = day.parse().unwrap();
    let window = Span {
        from: midnight(day, zone),
        until: midnight(day.succ_opt().unwrap(), zone),
    };
    let (length, step) = (TimeDelta::minutes(minutes.0), TimeDelta::minutes(minutes.1));
    let hours = hours.parse().unwrap();
    let slots = slots(window, length, step, &hours, zone, Vec::new());
    let local = slots
        .iter()
        .map(|slot| slot.from.with_timezone(&zone).format("%H:%M%z").to_string());
    local.collect()
}

#[test]
fn slots_lie_on_the_grid_of_each_opening_and_end_within_it() {
    let found = starts(
        "2026-12-01",
        "tue 09:00-10:30 14:10-15:00",
        Tz::Asia__Karachi,
        (30, 20),
    );
    assert_eq!(
        found,
        [
            "09:00+0500",
            "09:20+0500",
            "09:40+0500",
            "10:00+0500",
            "14:10+0500",
            "14:30+0500"
        ]
    );
}

#[test]
fn a_skipped_hour_has_no_slots_and_a_slot_before_it_lasts_real_time() {
    // New York's clocks go from 02:00 to 03:00.
    let found = starts("2027-03-14", "sun 01:00-04:00", Tz::America__New_York, (60, 30));
    assert_eq!(found, ["01:00-0500", "01:30-0500", "03:00-0400"]);
    // An opening that begins in it keeps its grid, one that ends in it ends when the clock goes on.
    let found = starts("2027-03-14", "sun 02:10-04:00", Tz::America__New_York, (15, 30));
    assert_eq!(found, ["03:10-0400", "03:40-0400"]);
    let found = starts("2027-03-14", "sun 01:30-02:30", Tz::America__New_York, (30, 30));
    assert_eq!(found, ["01:30-0500"]);
}

#[test]
fn a_repeated_hour_has_each_slot_once() {
    // New York's clocks go from 02:00 back to 01:00.
    let found = starts("2027-11-07", "sun 00:30-02:30", Tz::America__New_York, (30, 30));
    assert_eq!(found, ["00:30-0400", "01:00-0400", "01:30-0400", "02:00-0500"]);
}

#[test]
fn what_touches_a_slot_does_not_take_it() {
    let window = span("2026-12-01T04:00:00Z", "2026-12-01T06:00:00Z");
    let half_hour = TimeDelta::minutes(30);
    let free = |taken: Vec<Span>| {
        let hours = WorkingHours::default();
        let slots = slots(window, half_hour, half_hour, &hours, Tz::Asia__Karachi, taken);
        slots
            .iter()
            .map(|slot| slot.from.minute() + slot.from.hour() * 60 - 240)
            .collect::<Vec<_>>()
    };
    assert_eq!(free(vec![]), [0, 30, 60, 90]);
    assert_eq!(
        free(vec![span("2026-12-01T04:30:00Z", "2026-12-01T05:00:00Z")]),
        [0, 60, 90]
    );
    assert_eq!(
        free(vec![span("2026-12-01T04:59:59Z", "2026-12-01T05:00:01Z")]),
        [0, 90]
    );
    let nested = vec![
        span("2026-12-01T00:00:00Z", "2026-12-01T05:10:00Z"),
        span("2026-12-01T04:00:00Z", "2026-12-01T04:10:00Z"),
    ];
    assert_eq!(free(nested), [90]);
}

#[test]
fn a_window_that_is_over_has_no_slots() {
    let over = span("2026-12-01T06:00:00Z", "2026-12-01T04:00:00Z");
    let half_hour = TimeDelta::minutes(30);
    let hours = WorkingHours::default();
    assert!(slots(over, half_hour, half_hour, &hours, Tz::Asia__Karachi, Vec::new()).is_empty());
}

const ZONES: [Tz; 7] = [
    Tz::Asia__Karachi,
    Tz::Asia__Kathmandu,
    Tz::America__New_York,
    Tz::Europe__London,
    // Its clocks change by half an hour.
    Tz::Australia__Lord_Howe,
    // Its clocks change at midnight.
    Tz::America__Havana,
    Tz::Asia__Beirut,
];

/// Intervals of a day as the setting writes them, none overlapping: ends and beginnings in minutes, sorted.
fn openings() -> impl Strategy<Value = Vec<(u16, u16)>> {
    prop::collection::btree_set(0..=1440_u16, 2..=6).prop_map(|bounds| {
        let bounds: Vec<_> = bounds.into_iter().collect();
        bounds.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
    })
}

fn written(openings: &[(u16, u16)]) -> String {
    let time = |minutes: &u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
    let intervals = openings
        .iter()
        .map(|(opens, closes)| format!("{}-{}", time(opens), time(closes)));
    format!("sat-mon {}", intervals.collect::<Vec<_>>().join(" "))
}

/// A start is looked for at every minute; it is one if the clock shows it for the first time, on the opening's grid, and
/// each minute from there on is in the same opening and taken by nobody. A clock that is put back, even to before the opening,
/// closes nobody's door.
fn oracle(
    window: Span,
    (length, step): (i64, i64),
    openings: &[(u16, u16)],
    zone: Tz,
    taken: &[Span],
) -> Vec<DateTime<Utc>> {
    let wall = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    let opening = |at: DateTime<Utc>| {
        let wall = wall(at);
        let minute = u16::try_from(wall.hour() * 60 + wall.minute()).unwrap();
        let open_today = matches!(wall.weekday().num_days_from_monday(), 0 | 5 | 6);
        let mut openings = openings.iter();
        let found = openings.find(|(opens, closes)| open_today && (*opens..*closes).contains(&minute))?;
        Some((wall.date(), *found, minute))
    };
    let minutes = (window.until - window.from).num_minutes();
    let is_start = |at: &DateTime<Utc>| {
        let Some((day, (opens, closes), minute)) = opening(*at) else {
            return false;
        };
        let shown_before =
            |at: DateTime<Utc>| (1..=180).any(|ago| wall(at - TimeDelta::minutes(ago)) == wall(at));
        let put_back = |at: DateTime<Utc>| {
            let minute = wall(at).hour() * 60 + wall(at).minute();
            wall(at).date() == day && minute < opens.into() && shown_before(at)
        };
        i64::from(minute - opens) % step == 0
            && !shown_before(*at)
            && *at + TimeDelta::minutes(length) <= window.until
            && (0..length)
                .map(|after| *at + TimeDelta::minutes(after))
                .all(|at| {
                    let in_opening = opening(at).is_some_and(|(d, o, _)| (d, o) == (day, (opens, closes)));
                    (in_opening || put_back(at))
                        && !taken.iter().any(|taken| (taken.from..taken.until).contains(&at))
                })
    };
    (0..minutes)
        .map(|after| window.from + TimeDelta::minutes(after))
        .filter(is_start)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn slots_are_what_looking_at_every_minute_finds(
        zone in prop::sample::select(&ZONES[..]),
        // Around the changes of the clocks in New York, London, Lord Howe, Havana, Beirut, or on any Saturday of 2027.
        day in prop::sample::select(&["2027-03-13", "2027-11-06", "2027-03-27", "2027-10-30", "2027-04-03", "2027-10-02"][..]),
        openings in openings(),
        offset in -600..600_i64,
        hours_long in 1..48_i64,
        length in 1..200_i64,
        step in 5..90_i64,
        taken in prop::collection::vec((0..3600_i64, 1..180_i64), 0..8),
    ) {
        let from = midnight(day.parse().unwrap(), zone) + TimeDelta::minutes(offset);
        let window = Span { from, until: from + TimeDelta::hours(hours_long) };
        let taken: Vec<_> = taken.into_iter().map(|(start, length)| {
            let from = from + TimeDelta::minutes(start);
            Span { from, until: from + TimeDelta::minutes(length) }
        }).collect();
        let hours = written(&openings).parse().unwrap();
        let found = slots(window, TimeDelta::minutes(length), TimeDelta::minutes(step), &hours, zone, taken.clone());
        let starts: Vec<_> = found.iter().map(|slot| slot.from).collect();
        prop_assert_eq!(starts, oracle(window, (length, step), &openings, zone, &taken));
    }
}
