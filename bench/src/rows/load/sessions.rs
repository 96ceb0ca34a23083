//! The functions' sessions, as the server knows them.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::{Failure, processor};

/// Those of `clinic_tls`, whose name nobody else uses.
const COUNT: &str = "select count(*) from pg_stat_activity where usename = 'clinic_tls'";
const IN_TRANSACTION: &str = "select count(*) from pg_stat_activity
    where usename = 'clinic_tls' and state like 'idle in transaction%'";
const PAUSE: Duration = Duration::from_millis(250);

/// Looks at all sessions: what the superuser sees.
async fn look() -> Result<Client, Failure> {
    let url = std::env::var("TEST_DATABASE_URL")?;
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn count(db: &Client, query: &str) -> Result<u64, Failure> {
    Ok(u64::try_from(db.query_one(query, &[]).await?.get::<_, i64>(0))?)
}

/// How many are left when all should have ended, at the latest after this time.
pub(super) async fn left_after(patience: Duration) -> Result<u64, Failure> {
    let db = look().await?;
    let began = Instant::now();
    loop {
        let left = count(&db, COUNT).await?;
        if left == 0 || began.elapsed() > patience {
            return Ok(left);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// How many hold a transaction open while nobody asks them anything.
pub(super) async fn in_transaction() -> Result<u64, Failure> {
    count(&look().await?, IN_TRANSACTION).await
}

/// The processor's time of all sessions that have ended.
pub(super) async fn servers_time() -> Result<Duration, Failure> {
    let db = look().await?;
    let session: i32 = db.query_one("select pg_backend_pid()", &[]).await?.get(0);
    let session = processor::of(u32::try_from(session)?)?;
    Ok(processor::of(session.parent)?.by_children)
}

/// Counts sessions again and again.
pub(super) struct Watch {
    stop: oneshot::Sender<()>,
    watching: JoinHandle<Result<u64, Failure>>,
}

impl Watch {
    pub(super) async fn begin() -> Result<Self, Failure> {
        let db = look().await?;
        let (stop, mut stopped) = oneshot::channel();
        let watching = tokio::spawn(async move {
            let mut most = 0;
            loop {
                most = most.max(count(&db, COUNT).await?);
                tokio::select! {
                    _ = &mut stopped => return Ok(most),
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        });
        Ok(Self { stop, watching })
    }

    /// The most that there ever were.
    pub(super) async fn end(self) -> Result<u64, Failure> {
        // It may have failed, which it tells itself.
        let _ = self.stop.send(());
        self.watching.await?
    }
}
