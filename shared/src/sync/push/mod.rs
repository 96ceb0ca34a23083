//! Out: claimed events are written to Google, each under its own claim, several at a time.
//!
//! A claim is taken and what will be sent is stored before Google is asked; no transaction is open meanwhile. Whatever
//! happens to this process, the next claimant finds either the outcome or the fact that it is unknown, and looks first.

mod batch;
mod flow;
mod turn;
mod words;

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::queries::claim::{self, Waiting};
use super::turns::Turns;
use super::{Sync, SyncError};
use crate::deadline::Deadline;
use crate::telemetry::metrics::{PUSH_DURATION, PUSHED, PUSHES_FAILED};
use batch::Tried;
use flow::Flow;

/// How often a push by hand looks whether another run has let go of its claims.
const CLAIM_POLL: Duration = Duration::from_millis(100);

/// What a push did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Events that came to be.
    pub created: u32,
    /// Events that were changed.
    pub updated: u32,
    /// Events that were deleted.
    pub deleted: u32,
    /// Events that Google refused for good in this run.
    pub failed: u32,
    /// Events that still wait.
    pub pending: i64,
}

impl Counts {
    fn note(&mut self, tried: &Tried) {
        match tried {
            Tried::Created => self.created += 1,
            Tried::Updated => self.updated += 1,
            Tried::Deleted => self.deleted += 1,
            Tried::Parked => self.failed += 1,
            Tried::Other | Tried::Stop(_) => {}
        }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.failed += other.failed;
        self.pending += other.pending;
    }
}

impl Sync<'_> {
    /// Makes everything of a calendar due at once, parked events included, and pushes it. What another run is writing
    /// meanwhile is waited for, up to `patience`.
    pub async fn push_all(
        &self,
        calendar_id: &str,
        patience: Duration,
        deadline: Deadline,
    ) -> Result<Counts, SyncError> {
        self.db
            .read(deadline, async |client| {
                claim::make_all_due(client, calendar_id).await
            })
            .await?;
        let wait_until = deadline.at_most(patience);
        let (mut counts, mut waiting) = self
            .push_measured(calendar_id, deadline.remaining(), deadline)
            .await?;
        while waiting.claimed > 0 && wait_until.allows(CLAIM_POLL) {
            tokio::time::sleep(CLAIM_POLL).await;
            let more;
            (more, waiting) = self
                .push_measured(calendar_id, deadline.remaining(), deadline)
                .await?;
            counts += more;
            counts.pending = waiting.pending;
        }
        Ok(counts)
    }

    async fn waiting(&self, calendar_id: &str, deadline: Deadline) -> Result<Waiting, SyncError> {
        let waiting = self
            .db
            .read(deadline, async |client| {
                claim::count_waiting(client, calendar_id).await
            })
            .await?;
        Ok(waiting)
    }

    /// Writes what is due of a calendar to Google, until nothing is or the time is over. Where Google takes no more calls
    /// for now, they are waited for as long as `patience`; the rest is left to a later run.
    pub async fn push(
        &self,
        calendar_id: &str,
        patience: Duration,
        deadline: Deadline,
    ) -> Result<Counts, SyncError> {
        let (counts, _) = self.push_measured(calendar_id, patience, deadline).await?;
        Ok(counts)
    }

    async fn push_measured(
        &self,
        calendar_id: &str,
        patience: Duration,
        deadline: Deadline,
    ) -> Result<(Counts, Waiting), SyncError> {
        let began = Instant::now();
        let mut counts = Counts::default();
        let flow = Flow {
            sync: self,
            calendar_id,
            deadline,
            patience,
            turns: &Turns::default(),
        };
        // On the heap: with all that is on its way it is a large future.
        let pushed = Box::pin(flow.run(&mut counts)).await;
        measure(pushed.is_ok().then_some(&counts), began.elapsed());
        let waiting = pushed?;
        counts.pending = waiting.pending;
        Ok((counts, waiting))
    }
}

fn measure(pushed: Option<&Counts>, took: Duration) {
    let Some(counts) = pushed else {
        return PUSHES_FAILED.one();
    };
    let changes = [
        ("created", counts.created),
        ("updated", counts.updated),
        ("deleted", counts.deleted),
        ("failed", counts.failed),
    ];
    if changes.iter().any(|(_, number)| *number > 0) {
        PUSH_DURATION.took(took);
    }
    for (change, number) in changes {
        PUSHED.add(change, number.into());
    }
}
