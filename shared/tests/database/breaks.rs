//! A connection that breaks: noticed, replaced, and nothing lost or done twice.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use local::postgres::{TestDatabase, TestServer, Wire, WireFault};
use shared::database::{DatabaseError, Unavailable};
use shared::deadline::Deadline;
use tokio::sync::Barrier;
use tokio_postgres::Client;

use super::{ample, database, execute, number, read_number};

const PID: &str = "SELECT pg_backend_pid()::int8";

/// Cuts the connection that it runs on, as an administrator or Neon's autosuspend would.
async fn cut(client: &Client) -> Result<(), tokio_postgres::Error> {
    client
        .batch_execute("SELECT pg_terminate_backend(pg_backend_pid())")
        .await
}

#[tokio::test]
async fn a_connection_that_was_cut_between_two_statements_is_replaced() {
    let test = TestDatabase::empty().await;
    let (database, other) = (database(&test.url()), database(&test.url()));
    let before = read_number(&database, PID).await.unwrap();
    // With a time-out it answers only once the other session has ended.
    execute(&other, &format!("SELECT pg_terminate_backend({before}, 10000)")).await;
    let after = read_number(&database, PID).await.unwrap();
    assert_ne!(before, after);
}

#[tokio::test]
async fn reads_that_were_under_way_are_all_run_again() {
    let test = TestDatabase::empty().await;
    let wire = Wire::before(&test.url()).await;
    let (database, other) = (database(wire.url()), database(&test.url()));
    let pid = read_number(&database, PID).await.unwrap();
    // Whichever comes first hangs, and the other one behind it.
    wire.fail(WireFault::on("AS answer").hang());
    let runs = AtomicU32::new(0);
    let all_begun = Barrier::new(3);
    let read = async |sql: &str| {
        let work = async |client: &Client| {
            if runs.fetch_add(1, Ordering::Relaxed) < 2 {
                all_begun.wait().await;
            }
            number(client, sql).await
        };
        database.read(ample(), work).await
    };
    let cut = async {
        all_begun.wait().await;
        wire.reached().await;
        execute(&other, &format!("SELECT pg_terminate_backend({pid})")).await;
    };
    let (one, two, ()) = tokio::join!(
        read("SELECT 1::int8 AS answer"),
        read("SELECT 2::int8 AS answer"),
        cut
    );
    assert_eq!((one, two), (Ok(1), Ok(2)));
    assert_eq!(runs.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_not_repeated() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    execute(&database, "CREATE TABLE t (id int8 PRIMARY KEY)").await;
    let runs = AtomicU32::new(0);
    let written = database
        .write(
            ample(),
            async |client| {
                runs.fetch_add(1, Ordering::Relaxed);
                client.batch_execute("INSERT INTO t VALUES (1)").await?;
                cut(client).await?;
                Ok("answered")
            },
            async |client| {
                let found = number(client, "SELECT count(*) FROM t WHERE id = 1").await?;
                Ok((found == 1).then_some("found"))
            },
        )
        .await;
    assert_eq!(written, Ok("found"));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_write_that_was_lost_is_done_once() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    execute(&database, "CREATE TABLE t (id int8)").await;
    let runs = AtomicU32::new(0);
    let written = database
        .write(
            ample(),
            async |client| {
                if runs.fetch_add(1, Ordering::Relaxed) == 0 {
                    cut(client).await?;
                }
                client.batch_execute("INSERT INTO t VALUES (1)").await?;
                Ok("answered")
            },
            async |client| {
                let found = number(client, "SELECT count(*) FROM t").await?;
                Ok((found == 1).then_some("found"))
            },
        )
        .await;
    assert_eq!(written, Ok("answered"));
    assert_eq!(read_number(&database, "SELECT count(*) FROM t").await, Ok(1));
}

#[tokio::test]
async fn a_lost_write_that_comes_through_late_is_recognised_by_its_constraint() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    execute(&database, "CREATE TABLE t (id int8 PRIMARY KEY)").await;
    let looks = AtomicU32::new(0);
    let written = database
        .write(
            ample(),
            async |client| {
                client.batch_execute("INSERT INTO t VALUES (1)").await?;
                cut(client).await?;
                Ok("answered")
            },
            // The first look comes before the lost write has taken effect.
            async |_| Ok((looks.fetch_add(1, Ordering::Relaxed) > 0).then_some("found")),
        )
        .await;
    assert_eq!(written, Ok("found"));
}

#[tokio::test]
async fn a_transaction_that_was_cut_leaves_nothing_and_is_run_again() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    execute(&database, "CREATE TABLE t (id int8)").await;
    let runs = AtomicU32::new(0);
    let done = database
        .transaction(ample(), async |transaction| {
            transaction.batch_execute("INSERT INTO t VALUES (1)").await?;
            if runs.fetch_add(1, Ordering::Relaxed) == 0 {
                cut(transaction.client()).await?;
            }
            Ok(())
        })
        .await;
    assert_eq!(done, Ok(()));
    assert_eq!(read_number(&database, "SELECT count(*) FROM t").await, Ok(1));
}

#[tokio::test]
async fn a_connection_that_is_cut_again_and_again_is_given_up() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    let outcome = database.read(ample(), cut).await;
    assert_eq!(outcome, Err(DatabaseError::Unavailable(Unavailable::Broken)));
    assert_eq!(read_number(&database, "SELECT 1::int8").await, Ok(1));
}

#[tokio::test]
async fn a_server_that_crashed_between_two_statements_is_waited_for() {
    let mut test = TestServer::start().await.unwrap();
    let held = database(&test.url());
    execute(&held, "CREATE TABLE t (n int8); INSERT INTO t VALUES (3)").await;
    // This server does not wait for the disk by itself.
    execute(&held, "CHECKPOINT").await;
    test.server().crash().await.unwrap();
    let (answer, started) = tokio::join!(read_number(&held, "SELECT n FROM t"), test.server().start_again(),);
    started.unwrap();
    assert_eq!(answer, Ok(3));
    test.stop().await.unwrap();
}

#[tokio::test]
async fn a_peer_that_vanished_without_a_word_is_found_out() {
    let test = TestDatabase::empty().await;
    let wire = Wire::before(&test.url()).await;
    let database = database(wire.url());
    assert_eq!(read_number(&database, "SELECT 1::int8").await, Ok(1));
    // From here on nothing passes through the connection, and it stays open.
    wire.fail(WireFault::on("SELECT 1::int8").hang());
    // Nothing comes back, and within its time the first caller cannot know more than that.
    let soon = Deadline::after(Duration::from_millis(300));
    let first = database.read(soon, async |client| number(client, "SELECT 1::int8").await);
    assert_eq!(first.await, Err(DatabaseError::Unavailable(Unavailable::Slow)));
    // The next one looks first, and then takes a new connection.
    assert_eq!(read_number(&database, "SELECT 2::int8").await, Ok(2));
}
