//! Opening the first connection: what is waited for, and what is not.

use std::time::Duration;

use local::postgres::{TestDatabase, TestServer};
use shared::database::{DatabaseError, Unavailable};
use shared::deadline::Deadline;

use super::{ample, database, free_port, read_number, setting};

#[tokio::test]
async fn a_database_that_is_starting_is_waited_for() {
    let mut test = TestServer::start().await.unwrap();
    test.server().stop().await.unwrap();
    let database = database(&test.url());
    let (answer, started) = tokio::join!(
        read_number(&database, "SELECT 1::int8"),
        test.server().start_again(),
    );
    started.unwrap();
    assert_eq!(answer, Ok(1));
    test.stop().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_not_there_is_given_up_at_the_deadline() {
    let database = database(&format!("postgres://clinic@127.0.0.1:{}/clinic", free_port()));
    let deadline = Deadline::after(Duration::from_millis(300));
    let outcome = database.connect(deadline).await;
    assert_eq!(outcome, Err(DatabaseError::Unavailable(Unavailable::Unreachable)));
}

#[tokio::test]
async fn a_host_that_accepts_and_says_nothing_is_given_up_at_the_deadline() {
    let mute = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = mute.local_addr().unwrap().port();
    let database = database(&format!("postgres://clinic@127.0.0.1:{port}/clinic"));
    let deadline = Deadline::after(Duration::from_millis(300));
    let outcome = database.connect(deadline).await;
    assert_eq!(outcome, Err(DatabaseError::Unavailable(Unavailable::Slow)));
}

/// An answer before a deadline that never comes shows that nobody waited.
#[tokio::test]
async fn a_refusal_for_good_is_not_waited_for() {
    let never = Deadline::after(Duration::from_hours(1));
    let test = TestDatabase::empty().await;
    let elsewhere = test.url().replace(test.name(), "no_such_database");
    let stranger = setting("TEST_DATABASE_TLS_URL").replace("only-for-tests", "s3cret");
    let stranger = stranger.replace("sslmode=require", "sslmode=prefer");
    for (url, words) in [
        (elsewhere, "no database of this name"),
        (stranger, "password is not accepted"),
    ] {
        let error = database(&url).connect(never).await.unwrap_err();
        let shown = error.to_string();
        assert!(
            matches!(error, DatabaseError::Misconfigured(_)) && shown.contains(words),
            "{shown}"
        );
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[tokio::test]
async fn connecting_ahead_is_optional_and_may_be_repeated() {
    let test = TestDatabase::empty().await;
    let database = database(&test.url());
    database.connect(ample()).await.unwrap();
    database.connect(ample()).await.unwrap();
    let connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
    assert_eq!(read_number(&database, connections).await, Ok(1));
}
