//! Changes of one appointment at once: each is made in full, on top of the others, or refused.

use chrono::Utc;
use serde_json::json;
use shared::appointment::queries::{self, Booked, Changed};
use shared::appointment::request;

use crate::clinic::{CALENDAR, Clinic, soon};

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

#[tokio::test]
async fn of_many_who_want_one_slot_at_once_one_gets_it_by_a_booking_or_a_move() {
    const SLOT: &str = "2027-03-05T09:00:00+05:00";
    let clinic = Clinic::open().await;
    let mut booked = Vec::new();
    for hour in 9..13 {
        booked.push(clinic.book(&format!("2027-03-01T{hour:02}:00:00+05:00")).await.id);
    }
    let databases: Vec<_> = (0..8).map(|_| clinic.another_database()).collect();
    let moves = databases[..4].iter().zip(&booked).map(|(db, id)| async move {
        let change = request::reschedule(json!({"starts_at": SLOT})).unwrap();
        let outcome = queries::change(db, soon(), *id, &change, None, "frontend").await;
        match outcome.unwrap() {
            Changed::Changed { .. } => true,
            Changed::SlotTaken => false,
            other => panic!("{other:?}"),
        }
    });
    let bookings = databases[4..].iter().map(|db| async {
        let body = json!({"patient_name": "B. Malik", "starts_at": SLOT});
        let booking = request::booking(body, Utc::now()).unwrap();
        let outcome = queries::book(db, soon(), &booking, CALENDAR, chrono_tz::Asia::Karachi, "a").await;
        matches!(outcome.unwrap(), Booked::Booked(_))
    });
    let (by_move, by_booking) = tokio::join!(
        futures_util::future::join_all(moves),
        futures_util::future::join_all(bookings)
    );
    let got_it = by_move
        .into_iter()
        .chain(by_booking)
        .filter(|got_it| *got_it)
        .count();
    assert_eq!(got_it, 1);
    clinic.tick().await;
    clinic.check_at_rest().await;
}
