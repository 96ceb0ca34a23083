//! Each kind of row, and what comes of it on either side.

use serde_json::{Value, json};
use shared::appointment::{Status, SyncState};

use super::{File, counts, event, row};
use crate::clinic::{CALENDAR, Clinic, at};

/// The start of an event, or of a row, in an hour of 1 March.
fn hour(year: u32, hour: u32) -> String {
    format!("{year}-03-01T{hour:02}:00:00+05:00")
}

fn event_at(year: u32, from: u32) -> Value {
    event(&json!({"start": {"dateTime": hour(year, from)}, "end": {"dateTime": hour(year, from + 1)}}))
}

fn row_at(year: u32, from: u32, more: &Value) -> Value {
    let mut row = row(more);
    row["starts_at"] = json!(hour(year, from));
    row["duration_minutes"] = json!(60);
    row
}

#[tokio::test]
async fn every_row_has_one_event_or_none_and_a_second_import_changes_nothing() {
    let clinic = Clinic::open().await;
    let had = |year, from| json!({"google_calendar_event_id": clinic.old_event(&event_at(year, from))});
    let with = |mut more: Value, status: &str| {
        more["status"] = json!(status);
        more
    };
    let rows = [
        row_at(2035, 9, &had(2035, 9)),
        row_at(2035, 10, &json!({})),
        row_at(2035, 11, &with(had(2035, 11), "cancelled")),
        row_at(2035, 12, &json!({"status": "canceled"})),
        row_at(2020, 9, &had(2020, 9)),
        row_at(2020, 10, &with(had(2020, 10), "completed")),
        row_at(2020, 11, &json!({})),
        row_at(2020, 12, &json!({"status": "no_show"})),
        row_at(2020, 13, &with(had(2020, 13), "cancelled")),
        // Without a key of its own.
        row_at(
            2035,
            14,
            &json!({"id": null, "google_calendar_event_id": clinic.old_event(&event_at(2035, 14))}),
        ),
        row_at(2035, 15, &json!({"id": null})),
    ];
    let own = clinic.old_event(&json!({
        "summary": "Lunch", "start": {"dateTime": hour(2035, 16)}, "end": {"dateTime": hour(2035, 17)}
    }));
    let file = File::of(&rows);
    let counted = counts(&clinic.run_import(&file).await);
    let expected = json!({"imported": 11, "adopted": 6, "new": 2, "conflicts": 0, "known": 0});
    assert_eq!(counted, expected);
    clinic.tick().await;
    clinic.check_at_rest().await;

    // (whether it has an event, its status)
    let outcomes = [
        (true, Status::Scheduled),
        (true, Status::Scheduled),
        (false, Status::Cancelled),
        (false, Status::Cancelled),
        (true, Status::Scheduled),
        (true, Status::Completed),
        (false, Status::Scheduled),
        (false, Status::NoShow),
        (false, Status::Cancelled),
        (true, Status::Scheduled),
        (true, Status::Scheduled),
    ];
    let stored = clinic.rows("select id, starts_at from appointments").await;
    assert_eq!(stored.len(), rows.len());
    for (row, (has_event, status)) in rows.iter().zip(outcomes) {
        let starts_at = at(row["starts_at"].as_str().unwrap());
        let stored = stored
            .iter()
            .find(|stored| stored.get::<_, chrono::DateTime<chrono::Utc>>(1) == starts_at);
        let appointment = clinic.read(stored.unwrap().get(0)).await;
        assert_eq!(
            (appointment.status, appointment.sync_state),
            (status, SyncState::Synced),
            "{row}"
        );
        let old = row["google_calendar_event_id"].as_str();
        if let Some(old) = old {
            assert_eq!(appointment.google_calendar_event_id, old, "{row}");
        }
        let shown = clinic.live_events().into_iter();
        let shown: Vec<_> = shown
            .filter(|event| event["id"] == appointment.google_calendar_event_id)
            .collect();
        assert_eq!(shown.len(), usize::from(has_event), "{row}");
        if has_event {
            clinic.check_agreement(appointment.id).await;
            // As people know it, if they do.
            let title = if old.is_some() {
                "Appointment: A. Khan"
            } else {
                "Check-up: A. Khan"
            };
            assert_eq!(appointment.title, title, "{row}");
            assert_eq!(appointment.notes, None, "{row}");
        }
    }
    // One each, and a person's own, which is as it was.
    assert_eq!(clinic.live_events().len(), 7);
    assert_eq!(clinic.event(&own)["last_changed_by"], "person");

    let before = clinic.everything().await;
    let counted = counts(&clinic.run_import(&file).await);
    assert_eq!(
        counted,
        json!({"imported": 0, "adopted": 0, "new": 0, "conflicts": 0, "known": 11})
    );
    clinic.check_unchanged(&before, "imported again").await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn what_was_changed_since_stays_when_the_file_comes_again() {
    let clinic = Clinic::open().await;
    let event_id = clinic.old_event(&event(&json!({})));
    let adopted = row(&json!({"google_calendar_event_id": event_id}));
    let fresh = row(&json!({"starts_at": "2035-03-01 10:00:00+05"}));
    let appointments = clinic.import(&[adopted.clone(), fresh.clone()]).await;
    clinic.tick().await;
    clinic
        .reschedule(appointments[0].id, "2035-03-02T09:00:00+05:00")
        .await;
    clinic.delete(&appointments[1].google_calendar_event_id);
    clinic.tick().await;

    let before = clinic.everything().await;
    let counted = counts(&clinic.run_import(&File::of(&[adopted.clone(), fresh])).await);
    assert_eq!((&counted["imported"], &counted["known"]), (&json!(0), &json!(2)));
    // Known by its event, whatever the row is called.
    let mut renamed = adopted;
    renamed["id"] = json!("17");
    let counted = counts(&clinic.run_import(&File::of(&[renamed])).await);
    assert_eq!((&counted["imported"], &counted["known"]), (&json!(0), &json!(1)));
    clinic.check_unchanged(&before, "imported again").await;
    clinic.check_callers_go_on(appointments[0].id).await;
}

#[tokio::test]
async fn the_record_says_what_the_table_said() {
    let clinic = Clinic::open().await;
    let told = row(&json!({
        "patient_email": "a.khan@example.com", "title": "Root canal", "notes": "first line\nsecond \"line\"",
        "location": "Room 2", "source": "voice_agent", "created_at": "2026-01-05 10:00:00", "status": "confirmed",
        "starts_at": "2035-03-01 09:00:00", "duration_minutes": null, "ends_at": "2035-03-01 09:45:00+05",
    }));
    let bare = row(
        &json!({"starts_at": "2035-03-01 10:00:00+05", "ends_at": "2035-03-01 10:30:00+05", "duration_minutes": null}),
    );
    let [told, bare] = clinic.import(&[told, bare]).await.try_into().ok().unwrap();
    assert_eq!(told.patient_email.as_deref(), Some("a.khan@example.com"));
    assert_eq!(
        (told.title.as_str(), told.reason.as_deref()),
        ("Root canal", Some("Check-up"))
    );
    assert_eq!(told.notes.as_deref(), Some("first line\nsecond \"line\""));
    assert_eq!(told.location.as_deref(), Some("Room 2"));
    // What has no offset is on the clinic's clock.
    assert_eq!(told.starts_at, at("2035-03-01T09:00:00+05:00"));
    assert_eq!(told.ends_at, at("2035-03-01T09:45:00+05:00"));
    assert_eq!(told.created_at, at("2026-01-05T10:00:00+05:00"));
    assert_eq!(
        (told.source.as_str(), bare.source.as_str()),
        ("voice_agent", "import")
    );
    assert_eq!((told.version, told.sync_state), (1, SyncState::Pending));
    for (appointment, by) in [(&told, "voice_agent"), (&bare, "import")] {
        let history = clinic.history(appointment.id).await;
        assert_eq!(history, [(by.to_owned(), "created".to_owned())]);
        let created = clinic.last_change(appointment.id).await;
        assert_eq!(created["starts_at"]["from"], Value::Null);
        assert_eq!(created["title"]["to"], appointment.title);
    }
    clinic.tick().await;
    clinic.check_agreement(told.id).await;
    clinic.check_callers_go_on(bare.id).await;
}

#[tokio::test]
async fn rows_on_top_of_others_are_kept_and_counted() {
    let clinic = Clinic::open().await;
    let booked = clinic.book("2035-03-01T12:00:00+05:00").await;
    let at = |starts_at: &str| row(&json!({"starts_at": starts_at}));
    let rows = [
        at("2035-03-01 09:00:00+05"),
        at("2035-03-01 09:15:00+05"),
        // Right after the first one.
        at("2035-03-01 09:30:00+05"),
        at("2035-03-01 12:15:00+05"),
        row(&json!({"starts_at": "2035-03-01 12:00:00+05", "status": "cancelled"})),
    ];
    let counted = counts(&clinic.run_import(&File::of(&rows)).await);
    assert_eq!(
        (&counted["imported"], &counted["conflicts"]),
        (&json!(5), &json!(2))
    );
    assert_eq!(clinic.status().await.conflicts, 2);
    clinic.tick().await;
    assert_eq!(clinic.status().await.conflicts, 2);
    assert_eq!(clinic.live_events().len(), 5);
    // Each slot is closed to callers.
    for taken in ["2035-03-01T09:20:00+05:00", "2035-03-01T12:40:00+05:00"] {
        let refused = clinic.try_book(taken, json!({})).await;
        assert!(
            matches!(refused, shared::appointment::queries::Booked::SlotTaken),
            "{refused:?}"
        );
    }
    clinic.check_callers_go_on(booked.id).await;
}

#[tokio::test]
async fn events_that_sync_took_for_peoples_own_keep_nobody_busy_any_more() {
    let clinic = Clinic::open().await;
    // Within what is laid out of people's own events.
    let (start, end) = ("2027-03-01T09:00:00+05:00", "2027-03-01T09:30:00+05:00");
    let event_id = clinic.old_event(&event(
        &json!({"start": {"dateTime": start}, "end": {"dateTime": end}}),
    ));
    clinic.tick().await;
    let busy = "select count(*) from busy_events";
    assert_eq!(clinic.rows(busy).await[0].get::<_, i64>(0), 1);
    // The next listing would only tell what changed.
    clinic
        .import(&[row(
            &json!({"starts_at": start, "google_calendar_event_id": event_id}),
        )])
        .await;
    assert!(clinic.pull().await.unwrap().full);
    assert_eq!(clinic.rows(busy).await[0].get::<_, i64>(0), 0);
    clinic.tick().await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn rows_of_several_calendars_go_to_theirs() {
    const OTHER: &str = "dr.ali@example.com";
    let clinic = Clinic::open().await;
    let rows = [row(&json!({})), row(&json!({"calendar_id": OTHER}))];
    let file = File::of(&rows);
    let output = super::command(&clinic.database_url(), &file)
        .env("GOOGLE_CALENDAR_ID", format!("{CALENDAR},{OTHER}"))
        .output();
    // At the same time, which is no conflict.
    let counted = counts(&output.await.unwrap());
    assert_eq!(
        (&counted["imported"], &counted["conflicts"]),
        (&json!(2), &json!(0))
    );
    for (row, calendar) in rows.iter().zip([CALENDAR, OTHER]) {
        let id = row["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(clinic.read(id).await.calendar_id, calendar);
    }
}

#[tokio::test]
async fn thousands_of_rows_are_one_import() {
    let clinic = Clinic::open().await;
    let start = at("2035-01-01T00:00:00Z");
    let rows: Vec<_> = (0..2_500)
        .map(|n| row(&json!({"id": n, "starts_at": start + chrono::TimeDelta::hours(n)})))
        .collect();
    let file = File::of(&rows);
    let counted = counts(&clinic.run_import(&file).await);
    assert_eq!(
        counted,
        json!({"imported": 2500, "adopted": 0, "new": 2500, "conflicts": 0, "known": 0})
    );
    assert_eq!(counts(&clinic.run_import(&file).await)["known"], 2500);
}
