//! A pull's turn to ask Google, among all who do.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::{LEASE, LONGEST_WAIT, Pull};
use crate::sync::queries::lease;
use crate::sync::queries::quota::Judge;
use crate::sync::{STORE_MARGIN, Sync, SyncError};

impl Sync<'_> {
    /// Pulls may take all the calls there are.
    pub(super) fn judge_pulls(&self) -> Judge<'_> {
        Judge::of(self.google, self.google.quota().all)
    }
}

impl Pull<'_> {
    /// Waits until Google may be asked once more, and keeps the lease meanwhile.
    pub(super) async fn turn(&self) -> Result<(), SyncError> {
        while !self.turns.take(Instant::now()) {
            let (_, free_in) = self.prolong_and_reserve().await?;
            let Some(free_in) = free_in else { continue };
            let wait = self.sync.google.quota().wait(free_in);
            if !self.deadline.allows(wait + 2 * STORE_MARGIN) {
                return Err(SyncError::CoolingDown { after: wait });
            }
            tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
        }
        Ok(())
    }

    /// Prolongs the lease, and reserves the next call. Answers the database's time.
    pub(super) async fn prolong(&self) -> Result<DateTime<Utc>, SyncError> {
        let (renewed_at, _) = self.prolong_and_reserve().await?;
        Ok(renewed_at)
    }

    /// Answers, too, in what time there may be a call, if there is none now.
    async fn prolong_and_reserve(&self) -> Result<(DateTime<Utc>, Option<Duration>), SyncError> {
        let judge = self.sync.judge_pulls();
        let db = self.sync.db;
        let renewed = db
            .read(self.deadline, async |client| {
                lease::renew_lease(client, self.calendar_id, self.owner, LEASE, &judge).await
            })
            .await?;
        let (renewed_at, grant) = renewed.ok_or(SyncError::OutOfTime)?;
        self.turns.add(grant);
        Ok((renewed_at, grant.free_in))
    }
}
