//! What the server does not do for us any longer than it should: long statements, waits for locks.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use local::postgres::TestDatabase;
use shared::database::{DatabaseError, DatabaseUrl, Unavailable, migrate};
use shared::deadline::Deadline;
use tokio::sync::Notify;
use tokio_postgres::types::Type;

use super::{ENDLESS, ample, database, execute, read_number};

const STATEMENT_LIMIT: &str = "select setting::int8 from pg_settings where name = 'statement_timeout'";
const LOCK_LIMIT: &str = "select setting::int8 from pg_settings where name = 'lock_timeout'";

/// Gives the role a limit of the test's own in this database, before a connection is opened that is to have it.
async fn limit(test: &TestDatabase, name: &str, value: &str) {
    let sql = format!(
        "alter role clinic in database {} set {name} = '{value}'",
        test.name()
    );
    execute(&database(&test.url()), &sql).await;
}

async fn count(test: &TestDatabase) -> Result<i64, DatabaseError> {
    read_number(&database(&test.url()), "select count(*) from t").await
}

#[tokio::test]
async fn migrate_limits_statements_and_waits_unless_somebody_has() {
    let test = TestDatabase::empty().await;
    limit(&test, "lock_timeout", "700ms").await;
    let url = DatabaseUrl::parse(&test.url()).unwrap();
    for _ in 0..2 {
        migrate(&url).await.unwrap();
        let database = database(&test.url());
        assert_eq!(read_number(&database, STATEMENT_LIMIT).await, Ok(8000));
        assert_eq!(read_number(&database, LOCK_LIMIT).await, Ok(700));
    }
}

#[tokio::test]
async fn a_transaction_has_limits_of_its_own() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    let within = database.transaction(ample(), async |transaction| {
        let read = async |sql| {
            let row = transaction.query_typed_one(sql, &[]).await?;
            Ok::<i64, DatabaseError>(row.try_get(0)?)
        };
        Ok((read(STATEMENT_LIMIT).await?, read(LOCK_LIMIT).await?))
    });
    assert_eq!(within.await, Ok((14_000, 12_000)));
    assert_eq!(
        read_number(&database, LOCK_LIMIT).await,
        Ok(0),
        "and leaves none behind"
    );
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_undone_and_not_repeated() {
    let test = TestDatabase::empty().await;
    execute(&database(&test.url()), "create table t (n int8)").await;
    limit(&test, "statement_timeout", "100ms").await;
    let database = database(&test.url());
    let runs = AtomicU32::new(0);
    let write = async |client: &tokio_postgres::Client| {
        runs.fetch_add(1, Ordering::Relaxed);
        let sql = format!("insert into t {ENDLESS}");
        client.execute_typed(&sql, &[]).await
    };
    let outcome = database.write(ample(), write, async |_| Ok(None)).await;
    assert_eq!(outcome, Err(DatabaseError::Unavailable(Unavailable::Overworked)));
    assert_eq!(runs.into_inner(), 1);
    assert_eq!(count(&test).await, Ok(0));
}

#[tokio::test]
async fn a_lock_that_does_not_get_free_is_given_up_with_nothing_done() {
    let test = TestDatabase::empty().await;
    execute(&database(&test.url()), "create table t (n int8)").await;
    let (held, over) = (Notify::new(), Notify::new());
    let holder = database(&test.url());
    let holding = holder.transaction(ample(), async |transaction| {
        transaction.batch_execute("lock table t").await?;
        held.notify_one();
        over.notified().await;
        Ok(())
    });
    let waiting = async {
        held.notified().await;
        limit(&test, "lock_timeout", "100ms").await;
        let database = database(&test.url());
        // Too soon for another wait of the usual length.
        let soon = Deadline::after(Duration::from_secs(4));
        let insert = async |client: &tokio_postgres::Client| {
            client.execute_typed("insert into t values (1)", &[]).await
        };
        let outcome = database.write(soon, insert, async |_| Ok(None)).await;
        over.notify_one();
        outcome
    };
    let (held, waited) = tokio::join!(holding, waiting);
    held.unwrap();
    assert_eq!(waited, Err(DatabaseError::Unavailable(Unavailable::Contended)));
    assert_eq!(count(&test).await, Ok(0));
}

#[tokio::test]
async fn a_lock_that_gets_free_is_waited_for_again() {
    let test = TestDatabase::empty().await;
    execute(&database(&test.url()), "create table t (n int8)").await;
    let (held, tried_again) = (Notify::new(), Notify::new());
    let holder = database(&test.url());
    let holding = holder.transaction(ample(), async |transaction| {
        transaction.batch_execute("lock table t").await?;
        held.notify_one();
        tried_again.notified().await;
        Ok(())
    });
    let waiting = async {
        held.notified().await;
        limit(&test, "lock_timeout", "500ms").await;
        let database = database(&test.url());
        let runs = AtomicU32::new(0);
        let insert = async |client: &tokio_postgres::Client| {
            let run = i64::from(runs.fetch_add(1, Ordering::Relaxed));
            if run == 1 {
                tried_again.notify_one();
            }
            let parameters = [(&run as _, Type::INT8)];
            client
                .execute_typed("insert into t values ($1)", &parameters)
                .await
        };
        database.write(ample(), insert, async |_| Ok(None)).await
    };
    let (held, waited) = tokio::join!(holding, waiting);
    held.unwrap();
    assert_eq!(waited, Ok(1));
    assert_eq!(count(&test).await, Ok(1));
}
