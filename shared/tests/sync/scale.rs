//! Ten thousand events: few round trips, and a small function's memory.

use std::collections::HashSet;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use local::postgres::Wire;
use serde_json::{Value, json};
use shared::database::{Database, DatabaseUrl};
use shared::deadline::Deadline;
use shared::google::{ApiUrl, Client, ServiceAccount};
use shared::sync::{Occasion, Patience, Sync};
use tokio::process::Command;

use crate::clinic::{CALENDAR, Clinic, Heard};

const EVENTS: u64 = 10_000;
/// Google's longest page.
const PAGE: u64 = 2_500;
/// The smallest function that AWS has, in kB.
const SMALL_FUNCTION: u64 = 128 * 1024;
/// What a transaction needs besides: its beginning with its time limit, the record of the run, and its commit.
const TO_COMMIT: u64 = 4;

#[tokio::test]
async fn ten_thousand_events_are_pulled_with_few_statements_and_little_memory() {
    let clinic = Clinic::open().await;
    fill(&clinic).await;
    let wire = Wire::before(&clinic.database_url()).await;

    let first = pull_in_a_process(&clinic, &wire).await;
    assert_eq!(first["updated"], 0, "they agree");
    check_costs(&clinic, &wire, &first);

    for event in clinic.live_events() {
        clinic.edit(event["id"].as_str().unwrap(), &json!({"location": "Room 2"}));
    }
    let changed = pull_in_a_process(&clinic, &wire).await;
    assert_eq!(changed["updated"], EVENTS);
    check_costs(&clinic, &wire, &changed);

    let before: HashSet<_> = clinic.everything().await.into_iter().collect();
    let idle = pull_in_a_process(&clinic, &wire).await;
    assert_eq!(clinic.google.count("events.list"), 1);
    assert_eq!(idle["updated"], 0);
    let mut written = clinic.everything().await;
    written.retain(|row| !before.contains(row));
    assert_eq!(written.len(), 1, "the calendar's own record alone: {written:?}");
}

#[tokio::test]
async fn ten_thousand_events_of_peoples_own_cost_no_more() {
    const SERIES: u64 = 100;
    let clinic = Clinic::open().await;
    let person = clinic.google.person();
    for n in 0..EVENTS {
        let start = DateTime::UNIX_EPOCH + TimeDelta::hours(499_680 + i64::try_from(n).unwrap());
        let time = |at: DateTime<Utc>| json!({"dateTime": at, "timeZone": "Asia/Karachi"});
        let mut event = json!({"start": time(start), "end": time(start + TimeDelta::minutes(30))});
        if n < SERIES {
            event["recurrence"] = json!(["RRULE:FREQ=DAILY"]);
        }
        person.add(CALENDAR, &event).unwrap();
    }
    let wire = Wire::before(&clinic.database_url()).await;
    let first = pull_in_a_process(&clinic, &wire).await;
    check_costs(&clinic, &wire, &first);
    let kept = clinic.rows("select count(*) from busy_events").await[0].get::<_, i64>(0);
    assert_eq!(kept, i64::try_from(EVENTS).unwrap());

    // Listed in full again, they cost no write.
    let before: HashSet<_> = clinic.everything().await.into_iter().collect();
    clinic.google.expire_sync_tokens();
    let again = pull_in_a_process(&clinic, &wire).await;
    assert_eq!(again["full"], true);
    let mut written = clinic.everything().await;
    written.retain(|row| !before.contains(row));
    assert_eq!(written.len(), 1, "the calendar's own record alone: {written:?}");
}

fn check_costs(clinic: &Clinic, wire: &Wire, pulled: &Value) {
    assert_eq!(clinic.google.count("events.list") as u64, EVENTS / PAGE);
    let statements = wire.statements();
    let most = 3 * EVENTS / PAGE + TO_COMMIT;
    assert!(statements.len() as u64 <= most, "{statements:#?}");
    // Told where the system tells it.
    if let Some(peak) = pulled["peak_kb"].as_u64() {
        assert!(peak < SMALL_FUNCTION, "{peak} kB");
    }
}

/// As many appointments, and their events as Google has them; sync has seen none of them yet.
async fn fill(clinic: &Clinic) {
    clinic
        .sql(&format!(
            "insert into calendars (id) values ('{CALENDAR}');
             with slots as (
                 select md5(n::text) as id, timestamptz '2027-01-01 00:00Z' + n * interval '1 hour' as start
                 from generate_series(1, {EVENTS}) as n
             ), booked as (
                 insert into appointments (id, calendar_id, patient_name, starts_at, ends_at, time_zone, source,
                     google_calendar_event_id)
                 select id::uuid, '{CALENDAR}', 'A. Khan', start, start + interval '30 minutes', 'Asia/Karachi',
                     'frontend', id
                 from slots
             )
             insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version)
                 select '{CALENDAR}', id, id::uuid, 'present', 1 from slots"
        ))
        .await;
    let read = "select google_calendar_event_id, starts_at, ends_at from appointments";
    let rows = clinic.rows(read).await;
    let person = clinic.google.person();
    for row in rows {
        let (id, start, end): (String, DateTime<Utc>, DateTime<Utc>) = (row.get(0), row.get(1), row.get(2));
        let time = |at: DateTime<Utc>| json!({"dateTime": at, "timeZone": "Asia/Karachi"});
        let event = json!({
            "id": id, "summary": "A. Khan", "start": time(start), "end": time(end),
            "description": "--- Patient (kept by Appointment Sync, write above this line) ---\nName: A. Khan",
        });
        person.add(CALENDAR, &event).unwrap();
    }
}

/// One pull by a process of its own. Answers what it did, and the most memory that it ever had.
async fn pull_in_a_process(clinic: &Clinic, wire: &Wire) -> Value {
    wire.clear_statements();
    clinic.google.clear_requests();
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "scale::a_pull_that_another_test_asks_for",
            "--nocapture",
            "--test-threads=1",
        ])
        .env("PULL_DATABASE_URL", wire.url())
        .env("PULL_GOOGLE_URL", clinic.google.base_url())
        .env("PULL_SERVICE_ACCOUNT", clinic.google.service_account_json())
        .stdout(Stdio::piped())
        .output()
        .await
        .unwrap();
    let output = String::from_utf8(child.stdout).unwrap();
    let told = output.lines().find_map(|line| line.split_once("pulled "));
    let Some((_, pulled)) = told else {
        panic!("{output}\n{}", String::from_utf8_lossy(&child.stderr));
    };
    serde_json::from_str(pulled).unwrap()
}

/// Does nothing by itself: the process of the test above.
#[tokio::test]
#[expect(
    clippy::print_stdout,
    reason = "what it pulled is told to the test that asked"
)]
async fn a_pull_that_another_test_asks_for() {
    let Ok(database) = std::env::var("PULL_DATABASE_URL") else {
        return;
    };
    let variable = |name| std::env::var(name).unwrap();
    let db = Database::new(DatabaseUrl::parse(&database).unwrap());
    let account = ServiceAccount::parse(&variable("PULL_SERVICE_ACCOUNT")).unwrap();
    let google = Client::new(
        ApiUrl::parse(&variable("PULL_GOOGLE_URL")).unwrap(),
        Some(account),
    );
    let sync = Sync {
        db: &db,
        google: &google,
        bus: &Heard::default(),
        clinic_zone: chrono_tz::Asia::Karachi,
    };
    // How long it takes is not the question, and the machine may be busy.
    let ample = Deadline::after(Duration::from_mins(5));
    let pulled = sync
        .pull(CALENDAR, Occasion::Always, Patience::Leave, false, ample)
        .await
        .unwrap();
    let mut told = json!(pulled.unwrap());
    told["peak_kb"] = json!(peak_kb());
    println!("pulled {told}");
}

/// The most memory that this process ever had, where the system tells it.
fn peak_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
