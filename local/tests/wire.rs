//! The wire between a process and its database: what it shows, and how it freezes and breaks.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without, it may insist on"
)]

use local::postgres::{Statement, TestDatabase, Wire, WireFault};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls};

const ADD: &str = "insert into t values (1)";

/// A database with a table, a session of our own in it, and one by way of the wire.
async fn wired() -> (TestDatabase, Wire, Client, Client) {
    let database = TestDatabase::empty().await;
    let wire = Wire::before(&database.url()).await;
    let (own, wired) = (session(&database.url()).await, session(wire.url()).await);
    own.batch_execute("create table t (n int8)").await.unwrap();
    (database, wire, own, wired)
}

async fn session(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn count(client: &Client) -> i64 {
    let row = client.query_typed_one("select count(*) from t", &[]).await;
    row.unwrap().get(0)
}

#[tokio::test]
async fn each_round_trip_is_shown_once() {
    let (_database, wire, _own, mut wired) = wired().await;
    let transaction = wired.transaction().await.unwrap();
    transaction.execute_typed(ADD, &[]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(count(&wired).await, 1);
    assert_eq!(
        wire.statements(),
        ["START TRANSACTION", ADD, "COMMIT", "select count(*) from t"]
    );
    wire.clear_statements();
    assert_eq!(wire.statements(), Vec::<String>::new());
}

#[tokio::test]
async fn a_round_trip_is_shown_with_its_parameters() {
    let (_database, wire, _own, wired) = wired().await;
    let sum = "select $1::int8 + $2";
    let row = wired.query_typed_one(sum, &[(&40_i64, Type::INT8), (&None::<i64>, Type::INT8)]);
    assert_eq!(row.await.unwrap().get::<_, Option<i64>>(0), None);
    let shown = Statement {
        text: sum.to_owned(),
        types: vec![Type::INT8.oid(), Type::INT8.oid()],
        parameters: vec![Some(40_i64.to_be_bytes().to_vec()), None],
    };
    assert_eq!(wire.recorded(), [shown]);
}

#[tokio::test]
async fn what_hangs_before_the_server_takes_effect_when_it_is_released() {
    let (_database, wire, own, wired) = wired().await;
    wire.fail(WireFault::on("into t").hang());
    let mut adding = Box::pin(wired.execute_typed(ADD, &[]));
    tokio::select! {
        _ = &mut adding => panic!("it does not hang"),
        () = wire.reached() => {}
    }
    assert_eq!(count(&own).await, 0);
    wire.release();
    assert_eq!(adding.await.unwrap(), 1);
    assert_eq!(count(&wired).await, 1);
}

#[tokio::test]
async fn what_hangs_after_the_server_has_taken_effect() {
    let (_database, wire, own, wired) = wired().await;
    wire.fail(WireFault::on("into t").after().hang());
    let mut adding = Box::pin(wired.execute_typed(ADD, &[]));
    tokio::select! {
        _ = &mut adding => panic!("it does not hang"),
        () = wire.reached() => {}
    }
    assert_eq!(count(&own).await, 1);
    wire.release();
    assert_eq!(adding.await.unwrap(), 1);
}

#[tokio::test]
async fn a_connection_breaks_before_or_after_a_statement() {
    for (fault, added) in [(WireFault::on("into t"), 0), (WireFault::on("into t").after(), 1)] {
        let (_database, wire, own, wired) = wired().await;
        wire.fail(fault);
        let lost = wired.execute_typed(ADD, &[]).await.unwrap_err();
        assert!(lost.as_db_error().is_none(), "{lost}");
        wire.reached().await;
        assert_eq!(count(&own).await, added);
        // Another connection works.
        assert_eq!(count(&session(wire.url()).await).await, added);
    }
}

#[tokio::test]
async fn a_cut_undoes_what_was_not_committed_before_it_comes_back() {
    let (_database, wire, own, mut wired) = wired().await;
    let transaction = wired.transaction().await.unwrap();
    transaction.batch_execute("lock table t").await.unwrap();
    transaction.execute_typed(ADD, &[]).await.unwrap();
    wire.fail(WireFault::on("COMMIT").hang());
    let mut committing = Box::pin(transaction.commit());
    tokio::select! {
        _ = &mut committing => panic!("it does not hang"),
        () = wire.reached() => {}
    }
    wire.cut().await;
    own.batch_execute("begin; lock table t nowait; commit")
        .await
        .unwrap();
    assert_eq!(count(&own).await, 0);
    assert!(committing.await.is_err());
}
