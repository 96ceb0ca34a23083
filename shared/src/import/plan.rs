//! What becomes of each row, and of its event; pure.
//!
//! | the row | its event |
//! |---|---|
//! | with an event, to come | shows it; Google is asked for the event at the next push |
//! | with an event, over | shows it, once a listing has shown the event; nothing is asked for it or made |
//! | with an event, cancelled | shall be gone; if it is to come, Google is asked at the next push, else a listing tells |
//! | without, to come | a new one, as of a booking |
//! | without, over or cancelled | never was |

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::row::Row;
use crate::appointment::{Status, new_event_id};
use crate::sync::adoption::Presumed;

/// A row as it is written.
pub(super) struct Planned<'a> {
    pub(super) row: &'a Row,
    pub(super) event_id: Cow<'a, str>,
    /// Whether its event should exist.
    pub(super) wanted: bool,
    /// Whether the next push has to do with it.
    pub(super) due: bool,
    /// What the older deployment's event is presumed to show.
    pub(super) presumed: Option<Presumed>,
    /// Whether it stands on top of another appointment.
    pub(super) on_top: bool,
}

impl Planned<'_> {
    pub(super) fn is_adopted(&self) -> bool {
        self.presumed.is_some()
    }

    pub(super) fn is_new_event(&self) -> bool {
        self.wanted && !self.is_adopted()
    }
}

/// Plans rows that are not there yet, of which those on the lines `taken` stand on appointments that are.
pub(super) fn plan<'a>(rows: &[&'a Row], taken: &HashSet<u64>, now: DateTime<Utc>) -> Vec<Planned<'a>> {
    let on_top = on_top(rows, taken);
    let planned = |row: &&'a Row| {
        let to_come = row.facts.ends_at > now;
        let stands = row.status != Status::Cancelled;
        let (event_id, wanted, due) = match &row.event_id {
            Some(event_id) => (Cow::from(event_id), stands, to_come),
            None => (Cow::from(new_event_id()), stands && to_come, stands && to_come),
        };
        Planned {
            row,
            event_id,
            wanted,
            due,
            presumed: row.event_id.as_ref().map(|_| Presumed::of(&row.facts)),
            on_top: on_top.contains(&row.line),
        }
    };
    rows.iter().map(planned).collect()
}

/// The lines of as many rows as have to leave the exclusion constraint for the others to fit into it.
fn on_top(rows: &[&Row], taken: &HashSet<u64>) -> HashSet<u64> {
    let mut scheduled: Vec<_> = rows
        .iter()
        .filter(|row| row.status == Status::Scheduled)
        .collect();
    scheduled.sort_by_key(|row| (row.facts.starts_at, row.line));
    let mut free_from: HashMap<&str, DateTime<Utc>> = HashMap::new();
    let mut on_top = HashSet::new();
    for row in scheduled {
        let free_from = free_from.entry(&row.calendar_id).or_default();
        if taken.contains(&row.line) || row.facts.starts_at < *free_from {
            on_top.insert(row.line);
        } else {
            *free_from = row.facts.ends_at;
        }
    }
    on_top
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::super::row::Key;
    use super::*;
    use crate::sync::adoption::Facts;

    fn now() -> DateTime<Utc> {
        "2026-11-23T08:00:00Z".parse().unwrap()
    }

    /// A row that lasts from one hour to another, counted from now.
    fn row(line: u64, from: i64, until: i64) -> Row {
        Row {
            line,
            id: Uuid::from_u128(line.into()),
            key: Key::Id,
            calendar_id: "clinic@example.com".into(),
            event_id: None,
            facts: Facts {
                title: None,
                reason: None,
                patient_name: "A. Khan".into(),
                patient_phone: None,
                patient_email: None,
                notes: None,
                location: None,
                starts_at: now() + TimeDelta::hours(from),
                ends_at: now() + TimeDelta::hours(until),
                time_zone: "Asia/Karachi".into(),
            },
            status: Status::Scheduled,
            source: "import".into(),
            created_at: None,
        }
    }

    #[test]
    fn each_kind_of_row_has_its_kind_of_event() {
        let (past, future) = ((-2, -1), (1, 2));
        for (times, status, has_event, expected) in [
            (future, Status::Scheduled, true, (true, true)),
            (past, Status::Scheduled, true, (true, false)),
            (past, Status::Completed, true, (true, false)),
            (future, Status::Cancelled, true, (false, true)),
            (past, Status::Cancelled, true, (false, false)),
            (future, Status::Scheduled, false, (true, true)),
            (past, Status::Scheduled, false, (false, false)),
            (past, Status::NoShow, false, (false, false)),
            (future, Status::Cancelled, false, (false, false)),
            // It has begun.
            ((-1, 1), Status::Scheduled, false, (true, true)),
        ] {
            let row = Row {
                status,
                event_id: has_event.then(|| "0h3v6k1q9s".to_owned()),
                ..row(2, times.0, times.1)
            };
            let planned = plan(&[&row], &HashSet::new(), now()).remove(0);
            let case = format!("{times:?} {status:?} {has_event}");
            assert_eq!((planned.wanted, planned.due), expected, "{case}");
            assert_eq!(planned.is_adopted(), has_event, "{case}");
            assert_eq!(planned.event_id == "0h3v6k1q9s", has_event, "{case}");
        }
    }

    #[test]
    fn as_few_as_can_be_stand_on_top_of_others() {
        let cancelled = Row {
            status: Status::Cancelled,
            ..row(6, 1, 9)
        };
        let elsewhere = Row {
            calendar_id: "dr.ali@example.com".into(),
            ..row(7, 1, 9)
        };
        let rows = [
            row(2, 1, 3),
            row(3, 2, 4),
            row(4, 3, 5),
            row(5, 6, 7),
            cancelled,
            elsewhere,
        ];
        let rows: Vec<_> = rows.iter().collect();
        assert_eq!(on_top(&rows, &HashSet::new()), HashSet::from([3]));
        // What stands on something that is there takes no room from the others.
        assert_eq!(on_top(&rows, &HashSet::from([2])), HashSet::from([2, 4]));
    }
}
