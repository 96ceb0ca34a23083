//! Two at once, answers that are lost, processes that die.

use std::pin::pin;

use http::StatusCode;
use local::postgres::{Wire, WireFault};
use serde_json::json;
use shared::database::{Database, DatabaseUrl};

use super::{SLOT, path_of};
use crate::tests::{Answer, Api, booking, soon};

/// Only a keyed write says this.
const WRITE: &str = "insert into idempotency_keys";

/// A process whose connection to the database can be broken.
async fn beside_by_wire(api: &Api) -> (Wire, Api) {
    let wire = Wire::before(&api.database.url()).await;
    let process = api.beside(&[("DATABASE_URL", wire.url())]).await;
    (wire, process)
}

/// Asserts that one of these is the first answer and the others repeat it.
#[track_caller]
fn one_counts(answers: &[Answer], status: StatusCode) {
    let (replays, first): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer.headers.contains_key("idempotent-replayed"));
    assert_eq!(
        first.len(),
        1,
        "{:?}",
        first.iter().map(|answer| &answer.text).collect::<Vec<_>>()
    );
    assert_eq!(first[0].status, status, "{}", first[0].text);
    for replay in replays {
        replay.repeats(first[0]);
    }
}

#[tokio::test]
async fn of_several_at_once_one_books_and_all_are_told_of_it() {
    let one = Api::open().await;
    let (two, three) = (one.beside(&[]).await, one.beside(&[]).await);
    for round in 0..30 {
        let starts_at = format!("2027-03-{:02}T09:00:00Z", round + 1);
        let send = async |api: &Api| {
            api.post_once(&starts_at, "/appointments", booking(&starts_at))
                .await
        };
        let answers: [Answer; 4] = tokio::join!(send(&one), send(&two), send(&three), send(&one)).into();
        one_counts(&answers, StatusCode::CREATED);
    }
    assert_eq!(one.count().await, 30);
}

#[tokio::test]
async fn of_several_at_once_one_reschedules_and_one_cancels() {
    let one = Api::open().await;
    let (two, three) = (one.beside(&[]).await, one.beside(&[]).await);
    let path = path_of(&one.post("/appointments", booking(SLOT)).await);
    for round in 0..30 {
        let (action, body) = match round {
            29 => ("cancel", json!({})),
            _ => (
                "reschedule",
                json!({"starts_at": format!("2027-04-{:02}T09:00:00Z", round + 1)}),
            ),
        };
        let path = format!("{path}/{action}");
        let send = async |api: &Api| api.post_once(&round.to_string(), &path, body.clone()).await;
        let answers: [Answer; 4] = tokio::join!(send(&one), send(&two), send(&three), send(&one)).into();
        one_counts(&answers, StatusCode::OK);
    }
    assert_eq!(one.get(&path).await.body["version"], 31);
}

#[tokio::test]
async fn two_requests_at_once_under_one_key_are_not_both_carried_out() {
    let one = Api::open().await;
    let two = one.beside(&[]).await;
    for round in 0..10 {
        let send = async |api: &Api, hour: u32| {
            let starts_at = format!("2027-03-{:02}T{hour:02}:00:00Z", round + 1);
            api.post_once(&round.to_string(), "/appointments", booking(&starts_at))
                .await
        };
        let (a, b) = tokio::join!(send(&one, 9), send(&two, 10));
        let refused = if a.status == 201 { b } else { a };
        refused.is_problem(422, "idempotency_key_reused");
    }
    assert_eq!(one.count().await, 10);
}

#[tokio::test]
async fn while_the_first_request_is_running_another_is_told_to_come_back() {
    let one = Api::open().await;
    let wire = Wire::before(&one.database.url()).await;
    let two = one.beside(&[]).await;
    // Somebody has the calendar's turn, and keeps it.
    let tables = Database::new(DatabaseUrl::parse(wire.url()).unwrap());
    let turn = "select pg_advisory_xact_lock(hashtextextended('clinic@example.com', 0)) as held";
    wire.fail(WireFault::on("COMMIT").hang());
    let mut holding = pin!(tables.transaction(soon(), async |transaction| {
        transaction.batch_execute(turn).await?;
        Ok(())
    }));
    tokio::select! {
        () = wire.reached() => {}
        _ = &mut holding => panic!("the turn was not held"),
    }

    let (mut asked_one, mut asked_two) = (pin!(ask(&one)), pin!(ask(&two)));
    let (early, first) = tokio::select! {
        early = &mut asked_one => (early, asked_two),
        early = &mut asked_two => (early, asked_one),
    };
    early.is_problem(409, "idempotency_key_in_progress");
    assert_eq!(early.headers["retry-after"], "1");
    wire.release();
    let (first, held) = tokio::join!(first, holding);
    held.unwrap();
    assert_eq!(first.status, 201, "{}", first.text);
    ask(&one).await.repeats(&first);
}

async fn ask(api: &Api) -> Answer {
    api.post_once("a", "/appointments", booking(SLOT)).await
}

#[tokio::test]
async fn a_connection_that_breaks_costs_neither_the_write_nor_a_second_one() {
    let api = Api::open().await;
    let (wire, process) = beside_by_wire(&api).await;
    let mut keys = 0..;
    for fault in [WireFault::on(WRITE), WireFault::on(WRITE).after()] {
        let key = keys.next().unwrap().to_string();
        let starts_at = format!("2027-03-01T1{key}:00:00Z");
        wire.fail(fault.clone());
        // It is this request's own answer that was lost: it repeats nothing.
        let booked = process
            .post_once(&key, "/appointments", booking(&starts_at))
            .await;
        let path = path_of(&booked);
        api.post_once(&key, "/appointments", booking(&starts_at))
            .await
            .repeats(&booked);

        let (key, cancel) = (format!("{key} cancel"), format!("{path}/cancel"));
        wire.fail(fault);
        let cancelled = process.post_once(&key, &cancel, json!({})).await;
        assert_eq!(cancelled.body["version"], 2, "{}", cancelled.text);
        api.post_once(&key, &cancel, json!({})).await.repeats(&cancelled);
    }
    wire.reached().await;
    assert_eq!(api.count().await, 2);
}

#[tokio::test]
async fn the_answer_of_a_process_that_died_after_its_commit_is_given_by_another() {
    let api = Api::open().await;
    let (wire, process) = beside_by_wire(&api).await;
    wire.fail(WireFault::on(WRITE).after().hang());
    {
        let mut killed = pin!(ask(&process));
        tokio::select! {
            () = wire.reached() => {}
            _ = &mut killed => panic!("it was answered"),
        }
        wire.cut().await;
    }
    assert_eq!(api.count().await, 1);
    let answer = ask(&api).await;
    assert_eq!(answer.headers["idempotent-replayed"], "true");
    assert_eq!(api.get(&path_of(&answer)).await.body, answer.body);
    assert_eq!(api.count().await, 1);
}
