//! The connection to the database breaks at a round trip of a run, and the process goes on over a new one.

use local::postgres::WireFault;
use serde_json::json;
use shared::appointment::{Appointment, Status};
use shared::sync::SyncError;

use crate::clinic::{Clinic, changed};
use crate::process::Process;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Run {
    Push,
    Pull,
}

#[tokio::test]
async fn a_push_goes_on_whichever_of_its_statements_is_lost() {
    break_each(Run::Push, WireFault::on).await;
}

#[tokio::test]
async fn a_push_goes_on_whichever_of_its_answers_is_lost() {
    break_each(Run::Push, |statement| WireFault::on(statement).after()).await;
}

#[tokio::test]
async fn a_pull_goes_on_whichever_of_its_statements_is_lost() {
    break_each(Run::Pull, WireFault::on).await;
}

#[tokio::test]
async fn a_pull_goes_on_whichever_of_its_answers_is_lost() {
    break_each(Run::Pull, |statement| WireFault::on(statement).after()).await;
}

/// Runs once undisturbed, and then once for each statement of it.
async fn break_each(run: Run, fault: impl Fn(&str) -> WireFault) {
    for statement in broken(run, None).await {
        broken(run, Some(fault(&statement))).await;
    }
}

/// Lets the connection break in a run that has everything to do, and tells what statements that run sent.
async fn broken(run: Run, fault: Option<WireFault>) -> impl IntoIterator<Item = String> {
    let case = format!("{run:?}, {fault:?}");
    let is_last_word = fault == Some(WireFault::on("COMMIT").after());
    let clinic = Clinic::open().await;
    let Day {
        contested,
        cancelled,
        booked,
        deleted,
    } = Day::open(&clinic).await;
    let process = Process::start(&clinic).await;
    if let Some(fault) = fault {
        process.break_at(fault);
    }
    match run {
        Run::Push => assert_eq!(process.push().await.unwrap().pending, 0, "{case}"),
        // It cannot know whether it was the one that committed.
        Run::Pull if is_last_word => {
            let pulled = process.pull().await;
            assert!(matches!(pulled, Err(SyncError::OutOfTime)), "{case}: {pulled:?}");
        }
        Run::Pull => assert!(process.pull().await.unwrap().is_some(), "{case}"),
    }
    assert!(process.is_broken(), "{case}: it did not come to that");
    let statements = process.statements();
    clinic.tick().await;

    let agreed = clinic.read(contested.id).await;
    let texts = (agreed.title.as_str(), agreed.location.as_deref());
    assert_eq!(texts, ("Ours", Some("Room 2")), "{case}");
    assert_eq!(agreed.version, contested.version + 1, "{case}");
    assert_eq!(clinic.read(deleted.id).await.status, Status::Cancelled, "{case}");
    for appointment in [&contested, &cancelled, &booked, &deleted] {
        clinic.check_agreement(appointment.id).await;
    }
    clinic.check_at_rest().await;
    statements
}

/// Appointments of which each gives a run something else to do.
struct Day {
    /// Changed by a caller and edited by a person.
    contested: Appointment,
    /// By a caller.
    cancelled: Appointment,
    booked: Appointment,
    /// By a person.
    deleted: Appointment,
}

impl Day {
    async fn open(clinic: &Clinic) -> Self {
        let contested = clinic.book("2027-03-01T09:00:00+05:00").await;
        let cancelled = clinic.book("2027-03-01T10:00:00+05:00").await;
        let deleted = clinic.book("2027-03-01T11:00:00+05:00").await;
        clinic.tick().await;
        let ours = json!({"title": "Ours"});
        clinic.edit(
            &contested.google_calendar_event_id,
            &json!({"location": "Room 2"}),
        );
        clinic.delete(&deleted.google_calendar_event_id);
        Self {
            contested: changed(clinic.patch(contested.id, ours).await),
            cancelled: clinic.cancel(cancelled.id).await,
            booked: clinic.book("2027-03-01T12:00:00+05:00").await,
            deleted,
        }
    }
}
