//! An import that dies, whose connection breaks, or that meets a pull.

use local::postgres::{Wire, WireFault};
use serde_json::json;
use shared::sync::SyncError;

use super::{File, command, counts, event, row};
use crate::clinic::Clinic;
use crate::process::{Point, Process};

/// More rows than one statement writes.
fn many() -> File {
    let rows: Vec<_> = (0..1_200)
        .map(|n| row(&json!({"id": n, "starts_at": format!("{}-03-01 09:00:00+05", 1980 + n % 100), "status": "completed"})))
        .collect();
    File::of(&rows)
}

#[tokio::test]
async fn one_that_is_killed_imports_nothing() {
    for fault in [
        WireFault::on("insert into appointments"),
        WireFault::on("insert into appointments").after(),
        WireFault::on("set sync_token = null"),
        WireFault::on("COMMIT"),
    ] {
        let clinic = Clinic::open().await;
        let before = clinic.everything().await;
        let wire = Wire::before(&clinic.database_url()).await;
        let case = format!("{fault:?}");
        wire.fail(fault.hang());
        let file = many();
        let mut import = command(wire.url(), &file).spawn().unwrap();
        wire.reached().await;
        import.kill().await.unwrap();
        wire.cut().await;
        clinic.check_unchanged(&before, &case).await;
        // Nothing of it is in the way of the next one.
        let counted = counts(&clinic.run_import(&file).await);
        assert_eq!(
            (&counted["imported"], &counted["known"]),
            (&json!(1200), &json!(0)),
            "{case}"
        );
    }
}

#[tokio::test]
async fn one_whose_connection_breaks_imports_all_the_same_and_once() {
    for (fault, imported) in [
        (WireFault::on("insert into appointments"), 1200),
        (WireFault::on("COMMIT"), 1200),
        // It was written, which only the tables could tell.
        (WireFault::on("COMMIT").after(), 0),
    ] {
        let clinic = Clinic::open().await;
        let wire = Wire::before(&clinic.database_url()).await;
        wire.fail(fault);
        let file = many();
        let output = command(wire.url(), &file).output().await.unwrap();
        wire.reached().await;
        let counted = counts(&output);
        assert_eq!(
            (&counted["imported"], &counted["known"]),
            (&json!(imported), &json!(1200 - imported))
        );
        let written = clinic.rows("select count(*) from appointments").await;
        assert_eq!(written[0].get::<_, i64>(0), 1200);
    }
}

#[tokio::test]
async fn a_pull_that_listed_before_it_commits_nothing() {
    let clinic = Clinic::open().await;
    let event_id = clinic.old_event(&event(&json!({})));
    let process = Process::start(&clinic).await;
    let pull = process.frozen_pull(Point::after_call("events.list")).await;
    let appointment = clinic
        .import(&[row(&json!({"google_calendar_event_id": event_id}))])
        .await
        .remove(0);
    process.wake();
    assert!(matches!(pull.await, Err(SyncError::OutOfTime)));
    assert!(clinic.pull().await.unwrap().full);
    clinic.tick().await;
    clinic.check_agreement(appointment.id).await;
    clinic.check_callers_go_on(appointment.id).await;
}
