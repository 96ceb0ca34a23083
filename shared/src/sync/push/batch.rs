//! One batch of events under one claim: each is tried once.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::words::{KEEPS_CHANGING, NOT_UNDERSTOOD, for_people};
use crate::backoff::Backoff;
use crate::bus::Message;
use crate::deadline::Deadline;
use crate::google::{Error, Gone, ListedEvent};
use crate::sync::content::Content;
use crate::sync::plan::{Step, next_step};
use crate::sync::queries::claim::{self, Claimed, Pushed};
use crate::sync::queries::state::{lock_state, write_state};
use crate::sync::reconcile::{Seen, Sighting, State};
use crate::sync::turns::Turns;
use crate::sync::{STORE_MARGIN, Sync, SyncError};

/// Waits between tries of one event over several runs.
const RETRY: Backoff = Backoff {
    first: Duration::from_secs(5),
    most: Duration::from_mins(5),
};
/// Tries of one event in one run; an event that somebody edits all the time is left to the next one.
const MOST_TRIES: u32 = 5;

/// What one try of one event came to.
pub(super) enum Tried {
    Created,
    Updated,
    Deleted,
    Parked,
    /// Nothing to count.
    Other,
    /// The fault lies with the calendar as a whole.
    Stop(Error),
}

/// An event, and what to do about it.
pub(super) struct Planned {
    claimed: Claimed,
    step: Step,
    /// How often this run has tried it before.
    pub(super) tries: u32,
}

impl Planned {
    pub(super) fn event_id(&self) -> &str {
        &self.claimed.event.event_id
    }

    /// Whether it is a write, of which what will be sent is stored.
    pub(super) fn writes(&self) -> bool {
        self.step.writes()
    }
}

/// Events under one claim.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) sync: &'a Sync<'a>,
    pub(super) calendar_id: &'a str,
    pub(super) claim: Uuid,
    pub(super) deadline: Deadline,
    /// How long calls are waited for.
    pub(super) patience: Duration,
    /// The calls that this run has reserved.
    pub(super) turns: &'a Turns,
}

impl Batch<'_> {
    /// Decides what to do about each event, and stores what will be sent.
    pub(super) async fn plan(self, claimed: Vec<Claimed>) -> Result<Vec<Planned>, SyncError> {
        let mut planned: Vec<_> = claimed
            .into_iter()
            .map(|claimed| {
                let (step, content) = next_step(&claimed.event, &claimed.appointment);
                (claimed, step, content)
            })
            .collect();
        let recorded = self.record_sent(&planned).await?;
        // Without its record a lost answer would pass for a person's edit; whose claim was lost is left to others.
        planned
            .retain(|(claimed, _, content)| content.is_none() || recorded.contains(&claimed.event.event_id));
        let planned = planned.into_iter().map(|(claimed, step, _)| Planned {
            claimed,
            step,
            tries: 0,
        });
        Ok(planned.collect())
    }

    /// Tries an event once.
    pub(super) async fn attempt(self, planned: Planned) -> Result<Tried, SyncError> {
        let Planned { claimed, step, tries } = planned;
        if tries >= MOST_TRIES {
            return self.give_up_for_now(&claimed).await;
        }
        self.try_one(&claimed, step).await
    }

    /// Stores what is about to be sent; answers the events whose claim still held.
    async fn record_sent(
        &self,
        planned: &[(Claimed, Step, Option<Content>)],
    ) -> Result<HashSet<String>, SyncError> {
        let sent: Vec<_> = planned
            .iter()
            .filter_map(|(claimed, _, content)| Some((claimed.event.event_id.as_str(), content.as_ref()?)))
            .collect();
        if sent.is_empty() {
            return Ok(HashSet::new());
        }
        let db = self.sync.db;
        let recorded = db
            .read(self.deadline, async |client| {
                claim::record_sent(client, self.calendar_id, self.claim, &sent).await
            })
            .await?;
        Ok(recorded.into_iter().collect())
    }

    async fn try_one(&self, claimed: &Claimed, step: Step) -> Result<Tried, SyncError> {
        let google = self.sync.google;
        let event_id = &claimed.event.event_id;
        let calendar_id = self.calendar_id;
        let until = self.deadline.leaving(STORE_MARGIN);
        let version = claimed.appointment.version;
        if step.writes()
            && let Some(retry_in) = self.turn().await?
        {
            return self.postpone(event_id, retry_in, false).await;
        }
        let written = match step {
            Step::Nothing => {
                self.store(event_id, &Pushed::ShownAlready { version }).await?;
                return Ok(Tried::Other);
            }
            Step::NothingToDelete => {
                self.store(event_id, &Pushed::Gone).await?;
                return Ok(Tried::Other);
            }
            Step::Look => return self.look(claimed, false).await,
            Step::Delete { etag } => {
                return match google.delete_event(calendar_id, event_id, &etag, until).await {
                    Ok(()) | Err(Error::Gone(_)) => {
                        self.store(event_id, &Pushed::Gone).await?;
                        Ok(Tried::Deleted)
                    }
                    Err(error) => {
                        let in_doubt = error.outcome_unknown();
                        self.failed(claimed, error, in_doubt).await
                    }
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
                let shown_before = claimed.event.agreed.as_ref();
                let agreed = Content::of(&event, self.sync.clinic_zone, shown_before);
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
            (Err(error), _) => {
                let in_doubt = error.outcome_unknown();
                self.failed(claimed, error, in_doubt).await
            }
        }
    }

    /// Stores that an event could not be written, or not be looked at. `in_doubt`: what was sent of it may have taken
    /// effect all the same.
    async fn failed(&self, claimed: &Claimed, error: Error, in_doubt: bool) -> Result<Tried, SyncError> {
        let event_id = &claimed.event.event_id;
        match error {
            // Somebody was faster, or an earlier write of ours arrived after all.
            Error::PreconditionFailed | Error::Gone(_) => self.look(claimed, false).await,
            Error::AlreadyExists => self.look(claimed, true).await,
            Error::Refused(ref refusal) => {
                tracing::warn!(
                    appointment.id = %claimed.appointment.id, event.id = event_id,
                    google.status = refusal.status, google.reason = refusal.reason.as_str(),
                    "Google refused an event for good, it is parked"
                );
                let reason = for_people(&error);
                self.store(event_id, &Pushed::Parked { reason, in_doubt }).await?;
                Ok(Tried::Parked)
            }
            error => {
                let failures = u32::try_from(claimed.attempts).unwrap_or(0) + 1;
                let retry_in = match &error {
                    Error::RetryAfter { after, .. } => *after,
                    _ => RETRY.pause(failures),
                };
                let reason = for_people(&error);
                let failed = Pushed::Failed {
                    retry_in,
                    reason,
                    in_doubt,
                };
                self.store(event_id, &failed).await?;
                self.sync.cool_down(self.calendar_id, &error).await?;
                if error.concerns_whole_calendar() {
                    return Ok(Tried::Stop(error));
                }
                tracing::info!(event.id = event_id, %error, "an event could not be written, a later run tries again");
                Ok(Tried::Other)
            }
        }
    }

    async fn give_up_for_now(&self, claimed: &Claimed) -> Result<Tried, SyncError> {
        let failed = Pushed::Failed {
            retry_in: RETRY.first,
            reason: KEEPS_CHANGING,
            in_doubt: claimed.event.sent.is_some(),
        };
        self.store(&claimed.event.event_id, &failed).await?;
        Ok(Tried::Other)
    }

    /// Leaves an event to later: Google takes no more calls for now, or there is no time for one.
    async fn postpone(&self, event_id: &str, retry_in: Duration, in_doubt: bool) -> Result<Tried, SyncError> {
        self.store(event_id, &Pushed::Postponed { retry_in, in_doubt })
            .await?;
        Ok(Tried::Other)
    }

    /// Sees what Google shows of one event and works it in, as a pull would. What is still to be written afterwards
    /// is due at once. `taken`: Google has just said that the event's id is.
    async fn look(&self, claimed: &Claimed, taken: bool) -> Result<Tried, SyncError> {
        let event = &claimed.event;
        if let Some(retry_in) = self.turn().await? {
            return self.postpone(&event.event_id, retry_in, true).await;
        }
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
                let reason = NOT_UNDERSTOOD;
                let in_doubt = true;
                self.store(&event.event_id, &Pushed::Parked { reason, in_doubt })
                    .await?;
                return Ok(Tried::Parked);
            }
            // There once, and moved away or forgotten since.
            Err(Error::Gone(Gone::NotFound)) if taken => Sighting::Gone {
                event_id: event.event_id.clone(),
                at: None,
            },
            Err(Error::Gone(Gone::NotFound)) if event.seen == Seen::Never => {
                self.store(&event.event_id, &Pushed::NotWritten).await?;
                return Ok(Tried::Other);
            }
            Err(Error::Gone(Gone::NotFound)) => Sighting::Missing {
                event_id: event.event_id.clone(),
            },
            Err(Error::Gone(Gone::Deleted)) => Sighting::Gone {
                event_id: event.event_id.clone(),
                at: None,
            },
            // What made us look is as unknown as before.
            Err(error) => return Box::pin(self.failed(claimed, error, true)).await,
        };
        self.work_in(&sighting, claimed.read_at).await?;
        Ok(Tried::Other)
    }

    async fn work_in(&self, sighting: &Sighting, asked_at: DateTime<Utc>) -> Result<(), SyncError> {
        let (calendar_id, event_id) = (self.calendar_id, sighting.event_id());
        let changed = self
            .sync
            .db
            .transaction(self.storing(), async |tx| {
                let mut state = lock_state(tx, calendar_id, &[event_id]).await?;
                if !claim::lock_claim(tx, calendar_id, event_id, self.claim).await? {
                    return Ok(Vec::new());
                }
                state.see(sighting, asked_at, self.sync.clinic_zone);
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

impl State {
    /// What is to be told on the bus of a person's changes.
    pub(in crate::sync) fn changes(&self, calendar_id: &str) -> Vec<Message> {
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
