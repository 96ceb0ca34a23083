//! Out: claimed events are written to Google, each under its own claim, several at a time.
//!
//! A claim is taken and what will be sent is stored before Google is asked; no transaction is open meanwhile. Whatever
//! happens to this process, the next claimant finds either the outcome or the fact that it is unknown, and looks first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde::Serialize;
use uuid::Uuid;

use super::content::Content;
use super::plan::{Step, next_step};
use super::queries::claim::{self, Claimed, Pushed, Waiting};
use super::queries::state::{lock_state, write_state};
use super::reconcile::{Seen, Sighting};
use super::{STORE_MARGIN, Sync, SyncError};
use crate::backoff::Backoff;
use crate::bus::Message;
use crate::deadline::Deadline;
use crate::google::{Error, Gone, ListedEvent};

/// Events claimed at once.
const BATCH: i64 = 40;
/// Calls to Google at once.
const CONCURRENCY: usize = 8;
/// How long a claim lasts. A batch ends well before: see [`BATCH_TIME`].
const CLAIM: Duration = Duration::from_mins(1);
/// A batch's share of its claims' time; the rest is for storing what came of it.
const BATCH_TIME: Duration = Duration::from_secs(45);
/// How often a push by hand looks whether another run has let go of its claims.
const CLAIM_POLL: Duration = Duration::from_millis(100);
/// Waits between tries of one event over several runs.
const RETRY: Backoff = Backoff {
    first: Duration::from_secs(5),
    most: Duration::from_mins(5),
};
/// Tries of one event in one run; an event that somebody edits all the time is left to the next one.
const MOST_TRIES: u32 = 5;
/// A used-up quota comes back with a new day or minute; asking more often only uses up the next one.
const QUOTA_PAUSE: Duration = Duration::from_mins(15);

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

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.failed += other.failed;
        self.pending += other.pending;
    }
}

/// What one try of one event came to.
enum Tried {
    Created,
    Updated,
    Deleted,
    Parked,
    /// Nothing to count.
    Other,
    /// The fault lies with the calendar as a whole.
    Stop(Error),
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
        let mut counts = self.push(calendar_id, deadline).await?;
        while self.waiting(calendar_id, deadline).await?.claimed > 0 && wait_until.allows(CLAIM_POLL) {
            tokio::time::sleep(CLAIM_POLL).await;
            let pending_before = counts.pending;
            counts += self.push(calendar_id, deadline).await?;
            counts.pending -= pending_before;
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

    /// Writes what is due of a calendar to Google, until nothing is or the time is over.
    pub async fn push(&self, calendar_id: &str, deadline: Deadline) -> Result<Counts, SyncError> {
        let mut counts = Counts::default();
        let mut attempts: HashMap<String, u32> = HashMap::new();
        while deadline.allows(2 * STORE_MARGIN) {
            let claim = Uuid::new_v4();
            let claimed = self
                .db
                .read(deadline, async |client| {
                    claim::claim_due(client, calendar_id, claim, CLAIM, BATCH).await
                })
                .await?;
            if claimed.is_empty() {
                break;
            }
            let batch = Batch {
                sync: self,
                calendar_id,
                claim,
                deadline: deadline.at_most(BATCH_TIME),
            };
            for one in &claimed {
                *attempts.entry(one.event.event_id.clone()).or_default() += 1;
            }
            if let Some(error) = batch.run(claimed, &attempts, &mut counts).await? {
                batch.release().await?;
                return Err(error.into());
            }
        }
        counts.pending = self.waiting(calendar_id, deadline).await?.pending;
        Ok(counts)
    }
}

/// Events under one claim.
struct Batch<'a> {
    sync: &'a Sync<'a>,
    calendar_id: &'a str,
    claim: Uuid,
    deadline: Deadline,
}

impl Batch<'_> {
    /// Tries each event once. Answers the fault that concerns the whole calendar, if one was met.
    async fn run(
        &self,
        claimed: Vec<Claimed>,
        attempts: &HashMap<String, u32>,
        counts: &mut Counts,
    ) -> Result<Option<Error>, SyncError> {
        let planned: Vec<_> = claimed
            .into_iter()
            .map(|claimed| {
                let (step, content) = next_step(&claimed.event, &claimed.appointment);
                (claimed, step, content)
            })
            .collect();
        self.record_sent(&planned).await?;

        let stopped = AtomicBool::new(false);
        let outcomes = stream::iter(planned)
            .map(async |(claimed, step, _)| {
                if stopped.load(Ordering::Relaxed) {
                    return Ok(Tried::Other);
                }
                let tried = match attempts.get(&claimed.event.event_id) {
                    Some(attempts) if *attempts > MOST_TRIES => self.give_up_for_now(&claimed).await,
                    _ => self.try_one(&claimed, step).await,
                };
                if !matches!(
                    tried,
                    Ok(Tried::Created | Tried::Updated | Tried::Deleted | Tried::Parked | Tried::Other)
                ) {
                    stopped.store(true, Ordering::Relaxed);
                }
                tried
            })
            .buffer_unordered(CONCURRENCY)
            .collect::<Vec<_>>()
            .await;

        let mut stop = None;
        for outcome in outcomes {
            match outcome? {
                Tried::Created => counts.created += 1,
                Tried::Updated => counts.updated += 1,
                Tried::Deleted => counts.deleted += 1,
                Tried::Parked => counts.failed += 1,
                Tried::Other => {}
                Tried::Stop(error) => stop = Some(error),
            }
        }
        Ok(stop)
    }

    async fn record_sent(&self, planned: &[(Claimed, Step, Option<Content>)]) -> Result<(), SyncError> {
        let sent: Vec<_> = planned
            .iter()
            .filter_map(|(claimed, _, content)| Some((claimed.event.event_id.as_str(), content.as_ref()?)))
            .collect();
        if !sent.is_empty() {
            let db = self.sync.db;
            db.read(self.deadline, async |client| {
                claim::record_sent(client, self.calendar_id, self.claim, &sent).await
            })
            .await?;
        }
        Ok(())
    }

    async fn release(&self) -> Result<(), SyncError> {
        let db = self.sync.db;
        db.read(self.deadline, async |client| {
            claim::release_claims(client, self.calendar_id, self.claim).await
        })
        .await?;
        Ok(())
    }

    async fn try_one(&self, claimed: &Claimed, step: Step) -> Result<Tried, SyncError> {
        let google = self.sync.google;
        let event_id = &claimed.event.event_id;
        let calendar_id = self.calendar_id;
        let until = self.deadline.leaving(STORE_MARGIN);
        let version = claimed.appointment.version;
        let written = match step {
            Step::Nothing => {
                self.store(event_id, &Pushed::ShownAlready { version }).await?;
                return Ok(Tried::Other);
            }
            Step::NothingToDelete => {
                self.store(event_id, &Pushed::Gone).await?;
                return Ok(Tried::Other);
            }
            Step::Look => return self.look(claimed).await,
            Step::Delete { etag } => {
                return match google.delete_event(calendar_id, event_id, &etag, until).await {
                    Ok(()) | Err(Error::Gone(_)) => {
                        self.store(event_id, &Pushed::Gone).await?;
                        Ok(Tried::Deleted)
                    }
                    Err(error) => self.failed(claimed, error).await,
                };
            }
            Step::Insert(event) => (
                google.insert_event(calendar_id, &event, until).await,
                Tried::Created,
            ),
            Step::Patch { etag, patch } => (
                google
                    .patch_event(calendar_id, event_id, &patch, &etag, until)
                    .await,
                Tried::Updated,
            ),
        };
        match written {
            (Ok(event), counted) => {
                let agreed = Content::of(&event, self.sync.clinic_zone);
                self.store(
                    event_id,
                    &Pushed::Shown {
                        version,
                        etag: &event.etag,
                        agreed: &agreed,
                    },
                )
                .await?;
                Ok(counted)
            }
            (Err(error), _) => self.failed(claimed, error).await,
        }
    }

    async fn failed(&self, claimed: &Claimed, error: Error) -> Result<Tried, SyncError> {
        let event_id = &claimed.event.event_id;
        match error {
            // Somebody was faster, or an earlier write of ours arrived after all.
            Error::PreconditionFailed | Error::AlreadyExists | Error::Gone(_) => self.look(claimed).await,
            Error::Refused(refusal) => {
                let reason = refusal.to_string();
                tracing::warn!(
                    appointment.id = %claimed.appointment.id, event.id = event_id, google.reason = refusal.reason.as_str(),
                    "Google refused an event for good, it is parked"
                );
                self.store(event_id, &Pushed::Parked { reason: &reason }).await?;
                Ok(Tried::Parked)
            }
            error => {
                let failures = u32::try_from(claimed.attempts).unwrap_or(0) + 1;
                let retry_in = match &error {
                    Error::RetryAfter { after, .. } => *after,
                    _ => RETRY.pause(failures),
                };
                let (reason, outcome_unknown) = (error.to_string(), error.outcome_unknown());
                self.store(
                    event_id,
                    &Pushed::Failed {
                        retry_in,
                        reason: &reason,
                        outcome_unknown,
                    },
                )
                .await?;
                self.cool_down(&error).await?;
                Ok(if error.concerns_whole_calendar() {
                    Tried::Stop(error)
                } else {
                    Tried::Other
                })
            }
        }
    }

    /// Leaves the calendar alone for as long as Google asked.
    async fn cool_down(&self, error: &Error) -> Result<(), SyncError> {
        let pause = match error {
            Error::RetryAfter { after, .. } => *after,
            Error::QuotaExceeded { .. } => QUOTA_PAUSE,
            _ => return Ok(()),
        };
        let db = self.sync.db;
        db.read(self.storing(), async |client| {
            claim::cool_down(client, self.calendar_id, pause).await
        })
        .await?;
        Ok(())
    }

    async fn give_up_for_now(&self, claimed: &Claimed) -> Result<Tried, SyncError> {
        let reason = "the event keeps changing in Google Calendar";
        let outcome_unknown = claimed.event.sent.is_some();
        let failed = Pushed::Failed {
            retry_in: RETRY.first,
            reason,
            outcome_unknown,
        };
        self.store(&claimed.event.event_id, &failed).await?;
        Ok(Tried::Other)
    }

    /// Sees what Google shows of one event and works it in, as a pull would. What is still to be written afterwards
    /// is due at once.
    async fn look(&self, claimed: &Claimed) -> Result<Tried, SyncError> {
        let event = &claimed.event;
        let until = self.deadline.leaving(STORE_MARGIN);
        let sighting = match self
            .sync
            .google
            .get_event(self.calendar_id, &event.event_id, until)
            .await
        {
            Ok(ListedEvent::Live(live)) if Some(&live.etag) == event.etag.as_ref() => {
                self.store(&event.event_id, &Pushed::NotWritten).await?;
                return Ok(Tried::Other);
            }
            Ok(ListedEvent::Live(live)) => Sighting::Live(live),
            Ok(ListedEvent::Cancelled(tombstone)) => Sighting::Gone {
                event_id: event.event_id.clone(),
                at: tombstone.updated,
            },
            Ok(ListedEvent::Unreadable { .. }) => {
                let reason = "Google Calendar shows the event in a form that is not understood";
                self.store(&event.event_id, &Pushed::Parked { reason }).await?;
                return Ok(Tried::Parked);
            }
            Err(Error::Gone(Gone::NotFound)) if event.seen == Seen::Never => {
                self.store(&event.event_id, &Pushed::NotWritten).await?;
                return Ok(Tried::Other);
            }
            Err(Error::Gone(_)) => Sighting::Gone {
                event_id: event.event_id.clone(),
                at: None,
            },
            Err(error) => return Box::pin(self.failed(claimed, error)).await,
        };
        self.work_in(&sighting).await?;
        Ok(Tried::Other)
    }

    async fn work_in(&self, sighting: &Sighting) -> Result<(), SyncError> {
        let (calendar_id, event_id) = (self.calendar_id, sighting.event_id());
        let changed = self
            .sync
            .db
            .transaction(self.storing(), async |tx| {
                let mut state = lock_state(tx, calendar_id, &[event_id]).await?;
                if !claim::lock_claim(tx, calendar_id, event_id, self.claim).await? {
                    return Ok(Vec::new());
                }
                state.see(sighting, self.sync.clinic_zone);
                write_state(tx, calendar_id, &state).await?;
                Ok(state.changes(calendar_id))
            })
            .await?;
        self.sync.bus.announce(&changed).await;
        Ok(())
    }

    async fn store(&self, event_id: &str, outcome: &Pushed<'_>) -> Result<(), SyncError> {
        let (calendar_id, claim) = (self.calendar_id, self.claim);
        self.sync
            .db
            .read(self.storing(), async |client| {
                claim::store_pushed(client, calendar_id, event_id, claim, outcome).await
            })
            .await?;
        Ok(())
    }

    /// What Google answered is worth storing even when its own time is nearly over.
    fn storing(&self) -> Deadline {
        self.deadline.max(Deadline::after(STORE_MARGIN))
    }
}

impl super::reconcile::State {
    /// What is to be told on the bus of a person's changes.
    pub(super) fn changes(&self, calendar_id: &str) -> Vec<Message> {
        self.appointments
            .values()
            .filter_map(|appointment| {
                Some(Message::AppointmentChanged {
                    appointment_id: appointment.id,
                    calendar_id: calendar_id.to_owned(),
                    version: appointment.version,
                    change: appointment.change?.as_str().to_owned(),
                    origin: crate::bus::Origin::GoogleCalendar,
                })
            })
            .collect()
    }
}
