//! What the columns of a file may be called, and which must be there; pure.

use super::{Fault, Record};

/// Every column that a file may have.
pub const COLUMNS: [&str; 16] = [
    "id",
    "google_calendar_event_id",
    "calendar_id",
    "patient_name",
    "patient_phone",
    "patient_email",
    "title",
    "reason",
    "notes",
    "location",
    "starts_at",
    "ends_at",
    "duration_minutes",
    "status",
    "source",
    "created_at",
];

/// Of each of these, one must be there.
const REQUIRED: [&[&str]; 3] = [
    &["patient_name"],
    &["starts_at"],
    &["ends_at", "duration_minutes"],
];

/// The columns as the first line of a file names them.
pub(super) fn columns(header: &Record) -> Result<Vec<&'static str>, Vec<Fault>> {
    let known = |name: &String| COLUMNS.into_iter().find(|column| *column == name.trim());
    let all = COLUMNS.join(", ");
    if !header.cells.iter().any(|name| known(name).is_some()) {
        let detail = format!("names no known column; the known ones are {all}");
        return Err(vec![Fault::of_line(header.line, detail)]);
    }
    let (mut columns, mut faults) = (Vec::new(), Vec::new());
    let mut is_unknown = false;
    for (index, name) in header.cells.iter().enumerate() {
        match known(name) {
            Some(column) if columns.contains(&column) => {
                faults.push(Fault::of(header.line, column, "stands twice"));
            }
            Some(column) => columns.push(column),
            None => {
                is_unknown = true;
                let shown = shown(index, name);
                faults.push(Fault::of(header.line, &shown, "is not a known column"));
            }
        }
    }
    if is_unknown {
        faults.push(Fault::of_line(
            header.line,
            format!("the known columns are {all}"),
        ));
    }
    for either in REQUIRED {
        if !either.iter().any(|column| columns.contains(column)) {
            faults.push(Fault::of_line(
                header.line,
                format!("lacks {}", either.join(" or ")),
            ));
        }
    }
    if faults.is_empty() {
        Ok(columns)
    } else {
        Err(faults)
    }
}

/// A column that is not known, by its name if that is one: it may be a patient's where the first line is missing.
fn shown(index: usize, name: &str) -> String {
    let is_name = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if is_name && (1..=63).contains(&name.len()) {
        name.to_owned()
    } else {
        format!("column {}", index + 1)
    }
}
