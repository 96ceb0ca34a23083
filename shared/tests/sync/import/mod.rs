//! Moving from the older deployment: the `import` binary as `make import` runs it, and the syncs that follow.

mod adopting;
mod breaks;
mod calling;
mod file;
mod kinds;

use std::collections::BTreeSet;
use std::process::Output;

use serde_json::{Value, json};
use shared::appointment::Appointment;
use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

use crate::clinic::{CALENDAR, Clinic};

/// A file, for as long as its folder is there.
pub(crate) struct File {
    folder: TempDir,
}

impl File {
    /// A file as psql writes it, with a row for each of these.
    fn of(rows: &[Value]) -> Self {
        let rows: Vec<_> = rows.iter().map(|row| row.as_object().unwrap()).collect();
        let columns: BTreeSet<_> = rows.iter().flat_map(|row| row.keys()).collect();
        let mut lines = vec![columns.iter().map(|column| (*column).clone()).collect::<Vec<_>>()];
        for row in rows {
            let cell = |column: &String| match row.get(column) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => format!("\"{}\"", text.replace('"', "\"\"")),
                Some(other) => other.to_string(),
            };
            lines.push(columns.iter().map(|column| cell(column)).collect());
        }
        let lines: Vec<_> = lines.iter().map(|cells| cells.join(",") + "\n").collect();
        Self::saying(&lines.concat())
    }

    fn saying(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("appointments.csv"), text).unwrap();
        Self { folder }
    }
}

/// The binary, to be run over a file.
pub(crate) fn command(database_url: &str, file: &File) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_import"));
    command
        .arg(file.folder.path().join("appointments.csv"))
        .env("DATABASE_URL", database_url)
        .env("GOOGLE_CALENDAR_ID", CALENDAR)
        .env_remove("CLINIC_TIME_ZONE")
        .kill_on_drop(true);
    command
}

/// What a run told, in counts by their first words.
fn counts(output: &Output) -> Value {
    let told = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{}", complaint(output));
    let count = |words: &str| {
        let line = told.lines().find(|line| line.trim().starts_with(words)).unwrap();
        line.rsplit_once(": ").unwrap().1.parse::<u64>().unwrap()
    };
    json!({
        "imported": count("imported"), "adopted": count("adopted"), "new": count("with a new"),
        "conflicts": count("on top"), "known": count("already there"),
    })
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

impl Clinic {
    pub(crate) async fn run_import(&self, file: &File) -> Output {
        command(&self.database_url(), file).output().await.unwrap()
    }

    /// Imports rows, all of which are new; answers the appointments in their order.
    async fn import(&self, rows: &[Value]) -> Vec<Appointment> {
        let counts = counts(&self.run_import(&File::of(rows)).await);
        assert_eq!(counts["imported"], rows.len(), "{counts}");
        let mut appointments = Vec::new();
        for row in rows {
            let id = row["id"].as_str().unwrap().parse().unwrap();
            appointments.push(self.read(id).await);
        }
        appointments
    }

    /// An event as the older deployment made it; answers its id.
    fn old_event(&self, event: &Value) -> String {
        let event = self.google.person().add(CALENDAR, event).unwrap();
        event["id"].as_str().unwrap().to_owned()
    }
}

/// A row of the older table: half an hour from nine on 1 March 2035 in Karachi.
fn row(more: &Value) -> Value {
    let mut row = json!({
        "id": Uuid::new_v4(), "patient_name": "A. Khan", "patient_phone": "+923001234567", "reason": "Check-up",
        "starts_at": "2035-03-01 09:00:00+05", "duration_minutes": 30,
    });
    row.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    row
}

/// The event that the older deployment made of that row.
fn event(more: &Value) -> Value {
    let mut event = json!({
        "summary": "Appointment: A. Khan",
        "description": "Patient: A. Khan\nPhone: +923001234567\nReason: Check-up",
        "start": {"dateTime": "2035-03-01T09:00:00+05:00", "timeZone": "Asia/Karachi"},
        "end": {"dateTime": "2035-03-01T09:30:00+05:00", "timeZone": "Asia/Karachi"},
    });
    event
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    event
}

/// A clinic with one imported appointment and the event that the older deployment made of it, as sync finds both.
async fn with_one(more: &Value) -> (Clinic, Appointment) {
    let clinic = Clinic::open().await;
    let event_id = clinic.old_event(&event(&json!({})));
    let mut row = row(more);
    row["google_calendar_event_id"] = json!(event_id);
    let appointment = clinic.import(&[row]).await.remove(0);
    assert_eq!(appointment.google_calendar_event_id, event_id);
    (clinic, appointment)
}

/// A first run in either order: writing first, as the 5-minute run does, or listing first.
async fn first_sync(clinic: &Clinic, pull_first: bool) {
    if pull_first {
        clinic.pull().await.unwrap();
    }
    clinic.tick().await;
}
