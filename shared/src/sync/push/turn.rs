//! A push's turn to ask Google, among all who do.

use std::time::Duration;

use tokio::time::Instant;

use super::batch::Batch;
use crate::sync::queries::quota::{Judge, reserve_one};
use crate::sync::{STORE_MARGIN, Sync, SyncError};

/// With less time than this left for Google's answer none is asked for: what becomes of a write would only be unknown.
const CALL: Duration = Duration::from_secs(1);

impl Sync<'_> {
    /// Pushes leave some calls to pulls.
    pub(super) fn judge_pushes(&self) -> Judge<'_> {
        Judge::of(self.google, self.google.quota().writes)
    }
}

impl Batch<'_> {
    /// Waits until Google may be asked once more. Answers for how long to leave the event alone, if there is no time to ask,
    /// or less than would have to be waited.
    pub(super) async fn turn(&self) -> Result<Option<Duration>, SyncError> {
        let until = self.deadline.leaving(STORE_MARGIN);
        let patient_until = until.at_most(self.patience);
        if !until.allows(CALL) {
            return Ok(Some(Duration::ZERO));
        }
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
            if !(patient_until.allows(wait) && until.allows(wait + CALL)) {
                return Ok(Some(wait));
            }
            tokio::time::sleep(wait).await;
        }
        Ok(None)
    }
}
