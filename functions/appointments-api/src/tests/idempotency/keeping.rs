//! How long a key is kept, and what of it.

use local::postgres::Wire;
use serde_json::{Value, json};
use shared::appointment::queries::idempotency::sweep;

use super::{SLOT, path_of};
use crate::tests::{Api, booking, soon};

/// Lets a day pass for a key.
async fn age(api: &Api, key: &str) {
    api.sql(&format!(
        "update idempotency_keys set expires_at = expires_at - interval '24 hours' where key = '{key}'"
    ))
    .await;
}

/// The rows of the keys that are kept.
async fn kept(api: &Api) -> Vec<Value> {
    let query = "select to_jsonb(k) from idempotency_keys k order by key";
    let tables = api.tables();
    let rows = tables.read(soon(), async |client| client.query_typed(query, &[]).await);
    rows.await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn after_a_day_a_key_is_as_good_as_new() {
    let api = Api::open().await;
    let booked = api.post_once("a", "/appointments", booking(SLOT)).await;
    age(&api, "a").await;
    api.post_once("a", "/appointments", booking(SLOT))
        .await
        .is_problem(409, "slot_taken");
    let another = booking("2027-03-01T10:00:00Z");
    let second = api.post_once("a", "/appointments", another.clone()).await;
    assert_ne!(path_of(&second), path_of(&booked));
    api.post_once("a", "/appointments", another)
        .await
        .repeats(&second);
    assert_eq!(kept(&api).await.len(), 1);
}

#[tokio::test]
async fn a_sweep_deletes_what_is_past_its_time_and_nothing_else() {
    let api = Api::open().await;
    for (hour, key) in ["a", "b", "c"].into_iter().enumerate() {
        let starts_at = format!("2027-03-01T0{hour}:00:00Z");
        path_of(&api.post_once(key, "/appointments", booking(&starts_at)).await);
    }
    let tables = api.tables();
    assert_eq!(sweep(&tables, soon()).await, Ok(0));
    age(&api, "a").await;
    age(&api, "c").await;
    assert_eq!(sweep(&tables, soon()).await, Ok(2));
    let left: Vec<_> = kept(&api).await.iter().map(|row| row["key"].clone()).collect();
    assert_eq!(left, ["b"]);
}

#[tokio::test]
async fn a_write_under_a_key_and_its_repetition_cost_one_round_trip_each() {
    let api = Api::open().await;
    let wire = Wire::before(&api.database.url()).await;
    let process = api.beside(&[("DATABASE_URL", wire.url())]).await;
    let booked = process.post_once("a", "/appointments", booking(SLOT)).await;
    let cancel = format!("{}/cancel", path_of(&booked));
    for statements in [2, 4] {
        process.post_once("a", "/appointments", booking(SLOT)).await;
        process.post_once("b", &cancel, json!({})).await;
        assert_eq!(wire.statements().len(), 1 + statements);
    }
}

#[tokio::test]
async fn only_writes_under_a_key_leave_a_row() {
    let api = Api::open().await;
    let booked = api.book(SLOT).await;
    let cancel = format!("/appointments/{}/cancel", booked["id"].as_str().unwrap());
    api.post(&cancel, json!({})).await;
    api.post_once("a", "/appointments", json!({})).await;
    assert_eq!(kept(&api).await, Vec::<Value>::new());
    api.post_once("a", &cancel, json!({"reason": "a private matter"}))
        .await;
    let [row] = <[Value; 1]>::try_from(kept(&api).await).unwrap();
    // Of what was asked a fingerprint is kept, of the event what the answer shows.
    assert_eq!(row["request"].as_str().unwrap().len(), "\\x".len() + 64);
    let mut shown: Vec<_> = row["event"].as_object().unwrap().keys().collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            "last_error",
            "parked",
            "pushed_version",
            "synced_at",
            "wanted_version"
        ]
    );
}
