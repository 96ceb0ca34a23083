//! A push's turn to ask Google, among all who do.

use std::time::Duration;

use tokio::time::Instant;

use super::batch::Batch;
use crate::sync::queries::quota::{Judge, reserve_one};
use crate::sync::{STORE_MARGIN, Sync, SyncError};

impl Sync<'_> {
    /// Pushes leave some calls to pulls.
    pub(super) fn judge_pushes(&self) -> Judge {
        let quota = self.google.quota();
        Judge::of(quota, quota.writes, self.google.take_uncounted())
    }
}

impl Batch<'_> {
    /// Waits until Google may be asked once more. Answers for how long to leave it alone, if that is longer than there is
    /// time for.
    pub(super) async fn turn(&self) -> Result<Option<Duration>, SyncError> {
        let until = self.deadline.leaving(STORE_MARGIN);
        // What was reserved with the claim is good for a short time only, and a look was not reckoned with.
        while !self.turns.take(Instant::now()) {
            let judge = self.sync.judge_pushes();
            let db = self.sync.db;
            let grant = db
                .read(self.deadline, async |client| reserve_one(client, &judge).await)
                .await?;
            self.turns.add(grant);
            let Some(free_in) = grant.free_in else { continue };
            let wait = self.sync.google.quota().wait(free_in);
            if !until.allows(wait) {
                return Ok(Some(wait));
            }
            tokio::time::sleep(wait).await;
        }
        Ok(None)
    }
}
