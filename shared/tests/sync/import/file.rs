//! Files that are not imported, and runs that are not meant to.

use local::postgres::TestDatabase;
use serde_json::json;

use super::{File, command, complaint, counts, event, row};
use crate::clinic::Clinic;

#[tokio::test]
async fn one_fault_and_nothing_is_written() {
    let clinic = Clinic::open().await;
    let before = clinic.everything().await;
    let rows = [
        row(&json!({"id": 1})),
        row(&json!({"id": 2, "notes": "two\nlines", "starts_at": "2035-03-01 10:00:00+05"})),
        row(&json!({"id": 3, "starts_at": "tomorrow", "patient_phone": "call his wife"})),
        row(&json!({"id": 1, "status": "rescheduled", "starts_at": "2035-03-01 11:00:00+05"})),
        row(&json!({"id": 1, "starts_at": "2035-03-01 12:00:00+05"})),
    ];
    let output = clinic.run_import(&File::of(&rows)).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let expected = "\
import: line 5, patient_phone: must be a phone number, such as +923001234567
import: line 5, starts_at: must be a time such as 2026-12-01 09:00:00+05 or 2026-12-01T09:00:00+05:00
import: line 6, status: must be scheduled, completed, no_show or cancelled
import: line 7, id: is that of line 2, too
import: nothing was imported
";
    assert_eq!(complaint(&output), expected);
    clinic.check_unchanged(&before, "a fault").await;
}

#[tokio::test]
async fn a_dry_run_counts_and_writes_nothing() {
    let clinic = Clinic::open().await;
    let event_id = clinic.old_event(&event(&json!({})));
    let old = row(&json!({"google_calendar_event_id": event_id}));
    clinic
        .import(&[row(&json!({"starts_at": "2035-03-01 08:00:00+05"}))])
        .await;
    clinic.tick().await;
    let before = clinic.everything().await;
    let rows = [
        old.clone(),
        row(&json!({})),
        row(&json!({"starts_at": "2035-03-01 08:10:00+05"})),
    ];
    let file = File::of(&rows);
    let dry = command(&clinic.database_url(), &file)
        .arg("--dry-run")
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(dry.stdout.clone()).unwrap();
    assert!(
        told.starts_with("dry run: nothing is written\ntimes without an offset are read in Asia/Karachi\n")
    );
    clinic.check_unchanged(&before, "a dry run").await;
    let counted = counts(&dry);
    assert_eq!(
        counted,
        json!({"imported": 3, "adopted": 1, "new": 2, "conflicts": 2, "known": 0})
    );
    // It said what comes of it.
    assert_eq!(counts(&clinic.run_import(&file).await), counted);
    let again = command(&clinic.database_url(), &file)
        .arg("--dry-run")
        .output()
        .await
        .unwrap();
    assert_eq!(counts(&again)["known"], 3);
}

#[tokio::test]
async fn what_it_cannot_start_with_is_one_line() {
    let clinic = Clinic::open().await;
    let file = File::of(&[row(&json!({}))]);
    let run = async |change: fn(&mut tokio::process::Command)| {
        let mut command = command(&clinic.database_url(), &file);
        change(&mut command);
        let output = command.output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        let complaint = complaint(&output);
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        complaint
    };
    let no_database = run(|command| {
        command.env_remove("DATABASE_URL");
    });
    assert!(no_database.await.contains("DATABASE_URL is not set"));
    let no_calendar = run(|command| {
        command.env_remove("GOOGLE_CALENDAR_ID");
    });
    assert!(no_calendar.await.contains("GOOGLE_CALENDAR_ID is not set"));
    let no_zone = run(|command| {
        command.env("CLINIC_TIME_ZONE", "Mars/Olympus");
    });
    assert!(no_zone.await.contains("CLINIC_TIME_ZONE should be"));
    let two_files = run(|command| {
        command.arg("another.csv");
    });
    assert!(two_files.await.contains("import FILE [--dry-run]"));

    let empty = TestDatabase::empty().await;
    let output = command(&empty.url(), &file).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        complaint(&output).contains("make migrate"),
        "{}",
        complaint(&output)
    );
}
