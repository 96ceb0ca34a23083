//! Brings a database up to date with `shared/migrations`, which are part of the program.

use std::error::Error as _;
use std::time::Duration;

use refinery::error::Kind;
use tokio_postgres::{Client, types::Type};

use super::connect::connect;
use super::error::{DatabaseError, Unavailable};
use super::limits::FOR_THE_ROLE;
use super::url::DatabaseUrl;
use crate::backoff::Backoff;
use crate::deadline::Deadline;

/// Between two looks whether the other `migrate` has finished.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(50),
    most: Duration::from_secs(1),
};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Names the advisory lock that one `migrate` holds while others wait.
const LOCK: i64 = 0x6d69_6772_6174_6521;

/// For a database that has to be woken first.
const CONNECT_LIMIT: Duration = Duration::from_mins(1);

/// For another `migrate` to finish, and for our own migrations.
const WORK_LIMIT: Duration = Duration::from_mins(10);

/// Why a database is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// There is no connection, or it broke; what was applied stays applied.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Another `migrate` has been at work for too long.
    #[error("another migrate is still running on this database")]
    Busy,
    /// A migration was edited after it had been applied.
    #[error("{0} was applied to this database in another form: migrations are never edited, add one instead")]
    Divergent(String),
    /// The database is ahead of the program.
    #[error("this database has {0}, which this program does not know: it is older than the database")]
    Unknown(String),
    /// A migration does not work; it was rolled back.
    #[error("{0}")]
    Failed(String),
}

/// Applies what is missing, each migration in a transaction of its own, and names what was applied. Sees to it, too, that
/// the server limits the statements of the role that we connect as.
///
/// Two at once are safe. The lock belongs to a transaction on a second connection, as only a transaction stays with one
/// server session behind a pooler; the second `migrate` then finds nothing left to do.
pub async fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, MigrateError> {
    let reachable = Deadline::after(CONNECT_LIMIT);
    let holder = connect(url, reachable).await?;
    let mut worker = connect(url, reachable).await?;
    let (holder, _) = holder.parts();
    let (worker, _) = worker.parts_mut();

    let deadline = Deadline::after(WORK_LIMIT);
    take_lock(holder, deadline).await?;
    let runner = embedded::migrations::runner()
        .set_abort_divergent(true)
        .set_abort_missing(true);
    let report = deadline
        .bound(runner.run_async(worker))
        .await
        .map_err(|_| DatabaseError::from(Unavailable::Slow))?
        .map_err(|error| explain(&error))?;

    worker
        .batch_execute(FOR_THE_ROLE)
        .await
        .map_err(DatabaseError::from)?;

    // The lock is free once this connection ends, however it ends.
    let _ = holder.batch_execute("ROLLBACK").await;
    Ok(report
        .applied_migrations()
        .iter()
        .map(ToString::to_string)
        .collect())
}

/// Takes the lock, waiting while another `migrate` has it. The waiting is not done inside a transaction: behind a small
/// pool that would keep the server session that the other one needs.
async fn take_lock(client: &Client, deadline: Deadline) -> Result<(), MigrateError> {
    let mut failures = 0;
    while !try_lock(client).await.map_err(|_| broken())? {
        failures += 1;
        let pause = BACKOFF.pause(failures);
        if !deadline.allows(pause) {
            return Err(MigrateError::Busy);
        }
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

/// Opens a transaction that holds the lock, or none.
async fn try_lock(client: &Client) -> Result<bool, tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    let row = client
        .query_typed_one("SELECT pg_try_advisory_xact_lock($1)", &[(&LOCK, Type::INT8)])
        .await?;
    let taken: bool = row.try_get(0)?;
    if !taken {
        client.batch_execute("ROLLBACK").await?;
    }
    Ok(taken)
}

fn broken() -> MigrateError {
    DatabaseError::from(Unavailable::Broken).into()
}

fn explain(error: &refinery::Error) -> MigrateError {
    match error.kind() {
        Kind::DivergentVersion(applied, _) => MigrateError::Divergent(applied.to_string()),
        Kind::MissingVersion(applied) => MigrateError::Unknown(applied.to_string()),
        Kind::Connection(what, cause) => {
            let cause = cause.downcast_ref::<tokio_postgres::Error>();
            let fault = cause.and_then(tokio_postgres::Error::as_db_error);
            fault.map_or_else(broken, |fault| {
                MigrateError::Failed(format!("{what}: {} ({})", fault.message(), fault.code().code()))
            })
        }
        // The rest is about files, of which an embedded set has none.
        _ => MigrateError::Failed(
            error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string),
        ),
    }
}
