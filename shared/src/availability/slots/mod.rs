//! What is left of the opening hours; pure.
//!
//! Slots start on the wall clock, at each opening and every step after it, and last real time. Where the clock skips an
//! hour it has no slots, and where it repeats one each slot stands in the first. A slot lies within one opening.

#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::Span;
use super::hours::WorkingHours;
use crate::wall_clock::{instant, instant_or_next};

/// The slots of this length that lie in the window and in the opening hours and touch nothing that is taken, by start.
pub fn slots(
    window: Span,
    length: TimeDelta,
    step: TimeDelta,
    hours: &WorkingHours,
    zone: Tz,
    taken: Vec<Span>,
) -> Vec<Span> {
    let taken = joined(taken);
    let is_free = |slot: &Span| {
        let next = taken.partition_point(|taken| taken.until <= slot.from);
        taken.get(next).is_none_or(|taken| slot.until <= taken.from)
    };
    let mut slots = Vec::new();
    if window.until <= window.from {
        return slots;
    }
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let last_day = day(window.until);
    for day in day(window.from).iter_days().take_while(|day| *day <= last_day) {
        for (opens, closes) in hours.of(day) {
            let closed_at = instant_or_next(closes, zone);
            let starts = grid(opens, closes, step).filter_map(|start| instant(start, zone));
            let opening = starts
                .map(|from| Span {
                    from,
                    until: from + length,
                })
                .filter(|slot| slot.until <= closed_at);
            let in_window = opening.filter(|slot| window.from <= slot.from && slot.until <= window.until);
            slots.extend(in_window.filter(is_free));
        }
    }
    slots
}

/// The wall times at which an opening's slots may start.
fn grid(opens: NaiveDateTime, closes: NaiveDateTime, step: TimeDelta) -> impl Iterator<Item = NaiveDateTime> {
    std::iter::successors(Some(opens), move |start| Some(*start + step))
        .take_while(move |start| *start < closes)
}

/// The same times as spans in their order that do not overlap.
fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
            _ => joined.push(span),
        }
    }
    joined
}
