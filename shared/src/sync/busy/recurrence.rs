//! The times that an event takes, all occurrences of a series included.
//!
//! Rules are counted on the wall clock of the series' zone as if that were UTC, so that a change of the clocks moves no
//! occurrence; each is turned into an instant afterwards. What a rule leaves open (an end that is a day, a line that we cannot
//! read) counts as busy: a slot refused is a smaller harm than a doctor in two places.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use rrule::{Frequency, RRuleSet};

use super::Basis;
use super::event::Times;
use super::rule;
use crate::availability::Span;
use crate::google::EventTime;
use crate::wall_clock::{instant_or_shifted, midnight};

/// Occurrences of one series that are looked at, from its beginning on: a daily one for a century.
const MOST_LOOKED_AT: usize = 36_525;
/// Occurrences of one series that are kept: several a day as far as the horizon.
const MOST_KEPT: usize = 4_000;

/// The times that an event takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Within the window, in no order.
    pub(super) spans: Vec<Span>,
    /// It takes no time after the window's start any more.
    pub(super) is_over: bool,
}

impl Times {
    /// The times that this takes, but for the occurrences that start at one of `replaced`.
    pub(super) fn taken(&self, replaced: &[EventTime], basis: &Basis) -> Taken {
        let clock = Clock::of(&self.start, basis.zone);
        let first = clock.wall_time(&self.start);
        if self.recurrence.is_empty() {
            return clock.taken([first].into_iter(), self, &HashSet::new(), basis);
        }
        let lines = Lines::read(&self.recurrence, &clock);
        let mut without: HashSet<_> = replaced
            .iter()
            .map(|start| start.instant(basis.zone))
            .chain(lines.without.iter().map(|wall| clock.instant(*wall)))
            .collect();
        if self.first_is_ours {
            without.insert(clock.instant(first));
        }
        let set = lines.rules(first, &clock);
        let by_rule = set.as_ref().map(|set| {
            let starts = set.into_iter().map(|start| start.naive_utc());
            starts.take(MOST_LOOKED_AT)
        });
        // Without a rule that can be counted, the first one is all we know.
        let alone = by_rule.is_none().then_some(first);
        let mut taken = clock.taken(by_rule.into_iter().flatten().chain(alone), self, &without, basis);
        let further = clock.taken(lines.further.into_iter(), self, &without, basis);
        taken.spans.extend(further.spans);
        taken.is_over &= further.is_over;
        taken
    }
}

/// How the starts of an event are read.
struct Clock {
    zone: Tz,
    /// Whole days of the clinic.
    days: bool,
}

impl Clock {
    fn of(start: &EventTime, clinic_zone: Tz) -> Self {
        let zone = match start {
            EventTime::Date { .. } => None,
            EventTime::Timed { time_zone, .. } => time_zone.as_deref().and_then(|zone| zone.parse().ok()),
        };
        Self {
            zone: zone.unwrap_or(clinic_zone),
            days: matches!(start, EventTime::Date { .. }),
        }
    }

    fn wall_time(&self, time: &EventTime) -> NaiveDateTime {
        match time {
            EventTime::Date { date } => date.and_time(NaiveTime::MIN),
            EventTime::Timed { date_time, .. } => self.wall_time_at(date_time.to_utc()),
        }
    }

    fn wall_time_at(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    fn instant(&self, wall_time: NaiveDateTime) -> DateTime<Utc> {
        if self.days {
            midnight(wall_time.date(), self.zone)
        } else {
            instant_or_shifted(wall_time, self.zone)
        }
    }

    /// The times taken from these starts, which rise.
    fn taken(
        &self,
        starts: impl Iterator<Item = NaiveDateTime>,
        times: &Times,
        without: &HashSet<DateTime<Utc>>,
        basis: &Basis,
    ) -> Taken {
        let mut taken = Taken {
            spans: Vec::new(),
            is_over: true,
        };
        for wall_time in starts {
            let span = self.span(wall_time, times);
            if span.from >= basis.window.until || taken.spans.len() == MOST_KEPT {
                taken.is_over = false;
                break;
            }
            if span.until > basis.window.from && span.from < span.until && !without.contains(&span.from) {
                taken.spans.push(span);
                taken.is_over = false;
            }
        }
        taken
    }

    /// From this start for as long as the first occurrence lasts.
    fn span(&self, start: NaiveDateTime, times: &Times) -> Span {
        let from = self.instant(start);
        let until = match (&times.start, &times.end) {
            (EventTime::Date { date: first }, EventTime::Date { date: end }) => {
                let last = start.date().checked_add_signed(*end - *first);
                midnight(last.unwrap_or(start.date()), self.zone)
            }
            (first, end) => from + (end.instant(self.zone) - first.instant(self.zone)),
        };
        Span { from, until }
    }
}

/// What a rule does with its occurrences.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Adds,
    TakesAway,
}

/// The lines of a series, on its wall clock.
#[derive(Default)]
struct Lines {
    /// What `RRULE` and `EXRULE` lines say.
    rules: Vec<(Kind, String)>,
    /// What `RDATE` lines add, rising.
    further: Vec<NaiveDateTime>,
    /// What `EXDATE` lines take away.
    without: Vec<NaiveDateTime>,
}

impl Lines {
    fn read(lines: &[String], clock: &Clock) -> Self {
        let mut read = Self::default();
        // What breaks the line could begin another one.
        for line in lines.iter().filter(|line| !line.contains(char::is_control)) {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let mut words = name.split(';');
            let kind = words.next().unwrap_or_default().to_ascii_uppercase();
            let zone = words
                .filter_map(|word| word.split_once('='))
                .find(|(name, _)| name.eq_ignore_ascii_case("TZID"))
                .and_then(|(_, zone)| zone.parse().ok());
            let times = value
                .split(',')
                .filter_map(Stamp::parse)
                .map(|stamp| stamp.on(clock, zone));
            match kind.as_str() {
                "RRULE" => read.rules.push((Kind::Adds, value.to_owned())),
                "EXRULE" => read.rules.push((Kind::TakesAway, value.to_owned())),
                "RDATE" => read.further.extend(times),
                "EXDATE" => read.without.extend(times),
                _ => {}
            }
        }
        read.further.sort_unstable();
        read
    }

    /// The rules, counted from `first` on; `None` without one that can be counted, or with one that cannot.
    fn rules(&self, first: NaiveDateTime, clock: &Clock) -> Option<RRuleSet> {
        let start = rrule::Tz::UTC.from_utc_datetime(&first.with_nanosecond(0)?);
        let mut set = RRuleSet::new(start);
        for (kind, text) in &self.rules {
            let rule = rule::read(text, |until| Stamp::parse(until)?.last(clock))?;
            // Rules within a day could be looked through for hours until one that never comes.
            if matches!(
                rule.get_freq(),
                Frequency::Hourly | Frequency::Minutely | Frequency::Secondly
            ) {
                return None;
            }
            let rule = rule.validate(start).ok()?;
            set = match kind {
                Kind::Adds => set.rrule(rule),
                Kind::TakesAway => set.exrule(rule),
            };
        }
        (!set.get_rrule().is_empty()).then(|| set.limit())
    }
}

/// A time in a line: `20261201`, `20261201T090000` or `20261201T040000Z`.
enum Stamp {
    Day(NaiveDate),
    Wall(NaiveDateTime),
    Instant(DateTime<Utc>),
}

impl Stamp {
    fn parse(text: &str) -> Option<Self> {
        // Of a period its start.
        let text = text.split('/').next()?.trim();
        let wall = |text| NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok();
        if let Some(utc) = text.strip_suffix('Z') {
            Some(Self::Instant(wall(utc)?.and_utc()))
        } else if text.contains('T') {
            wall(text).map(Self::Wall)
        } else {
            NaiveDate::parse_from_str(text, "%Y%m%d").ok().map(Self::Day)
        }
    }

    /// What `UNTIL` means by this, on a series' clock. A day counts to its end.
    fn last(self, clock: &Clock) -> Option<NaiveDateTime> {
        match self {
            Self::Day(day) => day.and_hms_opt(23, 59, 59),
            stamp => Some(stamp.on(clock, None)),
        }
    }

    /// The wall time on a series' clock of what was written on the clock of `zone`, where one was named.
    fn on(self, clock: &Clock, zone: Option<Tz>) -> NaiveDateTime {
        let day = |wall_time: NaiveDateTime| wall_time.date().and_time(NaiveTime::MIN);
        match self {
            Self::Day(date) => date.and_time(NaiveTime::MIN),
            // Days have no zone.
            Self::Wall(wall_time) if clock.days => day(wall_time),
            Self::Instant(at) if clock.days => day(at.naive_utc()),
            Self::Wall(wall_time) => zone.map_or(wall_time, |zone| {
                clock.wall_time_at(instant_or_shifted(wall_time, zone))
            }),
            Self::Instant(at) => clock.wall_time_at(at),
        }
    }
}
