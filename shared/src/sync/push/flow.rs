//! The flow of a push: the next events are claimed while the last ones are on their way, so that nobody waits for anybody.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Fuse, FusedFuture, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::Counts;
use super::batch::{Batch, Planned, Tried};
use crate::deadline::Deadline;
use crate::google;
use crate::sync::queries::claim::{self, Waiting};
use crate::sync::turns::{Grant, Turns};
use crate::sync::{STORE_MARGIN, Sync, SyncError};

/// Events claimed at once.
const BATCH: u32 = 40;
/// How long a claim lasts. A batch ends well before: see [`BATCH_TIME`].
const CLAIM: Duration = Duration::from_mins(1);
/// A batch's share of its claims' time; the rest is for storing what came of it.
const BATCH_TIME: Duration = Duration::from_secs(45);
/// Calls to Google at once. Fewer events than that left to begin with: more are claimed.
const CONCURRENCY: usize = 8;

/// A push of one calendar.
#[derive(Clone, Copy)]
pub(super) struct Flow<'a> {
    pub(super) sync: &'a Sync<'a>,
    pub(super) calendar_id: &'a str,
    pub(super) deadline: Deadline,
    /// How long calls are waited for that Google does not take yet.
    pub(super) patience: Duration,
    pub(super) turns: &'a Turns,
}

/// What a claim brought.
struct Supply<'a> {
    batch: Batch<'a>,
    claimed: usize,
    planned: Vec<Planned>,
    grant: Grant,
    waiting: Waiting,
}

/// Why nothing more is begun.
enum Stop {
    /// The fault lies with the calendar as a whole.
    Calendar(google::Error),
    Failed(SyncError),
}

impl<'a> Flow<'a> {
    /// Writes what is due until nothing is or the time is over. Answers what waits yet.
    pub(super) async fn run(self, counts: &mut Counts) -> Result<Waiting, SyncError> {
        let mut attempts: HashMap<String, u32> = HashMap::new();
        let mut claims: Vec<Uuid> = Vec::new();
        let mut ready: VecDeque<(Batch<'a>, Planned)> = VecDeque::new();
        let mut under_way = FuturesUnordered::new();
        let mut claiming = pin!(Fuse::terminated());
        // Whether the last claim was made with nothing on its way, which makes nothing due any more; and whether it left
        // nothing that is due.
        let (mut alone, mut dry) = (false, false);
        // Until when calls are waited for, since there are none.
        let mut patient_until = None;
        let mut pause = None;
        let mut stop = None;
        loop {
            if stop.is_none() {
                while under_way.len() < CONCURRENCY
                    && let Some((batch, planned)) = ready.pop_front()
                {
                    under_way.push(batch.attempt(planned));
                }
                let wants_more =
                    ready.len() < CONCURRENCY && (!dry || under_way.is_empty()) && pause.is_none();
                if wants_more && claiming.is_terminated() && self.deadline.allows(2 * STORE_MARGIN) {
                    alone = under_way.is_empty();
                    claiming.set(self.claim().fuse());
                }
            }
            let until = pause.unwrap_or_else(Instant::now);
            tokio::select! {
                Some(tried) = under_way.next(), if !under_way.is_empty() => match tried {
                    Ok(Tried::Stop(error)) => stop = stop.or(Some(Stop::Calendar(error))),
                    Ok(tried) => counts.note(&tried),
                    Err(error) => stop = stop.or(Some(Stop::Failed(error))),
                },
                supply = claiming.as_mut(), if !claiming.is_terminated() => match supply {
                    Ok(supply) => {
                        claims.push(supply.batch.claim);
                        let wait = supply.grant.free_in.map(|free_in| self.sync.google.quota().wait(free_in));
                        if supply.claimed > 0 {
                            patient_until = None;
                        }
                        // Whoever is at work on the calendar goes on with all that is due: one that waits is enough.
                        let left_to_others = alone && supply.waiting.claimed > 0;
                        match wait {
                            _ if supply.claimed == BATCH as usize => dry = false,
                            Some(_) if supply.claimed > 0 => {}
                            Some(wait) if !left_to_others && self.may_wait(wait, &mut patient_until) => {
                                pause = Some(Instant::now() + wait);
                            }
                            None | Some(_) => dry = true,
                        }
                        if supply.claimed == 0 && alone && pause.is_none() {
                            return Ok(supply.waiting);
                        }
                        for mut planned in supply.planned {
                            let before = attempts.entry(planned.event_id().to_owned()).or_default();
                            planned.tries = *before;
                            *before += 1;
                            ready.push_back((supply.batch, planned));
                        }
                    }
                    Err(error) => stop = stop.or(Some(Stop::Failed(error))),
                },
                () = sleep_until(until), if pause.is_some() && stop.is_none() => pause = None,
                else => break,
            }
        }
        match stop {
            None => self.sync.waiting(self.calendar_id, self.deadline).await,
            Some(Stop::Failed(error)) => Err(error),
            Some(Stop::Calendar(error)) => {
                let unsent = ready.iter().filter(|(_, planned)| planned.writes());
                let unsent: Vec<_> = unsent.map(|(_, planned)| planned.event_id()).collect();
                self.release(&claims, &unsent).await?;
                Err(error.into())
            }
        }
    }

    /// Whether there is time and patience to wait for calls; `patient_until` is set where the waiting begins.
    fn may_wait(self, wait: Duration, patient_until: &mut Option<Deadline>) -> bool {
        let patient_until = *patient_until.get_or_insert_with(|| Deadline::after(self.patience));
        patient_until.allows(wait) && self.deadline.allows(wait + 2 * STORE_MARGIN)
    }

    /// Claims what is due next, and stores what will be sent of it.
    async fn claim(self) -> Result<Supply<'a>, SyncError> {
        let claim = Uuid::new_v4();
        let judge = self.sync.judge_pushes();
        let db = self.sync.db;
        let due = db
            .read(self.deadline, async |client| {
                claim::claim_due(client, self.calendar_id, claim, CLAIM, BATCH, &judge).await
            })
            .await?;
        let batch = Batch {
            sync: self.sync,
            calendar_id: self.calendar_id,
            claim,
            deadline: self.deadline.at_most(BATCH_TIME),
            patience: self.patience,
            turns: self.turns,
        };
        self.turns.add(due.grant);
        Ok(Supply {
            batch,
            claimed: due.claimed.len(),
            planned: batch.plan(due.claimed).await?,
            grant: due.grant,
            waiting: due.waiting,
        })
    }

    async fn release(self, claims: &[Uuid], unsent: &[&str]) -> Result<(), SyncError> {
        let db = self.sync.db;
        db.read(self.deadline, async |client| {
            claim::release_claims(client, self.calendar_id, claims, unsent).await
        })
        .await?;
        Ok(())
    }
}
