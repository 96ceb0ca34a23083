//! Changes of one appointment at once: each is made in full, on top of the others, or refused.

use serde_json::json;
use shared::appointment::queries::{self, Changed};
use shared::appointment::request;
use shared::database::Database;
use uuid::Uuid;

use crate::clinic::{Clinic, changed, soon};

/// Waits until a statement of this clinic's database waits for a lock.
async fn until_somebody_waits(db: &Database) {
    let waiting =
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let look = async || {
        db.read(soon(), async |client| client.query_typed(waiting, &[]).await)
            .await
    };
    while look().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

/// What a reschedule does, in a transaction of which the test decides the end.
fn reschedule(id: Uuid, old_event: &str, new_event: &str) -> String {
    format!(
        "update appointments set version = 2 where id = '{id}';
         update calendar_events set wanted = 'absent', wanted_version = 2 where event_id = '{old_event}';
         insert into calendar_events (calendar_id, event_id, appointment_id, wanted, wanted_version)
             select calendar_id, '{new_event}', id, 'present', 2 from appointments where id = '{id}';
         update appointments set google_calendar_event_id = '{new_event}' where id = '{id}';
         insert into appointment_history (id, appointment_id, version, by, change, fields)
             values (gen_random_uuid(), '{id}', 2, 'voice_agent', 'rescheduled', '{{}}');"
    )
}

#[tokio::test]
async fn a_change_that_waited_for_a_reschedule_is_pushed_to_the_new_event() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    let (other, observer) = (clinic.another_database(), clinic.another_database());
    let new_event = Uuid::new_v4().simple().to_string();
    let statements = reschedule(appointment.id, &appointment.google_calendar_event_id, &new_event);
    let rescheduling = other.transaction(soon(), async |tx| {
        tx.batch_execute(&statements).await?;
        until_somebody_waits(&observer).await;
        Ok(())
    });
    let patching = async {
        let locked = "select from appointments for update skip locked";
        let free = async || {
            let rows = clinic
                .db
                .read(soon(), async |client| client.query_typed(locked, &[]).await);
            !rows.await.unwrap().is_empty()
        };
        while free().await {
            tokio::task::yield_now().await;
        }
        clinic.patch(appointment.id, json!({"title": "Meanwhile"})).await
    };
    let (rescheduled, patched) = tokio::join!(rescheduling, patching);
    rescheduled.unwrap();
    let patched = changed(patched);
    assert_eq!(
        (patched.version, &patched.google_calendar_event_id),
        (3, &new_event)
    );
    clinic.push().await.unwrap();
    assert_eq!(clinic.event(&new_event)["summary"], "Meanwhile");
    assert_eq!(clinic.live_events().len(), 1);
}

#[tokio::test]
async fn of_many_changes_at_once_each_is_one_version_and_the_last_event_is_the_one_wanted() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    let databases: Vec<_> = (0..6).map(|_| clinic.another_database()).collect();
    for round in 0..5 {
        let changes = databases.iter().enumerate().map(|(number, db)| {
            let starts_at = format!("2027-03-{:02}T{:02}:00:00+05:00", 2 + round, 9 + number);
            let change = match number % 3 {
                0 => request::patch(json!({"title": format!("{round}.{number}")})),
                1 => request::reschedule(json!({"starts_at": starts_at})),
                _ if round % 2 == 0 => Ok(request::cancel_without_reason()),
                _ => request::patch(json!({"status": "scheduled"})),
            };
            let change = change.unwrap();
            async move { queries::change(db, soon(), appointment.id, &change, None, "frontend").await }
        });
        for outcome in futures_util::future::join_all(changes).await {
            let fine = matches!(
                outcome,
                Ok(Changed::Changed { .. } | Changed::Unchanged(_) | Changed::Cancelled)
            );
            assert!(fine, "{outcome:?}");
        }
    }
    let now = clinic.read(appointment.id).await;
    let history = clinic.history(appointment.id).await;
    assert_eq!(i64::try_from(history.len()).unwrap(), now.version);
    clinic.tick().await;
    let live = clinic.live_events();
    if now.cancelled_at.is_some() {
        assert_eq!(live, Vec::<serde_json::Value>::new());
    } else {
        assert_eq!(live.len(), 1);
        assert_eq!(live[0]["id"], now.google_calendar_event_id);
        assert_eq!(live[0]["summary"], now.title);
    }
    clinic.check_at_rest().await;
}

#[tokio::test]
async fn of_many_changes_of_one_version_one_wins() {
    let clinic = Clinic::open().await;
    let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
    let databases: Vec<_> = (0..6).map(|_| clinic.another_database()).collect();
    let changes = databases.iter().enumerate().map(|(number, db)| {
        let change = request::patch(json!({"title": format!("Title {number}")})).unwrap();
        async move { queries::change(db, soon(), appointment.id, &change, Some(&[1]), "frontend").await }
    });
    let outcomes = futures_util::future::join_all(changes).await;
    let count = |wanted: fn(&Changed) -> bool| {
        outcomes
            .iter()
            .filter(|outcome| wanted(outcome.as_ref().unwrap()))
            .count()
    };
    assert_eq!(count(|outcome| matches!(outcome, Changed::Changed { .. })), 1);
    assert_eq!(count(|outcome| matches!(outcome, Changed::Stale)), 5);
    assert_eq!(clinic.read(appointment.id).await.version, 2);
}
