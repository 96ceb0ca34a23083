//! Who may use the connection when, and what is run again when it breaks.

use std::time::Duration;

use futures_util::TryFutureExt;
use futures_util::future::try_join;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::connect::connect;
use super::connection::{Live, Pulse};
use super::error::{DatabaseError, Fault, Unavailable};
use super::limits::OF_A_TRANSACTION;
use super::runs::Runs;
use super::url::DatabaseUrl;
use super::work::{InTransaction, Outcome, Statements};
use crate::deadline::Deadline;
use crate::settings::Rotating;

/// No work of ours takes the database this long: after it the connection counts as dead.
const WORK_LIMIT: Duration = Duration::from_secs(15);

/// The database as this process sees it. Made without connecting.
#[derive(Debug)]
pub struct Database {
    url: Rotating<DatabaseUrl>,
    /// Shared by statements, exclusive for a transaction and for replacing the connection.
    slot: RwLock<Option<Live>>,
}

impl Database {
    /// The database at `url`.
    #[must_use]
    pub fn new(url: impl Into<Rotating<DatabaseUrl>>) -> Self {
        Self {
            url: url.into(),
            slot: RwLock::new(None),
        }
    }

    /// Opens the connection now, so that the first request does not wait for it.
    pub async fn connect(&self, deadline: Deadline) -> Result<(), DatabaseError> {
        self.shared(deadline).await.map(drop)
    }

    /// Runs statements that may be run again: reads, and writes that come to the same when repeated. If the connection
    /// broke they are run once more on a new one.
    ///
    /// Several reads and writes may run at once on the one connection. `work` must not wait for anything but the database,
    /// least of all for another method of this type: a transaction that waits for its turn would hold up both.
    pub fn read<'a, T: Send + 'a>(
        &'a self,
        deadline: Deadline,
        work: impl Statements<T> + 'a,
    ) -> Outcome<'a, T> {
        Box::pin(async move { self.read_repeatedly(deadline, &work).await })
    }

    /// Runs one statement that writes and must not take effect twice. If the connection broke, `committed` is asked on a
    /// new one: `Some` is the statement's result, found in the tables; `None` has the statement run once more.
    ///
    /// The statement must carry its own identity (a chosen id, a version that it expects): the first run may still be
    /// under way on the server when the second begins, and only a constraint can decide between them.
    pub fn write<'a, T: Send + 'a>(
        &'a self,
        deadline: Deadline,
        work: impl Statements<T> + 'a,
        committed: impl Statements<Option<T>> + 'a,
    ) -> Outcome<'a, T> {
        Box::pin(async move {
            let mut runs = Runs::until(deadline);
            loop {
                match self.run(deadline, &work).await {
                    Ok(value) => return Ok(value),
                    Err(fault) => {
                        if runs.may_have_landed(&fault)
                            && let Some(value) = self.read_repeatedly(deadline, &committed).await?
                        {
                            return Ok(value);
                        }
                        runs.another_after(fault).await?;
                    }
                }
            }
        })
    }

    /// Runs several statements as one transaction, alone on the connection. If `work` fails, for example with
    /// [`DatabaseError::RolledBack`], or if the future is dropped, the transaction is rolled back. `work` must not pause for
    /// seconds between its statements: the server would take the process for dead.
    ///
    /// `work` runs again if other transactions stood in its way, or once if the connection broke; in that case the first
    /// run may have been committed. It must therefore look at the tables before it writes (a lease, a claim, a version)
    /// and find nothing to do the second time.
    pub fn transaction<'a, T: Send + 'a>(
        &'a self,
        deadline: Deadline,
        work: impl InTransaction<T> + 'a,
    ) -> Outcome<'a, T> {
        Box::pin(async move { self.transact(deadline, Some(WORK_LIMIT), &work).await })
    }

    /// The same for a command that somebody waits for: the whole may take until the deadline, each of its statements no
    /// longer than ever.
    pub fn long_transaction<'a, T: Send + 'a>(
        &'a self,
        deadline: Deadline,
        work: impl InTransaction<T> + 'a,
    ) -> Outcome<'a, T> {
        Box::pin(async move { self.transact(deadline, None, &work).await })
    }

    async fn transact<T: Send>(
        &self,
        deadline: Deadline,
        limit: Option<Duration>,
        work: &impl InTransaction<T>,
    ) -> Result<T, DatabaseError> {
        let mut runs = Runs::until(deadline);
        loop {
            match self.run_alone(deadline, limit, work).await {
                Ok(value) => return Ok(value),
                Err(fault) => runs.another_after(fault).await?,
            }
        }
    }

    async fn read_repeatedly<T: Send>(
        &self,
        deadline: Deadline,
        work: &impl Statements<T>,
    ) -> Result<T, DatabaseError> {
        let mut runs = Runs::until(deadline);
        loop {
            match self.run(deadline, work).await {
                Ok(value) => return Ok(value),
                Err(fault) => runs.another_after(fault).await?,
            }
        }
    }

    async fn run<T: Send>(&self, deadline: Deadline, work: &impl Statements<T>) -> Result<T, Fault> {
        let live = self.shared(deadline).await.map_err(Fault::Final)?;
        let (client, pulse) = live.parts();
        observed(pulse, deadline, Some(WORK_LIMIT), work(client)).await
    }

    async fn run_alone<T: Send>(
        &self,
        deadline: Deadline,
        limit: Option<Duration>,
        work: &impl InTransaction<T>,
    ) -> Result<T, Fault> {
        let mut slot = self.exclusive(deadline).await.map_err(Fault::Final)?;
        let Some(live) = slot.as_mut() else {
            return Err(Fault::Lost);
        };
        let (client, pulse) = live.parts_mut();
        let in_transaction = async {
            let transaction = client.transaction().await?;
            let limits = transaction
                .batch_execute(OF_A_TRANSACTION)
                .map_err(DatabaseError::from);
            // Sent ahead of the first statement, not waited for before it: they cost no round trip.
            let ((), value) = try_join(limits, work(&transaction)).await?;
            transaction.commit().await?;
            Ok::<_, DatabaseError>(value)
        };
        observed(pulse, deadline, limit, in_transaction).await
    }

    /// The connection, to be shared with other statements.
    async fn shared(&self, deadline: Deadline) -> Result<RwLockReadGuard<'_, Live>, DatabaseError> {
        let slot = deadline
            .bound(self.slot.read())
            .await
            .map_err(|_| Unavailable::Slow)?;
        let slot = if is_alive(slot.as_ref(), deadline).await {
            slot
        } else {
            drop(slot);
            self.exclusive(deadline).await?.downgrade()
        };
        RwLockReadGuard::try_map(slot, Option::as_ref).map_err(|_| Unavailable::Broken.into())
    }

    /// The slot with a live connection in it, and nobody else using it.
    async fn exclusive(
        &self,
        deadline: Deadline,
    ) -> Result<RwLockWriteGuard<'_, Option<Live>>, DatabaseError> {
        let mut slot = deadline
            .bound(self.slot.write())
            .await
            .map_err(|_| Unavailable::Slow)?;
        if !is_alive(slot.as_ref(), deadline).await {
            *slot = None;
            *slot = Some(self.open(deadline).await?);
        }
        Ok(slot)
    }

    async fn open(&self, deadline: Deadline) -> Result<Live, DatabaseError> {
        let url = self.url.current();
        match connect(&url, deadline).await {
            // The password may have been replaced.
            Err(refused @ DatabaseError::Misconfigured(_)) => match self.url.instead_of(&url, deadline).await
            {
                Some(newer) => connect(&newer, deadline).await,
                None => Err(refused),
            },
            opened => opened,
        }
    }
}

async fn is_alive(live: Option<&Live>, deadline: Deadline) -> bool {
    match live {
        Some(live) => live.is_alive(deadline).await,
        None => false,
    }
}

/// Waits for work that is under way on a connection, and keeps account of whether the connection lives: one that takes
/// longer than `limit` is dead.
async fn observed<T, E: Into<Fault>>(
    pulse: &Pulse,
    deadline: Deadline,
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, Fault> {
    let limit = limit.map_or(deadline, |limit| deadline.at_most(limit));
    match limit.bound(work).await {
        Ok(Ok(value)) => {
            pulse.answered();
            Ok(value)
        }
        Ok(Err(error)) => {
            let fault = error.into();
            if matches!(fault, Fault::Lost) {
                pulse.condemn();
            } else {
                pulse.answered();
            }
            Err(fault)
        }
        Err(_) if limit < deadline => {
            pulse.condemn();
            Err(Fault::Lost)
        }
        // The caller's time is up, which says nothing about the connection; the next user looks.
        Err(_) => {
            pulse.doubt();
            Err(Fault::Final(Unavailable::Slow.into()))
        }
    }
}
