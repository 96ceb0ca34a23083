//! Runs that find nothing to do: what they cost, and that they leave nothing out, wherever they are killed or frozen.

use std::pin::pin;

use shared::sync::{Occasion, Patience};

use crate::clinic::{CALENDAR, Clinic, soon};
use crate::process::{Point, Process};

const LEASE: &str = "insert into calendars as c";
const RECORD: &str = "last_sync_at = clock_timestamp()";

#[tokio::test]
async fn a_pull_that_is_told_nothing_costs_one_call_and_two_round_trips() {
    let (clinic, _) = Clinic::with_one().await;
    let process = Process::start(&clinic).await;
    for notified in [false, true] {
        if notified {
            clinic
                .sql("update calendars set change_seq = change_seq + 1")
                .await;
        }
        let before = record(&clinic).await;
        clinic.google.clear_requests();
        // Its connection is open from then on.
        process.round_trips();
        let occasion = if notified {
            Occasion::Notified
        } else {
            Occasion::Always
        };
        let pulled = process
            .sync()
            .pull(CALENDAR, occasion, Patience::Leave, false, soon())
            .await;
        let pulled = pulled.unwrap().unwrap();
        assert!(!pulled.full && !pulled.leaves_due, "{pulled:?}");
        let statements = process.round_trips();
        // One that comes within a second of the pull before waits, and looks again.
        let most = if notified { 3 } else { 2 };
        assert!(statements.len() <= most, "{statements:#?}");
        assert_eq!(clinic.google.requests().len(), 1);
        let after = record(&clinic).await;
        assert!(after.0 > before.0, "it is recorded");
        assert!(!after.1, "the lease is given back");
    }
}

#[tokio::test]
async fn whether_anything_is_due_is_not_looked_up_in_the_whole_table() {
    const SYNCED: &str = "with numbers as (select n, gen_random_uuid() as id from generate_series(1, 20000) n),
        booked as (
            insert into appointments (id, calendar_id, patient_name, starts_at, ends_at, time_zone, source,
                google_calendar_event_id)
            select id, 'clinic@example.com', 'A. Khan', now() + n * interval '1 hour',
                now() + n * interval '1 hour' + interval '30 min', 'Asia/Karachi', 'frontend', n
            from numbers)
        insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version, pushed_version, seen,
            etag, seen_at)
        select 'clinic@example.com', n, id, 'present', 1, 1, 'live', '\"1\"', now() from numbers;
        analyze";
    let clinic = Clinic::open().await;
    // A listing in full would take events that Google does not have for deleted ones.
    clinic.pull().await.unwrap();
    clinic.sql(SYNCED).await;
    let process = Process::start(&clinic).await;
    let before = sessions(&clinic).await;
    process.pull().await.unwrap();
    assert_eq!(sessions(&clinic).await, before + 1);
    // A session tells what it read when it ends.
    drop(process);
    let patience = soon();
    while sessions(&clinic).await > before {
        assert!(!patience.remaining().is_zero(), "its session does not end");
    }
    let scanned = "select seq_tup_read from pg_stat_user_tables where relname = 'calendar_events'";
    let scanned: i64 = clinic.rows(scanned).await[0].get(0);
    // The foreign keys of what was made were checked, and the table analysed, by others; neither counts as a scan of it.
    assert!(scanned < 20_000, "{scanned} rows were read");
}

async fn sessions(clinic: &Clinic) -> i64 {
    let count = "select count(*) from pg_stat_activity where datname = current_database()";
    clinic.rows(count).await[0].get(0)
}

#[tokio::test]
async fn a_push_that_finds_nothing_costs_one_round_trip_and_tells_what_waits() {
    let (clinic, _) = Clinic::with_one().await;
    let process = Process::start(&clinic).await;
    process.push().await.unwrap();
    process.round_trips();
    assert_eq!(process.push().await.unwrap().pending, 0);
    assert_eq!(process.round_trips().len(), 1);

    clinic.book("2027-03-01T10:00:00+05:00").await;
    clinic
        .sql("update calendar_events set next_attempt_at = now() + interval '1 hour'")
        .await;
    assert_eq!(process.push().await.unwrap().pending, 1);
    assert_eq!(process.round_trips().len(), 1);
}

#[tokio::test]
async fn a_pull_tells_whether_something_is_due_to_be_written() {
    let (clinic, _) = Clinic::with_one().await;
    assert!(!clinic.pull().await.unwrap().leaves_due);
    clinic.book("2027-03-01T10:00:00+05:00").await;
    assert!(clinic.pull().await.unwrap().leaves_due);
    let later = "update calendar_events set next_attempt_at = now() + interval '1 hour'";
    clinic.sql(later).await;
    assert!(!clinic.pull().await.unwrap().leaves_due, "not yet");
    clinic
        .sql("update calendar_events set next_attempt_at = now(), parked = true")
        .await;
    assert!(!clinic.pull().await.unwrap().leaves_due, "parked");
    let claimed = "update calendar_events set parked = false, claim = gen_random_uuid(),
        claimed_until = now() + interval '1 minute'";
    clinic.sql(claimed).await;
    assert!(!clinic.pull().await.unwrap().leaves_due, "another run writes it");
    clinic.let_claims_and_leases_lapse().await;
    assert!(clinic.pull().await.unwrap().leaves_due);
}

#[tokio::test]
async fn killed_before_or_after_its_record_no_change_is_skipped() {
    for point in [Point::after(LEASE), Point::before(RECORD), Point::after(RECORD)] {
        let (clinic, appointment) = Clinic::with_one().await;
        let process = Process::start(&clinic).await;
        process.kill(point, process.pull()).await;
        let id = &appointment.google_calendar_event_id;
        clinic.edit(id, &serde_json::json!({"location": "Room 2"}));
        clinic.let_claims_and_leases_lapse().await;
        clinic.pull().await.unwrap();
        let location = clinic.read(appointment.id).await.location;
        assert_eq!(location.as_deref(), Some("Room 2"));
        clinic.check_at_rest().await;
    }
}

#[tokio::test]
async fn frozen_past_its_lease_it_records_nothing() {
    let (clinic, appointment) = Clinic::with_one().await;
    let process = Process::start(&clinic).await;
    let mut run = pin!(process.pull());
    process.freeze(Point::before(RECORD), run.as_mut()).await;
    clinic.let_claims_and_leases_lapse().await;
    let id = &appointment.google_calendar_event_id;
    clinic.edit(id, &serde_json::json!({"location": "Room 2"}));
    clinic.tick().await;
    let done = clinic.everything().await;
    process.wake();
    let woken = run.await;
    assert!(woken.is_err(), "{woken:?}");
    clinic.check_unchanged(&done, "frozen before its record").await;
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn what_is_notified_meanwhile_is_pulled_too() {
    let (clinic, appointment) = Clinic::with_one().await;
    let process = Process::start(&clinic).await;
    let mut run = pin!(process.pull());
    process.freeze(Point::before(RECORD), run.as_mut()).await;
    let id = &appointment.google_calendar_event_id;
    clinic.edit(id, &serde_json::json!({"location": "Room 2"}));
    clinic
        .sql("update calendars set change_seq = change_seq + 1")
        .await;
    process.wake();
    assert_eq!(run.await.unwrap().unwrap().updated, 1);
    clinic.check_agreement(appointment.id).await;
    clinic.check_at_rest().await;
}

/// When the calendar was last pulled, and whether somebody has it.
async fn record(clinic: &Clinic) -> (chrono::DateTime<chrono::Utc>, bool) {
    let rows = clinic
        .rows("select last_sync_at, lease_owner is not null from calendars")
        .await;
    (rows[0].get(0), rows[0].get(1))
}
