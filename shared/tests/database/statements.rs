//! Statements and transactions on a connection that stays up.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use local::postgres::TestDatabase;
use shared::database::{DatabaseError, Unavailable};
use shared::deadline::Deadline;
use tokio::sync::{Barrier, Notify};
use tokio_postgres::types::Type;

use super::{ample, database, execute, number, read_number};

#[tokio::test]
async fn statements_of_several_flows_share_the_connection() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    let second_is_done = Notify::new();
    let first = database.read(ample(), async |client| {
        second_is_done.notified().await;
        number(client, "SELECT pg_backend_pid()::int8").await
    });
    let second = async {
        let pid = read_number(&database, "SELECT pg_backend_pid()::int8").await;
        second_is_done.notify_one();
        pid
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap(), second.unwrap());
}

#[tokio::test]
async fn no_statement_of_another_flow_gets_into_a_transaction() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    execute(&database, "CREATE TABLE t (n int8)").await;
    let (written, asked) = (Notify::new(), Notify::new());
    let transaction = database.transaction(ample(), async |transaction| {
        transaction.batch_execute("INSERT INTO t VALUES (1)").await?;
        written.notify_one();
        asked.notified().await;
        // Answers come in the order of their statements: had the other flow sent its own, it would count the row by now.
        transaction.batch_execute("SELECT").await?;
        Err::<(), _>(DatabaseError::RolledBack)
    });
    let other = async {
        written.notified().await;
        let mut count = pin!(read_number(&database, "SELECT count(*) FROM t"));
        assert_eq!(count.as_mut().now_or_never(), None);
        asked.notify_one();
        count.await
    };
    let (transaction, other) = tokio::join!(transaction, other);
    assert_eq!(transaction, Err(DatabaseError::RolledBack));
    assert_eq!(other, Ok(0));
}

#[tokio::test]
async fn a_transaction_ends_as_its_work_says() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    execute(&database, "CREATE TABLE t (n int8)").await;
    for (ending, rows) in [(Err(DatabaseError::RolledBack), 0), (Ok(7), 1)] {
        let value = database
            .transaction(ample(), async |transaction| {
                transaction.batch_execute("INSERT INTO t VALUES (1)").await?;
                ending.clone()
            })
            .await;
        assert_eq!(value, ending);
        assert_eq!(read_number(&database, "SELECT count(*) FROM t").await, Ok(rows));
    }
}

#[tokio::test]
async fn a_transaction_that_runs_out_of_time_is_rolled_back() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    execute(&database, "CREATE TABLE t (n int8)").await;
    let outcome = database
        .transaction(Deadline::after(Duration::from_millis(300)), async |transaction| {
            transaction.batch_execute("INSERT INTO t VALUES (1)").await?;
            std::future::pending::<Result<(), DatabaseError>>().await
        })
        .await;
    assert_eq!(outcome, Err(DatabaseError::Unavailable(Unavailable::Slow)));
    assert_eq!(read_number(&database, "SELECT count(*) FROM t").await, Ok(0));
}

#[tokio::test]
async fn transactions_that_stand_in_each_others_way_both_come_through() {
    let test = TestDatabase::empty().await;
    let (one, two) = (database(&test.url()), database(&test.url()));
    execute(&one, "CREATE TABLE t (n int8); INSERT INTO t VALUES (0)").await;
    // Both read before either writes, so that one of them must fail.
    let both_have_read = Barrier::new(2);
    let runs = AtomicU32::new(0);
    let increment = async |database: &shared::database::Database| {
        let work = async |transaction: &tokio_postgres::Transaction<'_>| {
            transaction
                .batch_execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                .await?;
            let n: i64 = transaction
                .query_typed_one("SELECT n FROM t", &[])
                .await?
                .try_get(0)?;
            if runs.fetch_add(1, Ordering::Relaxed) < 2 {
                both_have_read.wait().await;
            }
            let next = n + 1;
            transaction
                .execute_typed("UPDATE t SET n = $1", &[(&next, Type::INT8)])
                .await?;
            Ok(())
        };
        database.transaction(ample(), work).await
    };
    let (first, second) = tokio::join!(increment(&one), increment(&two));
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(read_number(&one, "SELECT n FROM t").await, Ok(2));
    assert!(runs.load(Ordering::Relaxed) > 2);
}

#[tokio::test]
async fn a_violated_constraint_is_known_by_its_name() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    execute(&database, "CREATE TABLE t (n int8 CONSTRAINT n_is_unique UNIQUE)").await;
    let insert = "INSERT INTO t VALUES (1)";
    execute(&database, insert).await;
    let again = database.read(ample(), async |client| client.execute_typed(insert, &[]).await);
    assert_eq!(again.await.unwrap_err().constraint(), Some("n_is_unique"));
}

#[tokio::test]
async fn no_error_quotes_a_value() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    for (sql, code) in [
        ("SELECT 'A. Khan'::int8", "22P02"),
        ("SELECT 'A. Khan' FROM nowhere", "42P01"),
        ("DO $$ BEGIN RAISE 'A. Khan'; END $$", "P0001"),
    ] {
        let error = database
            .read(ample(), async |client| client.batch_execute(sql).await)
            .await
            .unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(code) && !shown.contains("Khan"), "{shown}");
    }
    let error = read_number(&database, "SELECT 'A. Khan'").await.unwrap_err();
    assert!(matches!(error, DatabaseError::Row(_)), "{error:?}");
}

/// A handler's future moves between threads, so these must be able to.
#[tokio::test]
async fn the_futures_can_be_spawned() {
    let test = TestDatabase::empty().await;
    let database = Arc::new(database(&test.url()));
    execute(&database, "CREATE TABLE t (n int8)").await;
    let task = tokio::spawn(async move {
        let n = 5_i64;
        let insert = async |client: &tokio_postgres::Client| {
            client
                .execute_typed("INSERT INTO t VALUES ($1)", &[(&n, Type::INT8)])
                .await
        };
        database.write(ample(), insert, async |_| Ok(None)).await?;
        let transaction = async |transaction: &tokio_postgres::Transaction<'_>| {
            let row = transaction.query_typed_one("SELECT n FROM t", &[]).await?;
            Ok(row.try_get::<_, i64>(0)?)
        };
        database.transaction(ample(), transaction).await
    });
    assert_eq!(task.await.unwrap(), Ok(5));
}
