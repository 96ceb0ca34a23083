//! The database connection against real servers: PostgreSQL with and without TLS, PgBouncer, and servers that fail.

#![expect(
    clippy::unwrap_used,
    reason = "what a test cannot do without, it may insist on"
)]

mod breaks;
mod limits;
mod migrations;
mod plans;
mod pooler;
mod statements;
mod tls;
mod waiting;

use std::net::TcpListener;
use std::time::Duration;

use shared::database::{Database, DatabaseError, DatabaseUrl};
use shared::deadline::Deadline;
use tokio_postgres::Client;

/// A query that never ends by itself.
const ENDLESS: &str =
    "with recursive endless as (select 1 as n union all select n from endless) select count(*) from endless";

/// A database that has not been connected to yet.
fn database(url: &str) -> Database {
    Database::new(DatabaseUrl::parse(url).unwrap())
}

/// Ample for anything that is to succeed.
fn ample() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

/// A number, as `sql` computes it.
async fn number(client: &Client, sql: &str) -> Result<i64, tokio_postgres::Error> {
    client.query_typed_one(sql, &[]).await?.try_get(0)
}

async fn read_number(database: &Database, sql: &str) -> Result<i64, DatabaseError> {
    database
        .read(ample(), async |client| number(client, sql).await)
        .await
}

/// Runs `sql`, which answers nothing.
async fn execute(database: &Database, sql: &str) {
    let done = database.read(ample(), async |client| client.batch_execute(sql).await);
    done.await.unwrap();
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// The value of an environment variable that `local with-postgres` sets.
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make test`"))
}
