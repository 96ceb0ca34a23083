//! Taking over the appointments of an older deployment from its table, which comes as text.
//!
//! A file is good as a whole or not at all: every fault is named at once, by line and column and never by the value, which
//! may be a patient's. A good one is written in one transaction. What was imported before is there already and stays as it
//! is now, so the same file may come again.
//!
//! - `columns`, `row`, `time`: what a file may say, and how; pure.
//! - `plan`: what becomes of each row, and of its event; pure.
//! - `queries`: the SQL.
//!
//! How sync gets on with an event that it did not make stands in [`sync::adoption`](crate::sync::adoption).

mod columns;
mod plan;
mod queries;
mod row;
mod time;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fmt;

use chrono::{DateTime, Utc};

pub use columns::COLUMNS;
pub use row::Row;

use crate::database::{Database, DatabaseError};
use crate::deadline::Deadline;
use crate::private::private;
use crate::settings::Clinic;
use plan::plan;
use row::{Key, row};

/// Rows that one statement writes, to bound its time.
const CHUNK: usize = 1_000;

/// A line of a file, taken apart. The first one names the columns.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone)]
pub struct Record {
    /// Where it begins, counted from 1.
    pub line: u64,
    /// One for each column; empty where the table has none.
    pub cells: Vec<String>,
}

private!(Record);

/// What is wrong in a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line.
    pub line: u64,
    /// The column, where it is one.
    pub column: Option<String>,
    /// What would be right; never the value itself.
    pub detail: String,
}

impl Fault {
    fn of_line(line: u64, detail: impl Into<String>) -> Self {
        Self {
            line,
            column: None,
            detail: detail.into(),
        }
    }

    fn of(line: u64, column: &str, detail: impl Into<String>) -> Self {
        Self {
            column: Some(column.to_owned()),
            ..Self::of_line(line, detail)
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, {column}: {}", self.line, self.detail),
            None => write!(f, "line {}: {}", self.line, self.detail),
        }
    }
}

/// Whether anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All of it or nothing.
    Write,
    /// Nothing; the counts are those that writing would have.
    DryRun,
}

/// What became of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Appointments that were not there before.
    pub imported: usize,
    /// Of these, those with an event of the older deployment's.
    pub adopted: usize,
    /// Of these, those that get an event of ours.
    pub new_events: usize,
    /// Of these, those that stand on top of another appointment.
    pub conflicts: usize,
    /// Appointments that were there before, and stay as they are.
    pub already_there: usize,
}

/// Reads a file: all its rows, or every fault.
pub fn read(
    header: &Record,
    records: &[Record],
    clinic: &Clinic,
    now: DateTime<Utc>,
) -> Result<Vec<Row>, Vec<Fault>> {
    let columns = columns::columns(header)?;
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for record in records {
        match row(record, &columns, clinic, now) {
            Ok(row) => rows.push(row),
            Err(found) => faults.extend(found),
        }
    }
    faults.extend(doubles(&rows));
    if faults.is_empty() {
        return Ok(rows);
    }
    faults.sort_by_key(|fault| fault.line);
    Err(faults)
}

/// Rows that would be one appointment, or have one event.
fn doubles(rows: &[Row]) -> Vec<Fault> {
    let (mut ids, mut events, mut faults) = (HashMap::new(), HashMap::new(), Vec::new());
    for row in rows {
        if let Some(event_id) = &row.event_id {
            match events.entry((&row.calendar_id, event_id)) {
                Entry::Vacant(free) => {
                    free.insert(row.line);
                }
                Entry::Occupied(taken) => {
                    let detail = format!("is that of line {}, too", taken.get());
                    faults.push(Fault::of(row.line, "google_calendar_event_id", detail));
                }
            }
        }
        match (ids.entry(row.id), row.key) {
            (Entry::Vacant(free), _) => {
                free.insert(row.line);
            }
            (Entry::Occupied(taken), Key::Id) => {
                faults.push(Fault::of(
                    row.line,
                    "id",
                    format!("is that of line {}, too", taken.get()),
                ));
            }
            (Entry::Occupied(taken), Key::Content) => {
                let detail = format!("is line {} again; a column id would tell them apart", taken.get());
                faults.push(Fault::of_line(row.line, detail));
            }
            // Said already.
            (Entry::Occupied(_), Key::Event) => {}
        }
    }
    faults
}

/// Writes what is not there yet, all of it or nothing.
pub async fn import(
    db: &Database,
    deadline: Deadline,
    rows: &[Row],
    now: DateTime<Utc>,
    mode: Mode,
) -> Result<Counts, DatabaseError> {
    db.long_transaction(deadline, async |tx| {
        let calendars: BTreeSet<_> = rows.iter().map(|row| row.calendar_id.as_str()).collect();
        if mode == Mode::Write {
            queries::take_turns(tx, &calendars).await?;
        }
        let known = queries::known(tx, rows).await?;
        let new: Vec<_> = rows.iter().filter(|row| !known.contains(&row.line)).collect();
        let taken = queries::on_taken_slots(tx, &new).await?;
        let planned = plan(&new, &taken, now);
        if mode == Mode::Write {
            for chunk in planned.chunks(CHUNK) {
                queries::write(tx, chunk).await?;
            }
            let adopting = planned.iter().filter(|one| one.is_adopted());
            let adopting: BTreeSet<_> = adopting.map(|one| one.row.calendar_id.as_str()).collect();
            queries::list_anew(tx, &adopting).await?;
        }
        Ok(Counts {
            imported: planned.len(),
            adopted: planned.iter().filter(|one| one.is_adopted()).count(),
            new_events: planned.iter().filter(|one| one.is_new_event()).count(),
            conflicts: planned.iter().filter(|one| one.on_top).count(),
            already_there: known.len(),
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    fn clinic() -> Clinic {
        Clinic {
            calendars: vec!["dr.khan@example.com".into(), "dr.ali@example.com".into()],
            time_zone: Tz::Asia__Karachi,
        }
    }

    fn record(line: u64, cells: &str) -> Record {
        Record {
            line,
            cells: cells.split(',').map(str::to_owned).collect(),
        }
    }

    /// What a file of plain lines says.
    fn file(lines: &[&str]) -> Result<Vec<Row>, Vec<String>> {
        let mut records: Vec<_> = (1..)
            .zip(lines)
            .map(|(line, cells)| record(line, cells))
            .collect();
        let header = records.remove(0);
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        read(&header, &records, &clinic(), now)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_fault_of_every_line_is_named_without_its_value() {
        let faults = file(&[
            "patient_name,starts_at,ends_at,status,calendar_id,google_calendar_event_id,created_at,source",
            ",2026-12-01 09:00:00+05,2026-12-01 09:00:00+05,,,,,",
            "A. Khan,soon,2026-12-01 09:30:00+05,late,nobody@example.com,UPPER,,google_calendar",
            "A. Khan,2026-12-01 09:00:00+05",
            "A. Khan,2026-12-01 09:00:00+05,,,,,2026-12-01 00:00:00+05,",
        ])
        .unwrap_err();
        let places: Vec<_> = faults
            .iter()
            .map(|fault| fault.split_once(": ").unwrap())
            .collect();
        let expected = [
            ("line 2, patient_name", "is required"),
            ("line 2, ends_at", "must be after starts_at"),
            (
                "line 3, google_calendar_event_id",
                "must be 5 to 1024 characters of 0-9 and a-v, as Google makes them",
            ),
            ("line 3, calendar_id", "must be one of GOOGLE_CALENDAR_ID"),
            (
                "line 3, starts_at",
                "must be a time such as 2026-12-01 09:00:00+05 or 2026-12-01T09:00:00+05:00",
            ),
            (
                "line 3, status",
                "must be scheduled, completed, no_show or cancelled",
            ),
            (
                "line 3, source",
                "must not be google_calendar, the history's name for what people do there",
            ),
            ("line 4", "has 2 fields where the first line has 8"),
            (
                "line 5, ends_at",
                "is required where there is no duration_minutes",
            ),
            ("line 5, created_at", "must not lie in the future"),
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn columns_are_told_apart_by_names_that_are_known() {
        for (header, expected) in [
            (
                "patient_name,starts_at,ends_at,colour,A. Khan",
                vec![
                    "colour: is not a known column",
                    "column 5: is not a known column",
                    "the known columns are id,",
                ],
            ),
            (
                "patient_name,starts_at,starts_at,ends_at",
                vec!["starts_at: stands twice"],
            ),
            (
                "starts_at",
                vec!["lacks patient_name", "lacks ends_at or duration_minutes"],
            ),
            // No header at all: its first patient stays unnamed.
            (
                "A. Khan,2026-12-01 09:00:00+05",
                vec!["names no known column; the known ones are id,"],
            ),
        ] {
            let faults = file(&[header]).unwrap_err();
            assert_eq!(faults.len(), expected.len(), "{faults:?}");
            for (fault, expected) in faults.iter().zip(expected) {
                assert!(fault.starts_with("line 1") && fault.contains(expected), "{fault}");
                assert!(!fault.contains("Khan"), "{fault}");
            }
        }
    }

    #[test]
    fn two_rows_of_one_id_or_one_event_are_a_fault() {
        let faults = file(&[
            "id,google_calendar_event_id,patient_name,starts_at,duration_minutes",
            "17,0h3v6k1q9s,A. Khan,2026-12-01 09:00:00+05,30",
            "18,0h3v6k1q9s,A. Khan,2026-12-01 10:00:00+05,30",
            "17,,A. Khan,2026-12-01 11:00:00+05,30",
        ])
        .unwrap_err();
        assert_eq!(
            faults,
            [
                "line 3, google_calendar_event_id: is that of line 2, too",
                "line 4, id: is that of line 2, too"
            ]
        );
        let faults = file(&[
            "google_calendar_event_id,calendar_id,patient_name,starts_at,duration_minutes",
            "0h3v6k1q9s,,A. Khan,2026-12-01 09:00:00+05,30",
            "0h3v6k1q9s,,A. Khan,2026-12-01 10:00:00+05,30",
            // Another calendar's event.
            "0h3v6k1q9s,dr.ali@example.com,A. Khan,2026-12-01 10:00:00+05,30",
            ",,A. Khan,2026-12-01 10:00:00+05,30",
            ",,A. Khan,2026-12-01 10:00:00+05,30",
        ])
        .unwrap_err();
        assert_eq!(
            faults,
            [
                "line 3, google_calendar_event_id: is that of line 2, too",
                "line 6: is line 5 again; a column id would tell them apart"
            ]
        );
    }
}
