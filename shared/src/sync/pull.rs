//! In: what changed in Google since the last pull is worked into the appointments.
//!
//! Under the calendar's lease: list every page, decide in memory, then commit rows, token and record of the run in one
//! transaction that counts only while the lease runs. A page that failed, a lease that was lost or a killed process
//! leave everything as it was, and the next pull starts from the same token.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::queries::lease::{self, Leased, Occasion, PullRecord, Recorded};
use super::queries::listing::{
    count_conflicts_among, count_upcoming_shown, missing_from_listing, unwritten_among,
};
use super::queries::state::{lock_state, write_state};
use super::reconcile::{ChangeWord, Sighting, State, Wanted};
use super::{STORE_MARGIN, Sync, SyncError};
use crate::bus::Message;
use crate::database::DatabaseError;
use crate::deadline::Deadline;
use crate::google::{Continuation, Error, EventsQuery, Gone, ListedEvent, SYNC_QUERY_FINGERPRINT};

/// How long a lease lasts; that of a run that died lapses so soon. It is prolonged with every page.
const LEASE: Duration = Duration::from_secs(45);
/// How long a page may take: the lease outlives it.
const PAGE: Duration = Duration::from_secs(40);
/// How often a waiting pull asks for the lease.
const LEASE_POLL: Duration = Duration::from_millis(200);
/// Up to so many cancellations are believed whatever their share.
const CANCELLED_AT_ONCE: usize = 10;

/// What to do when another run has the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Leave: the holder looks again before it lets go.
    Leave,
    /// Wait this long.
    Wait(Duration),
}

/// What a pull did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pulled {
    /// Appointments that took over a person's changes.
    pub updated: usize,
    /// Appointments whose event was deleted.
    pub cancelled: usize,
    /// Appointments that came back from the bin.
    pub restored: usize,
    /// Of these, how many now stand on top of another appointment.
    pub conflicts: i64,
    /// Whether everything was listed, not only what changed.
    pub full: bool,
    /// Whether cancellations wait for a confirmation, because the listing would have cancelled too much.
    pub mass_cancel_held: bool,
}

impl std::ops::AddAssign for Pulled {
    fn add_assign(&mut self, other: Self) {
        self.updated += other.updated;
        self.cancelled += other.cancelled;
        self.restored += other.restored;
        self.conflicts += other.conflicts;
        self.full |= other.full;
        self.mass_cancel_held = other.mass_cancel_held;
    }
}

/// A complete listing.
struct Listing {
    sightings: Vec<Sighting>,
    /// Listed, but not to be understood: neither live nor gone.
    unreadable: Vec<String>,
    full: bool,
    sync_token: Option<String>,
}

impl Sync<'_> {
    /// Pulls a calendar. `None`: another run has it, or there was no occasion.
    pub async fn pull(
        &self,
        calendar_id: &str,
        occasion: Occasion,
        patience: Patience,
        confirm_mass_cancel: bool,
        deadline: Deadline,
    ) -> Result<Option<Pulled>, SyncError> {
        let owner = Uuid::new_v4();
        let Some(leased) = self
            .take_lease(calendar_id, owner, occasion, patience, deadline)
            .await?
        else {
            return Ok(None);
        };
        let pull = Pull {
            sync: self,
            calendar_id,
            owner,
            confirm_mass_cancel,
            deadline,
        };
        let pulled = pull.until_covered(leased).await;
        if pulled.is_err() {
            // The error matters more than whether this succeeds: a lease that is not given back lapses.
            let released = self
                .db
                .read(Deadline::after(STORE_MARGIN), async |client| {
                    lease::release_lease(client, calendar_id, owner).await
                })
                .await;
            if released.is_err() {
                tracing::warn!(
                    calendar.id = calendar_id,
                    "the lease could not be given back, it will lapse"
                );
            }
        }
        pulled.map(Some)
    }

    async fn take_lease(
        &self,
        calendar_id: &str,
        owner: Uuid,
        occasion: Occasion,
        patience: Patience,
        deadline: Deadline,
    ) -> Result<Option<Leased>, SyncError> {
        let wait_until = match patience {
            Patience::Leave => Deadline::after(Duration::ZERO),
            Patience::Wait(time) => deadline.at_most(time),
        };
        loop {
            let taken = self
                .db
                .read(deadline, async |client| {
                    lease::take_lease(client, calendar_id, owner, LEASE, occasion).await
                })
                .await?;
            if taken.is_some() || patience == Patience::Leave {
                return Ok(taken);
            }
            if !wait_until.allows(LEASE_POLL) {
                return Err(SyncError::InProgress);
            }
            tokio::time::sleep(LEASE_POLL).await;
        }
    }
}

/// A pull under its lease.
struct Pull<'a> {
    sync: &'a Sync<'a>,
    calendar_id: &'a str,
    owner: Uuid,
    confirm_mass_cancel: bool,
    deadline: Deadline,
}

impl Pull<'_> {
    /// Pulls again while notifications come in, then lets go.
    async fn until_covered(&self, mut leased: Leased) -> Result<Pulled, SyncError> {
        let mut total = Pulled::default();
        loop {
            let (pulled, recorded, sync_token) = self.once(&leased).await?;
            total += pulled;
            match recorded {
                Recorded::LeaseLost | Recorded::Done => return Ok(total),
                Recorded::Again {
                    change_seq,
                    started_at,
                } => {
                    leased = Leased {
                        sync_token,
                        change_seq,
                        started_at,
                        ..leased
                    };
                    leased.sync_query = Some(SYNC_QUERY_FINGERPRINT.to_owned());
                }
            }
        }
    }

    async fn once(&self, leased: &Leased) -> Result<(Pulled, Recorded, Option<String>), SyncError> {
        let token = leased
            .sync_token
            .as_deref()
            .filter(|_| leased.sync_query.as_deref() == Some(SYNC_QUERY_FINGERPRINT));
        let mut listing = match self.list(token).await {
            Err(SyncError::Google(Error::TokenDead)) if token.is_some() => self.list(None).await?,
            listed => listed?,
        };
        let missing = self.missing(&listing, leased.started_at).await?;
        self.date_deletions(&mut listing.sightings, missing).await?;
        let (pulled, recorded, changed) = self.commit(&listing, leased).await?;
        self.sync.bus.announce(&changed).await;
        if pulled.mass_cancel_held {
            tracing::error!(
                calendar.id = self.calendar_id,
                "a full listing would cancel more than half of the upcoming appointments: the cancellations are held"
            );
        }
        let sync_token = listing.sync_token.filter(|_| !pulled.mass_cancel_held);
        Ok((pulled, recorded, sync_token))
    }

    /// Lists what changed since `token`, or everything; all pages or nothing.
    async fn list(&self, token: Option<&str>) -> Result<Listing, SyncError> {
        let query = match token {
            Some(sync_token) => EventsQuery::ChangesSince { sync_token },
            // No bound in time: an event that a person moved out of it would look deleted.
            None => EventsQuery::Everything { ending_after: None },
        };
        let mut seen: HashMap<String, ListedEvent> = HashMap::new();
        let mut page_token = None;
        let sync_token = loop {
            if page_token.is_some() {
                self.renew_lease().await?;
            }
            if !self.deadline.allows(2 * STORE_MARGIN) {
                return Err(SyncError::OutOfTime);
            }
            let until = self.deadline.leaving(STORE_MARGIN).at_most(PAGE);
            let page = self
                .sync
                .google
                .list_events(self.calendar_id, query, page_token.as_deref(), until)
                .await?;
            // An id may come again on a later page: the later one is the newer one.
            seen.extend(page.items.into_iter().map(|item| (item.id().to_owned(), item)));
            match page.next {
                Continuation::Page(token) => page_token = Some(token),
                Continuation::End { sync_token } => break sync_token,
            }
        };
        let mut listing = Listing {
            sightings: Vec::new(),
            unreadable: Vec::new(),
            full: token.is_none(),
            sync_token,
        };
        for item in seen.into_values() {
            match item {
                ListedEvent::Live(event) => listing.sightings.push(Sighting::Live(event)),
                ListedEvent::Cancelled(tombstone) => {
                    listing.sightings.push(Sighting::Gone {
                        event_id: tombstone.id,
                        at: tombstone.updated,
                    });
                }
                ListedEvent::Unreadable { id } => listing.unreadable.push(id),
            }
        }
        Ok(listing)
    }

    async fn renew_lease(&self) -> Result<(), SyncError> {
        let db = self.sync.db;
        let held = db
            .read(self.deadline, async |client| {
                lease::renew_lease(client, self.calendar_id, self.owner, LEASE).await
            })
            .await?;
        if held { Ok(()) } else { Err(SyncError::OutOfTime) }
    }

    /// A full listing bears no tombstones: what it lacks of the events that we know as live is deleted.
    async fn missing(&self, listing: &Listing, started_at: DateTime<Utc>) -> Result<Vec<String>, SyncError> {
        if !listing.full {
            return Ok(Vec::new());
        }
        let unreadable = listing.unreadable.iter().map(String::as_str);
        let listed: Vec<_> = listing
            .sightings
            .iter()
            .map(Sighting::event_id)
            .chain(unreadable)
            .collect();
        let db = self.sync.db;
        let missing = db
            .read(self.deadline, async |client| {
                missing_from_listing(client, self.calendar_id, &listed, started_at).await
            })
            .await?;
        Ok(missing)
    }

    /// Adds the missing events as deleted ones, and finds out when a deletion happened where that decides between it
    /// and a change of ours. A bare tombstone does not tell; the event itself does.
    async fn date_deletions(
        &self,
        sightings: &mut Vec<Sighting>,
        missing: Vec<String>,
    ) -> Result<(), SyncError> {
        sightings.extend(
            missing
                .into_iter()
                .map(|event_id| Sighting::Gone { event_id, at: None }),
        );
        let undated: Vec<_> = sightings
            .iter()
            .filter_map(|sighting| match sighting {
                Sighting::Gone { event_id, at: None } => Some(event_id.as_str()),
                _ => None,
            })
            .collect();
        if undated.is_empty() {
            return Ok(());
        }
        let db = self.sync.db;
        let unwritten = db
            .read(self.deadline, async |client| {
                unwritten_among(client, self.calendar_id, &undated).await
            })
            .await?;
        for event_id in unwritten {
            let until = self.deadline.leaving(STORE_MARGIN);
            let dated = match self
                .sync
                .google
                .get_event(self.calendar_id, &event_id, until)
                .await
            {
                Ok(ListedEvent::Cancelled(tombstone)) => Sighting::Gone {
                    event_id,
                    at: tombstone.updated,
                },
                // Restored since it was listed: the next increment would bring it, but we know better already.
                Ok(ListedEvent::Live(event)) => Sighting::Live(event),
                Ok(ListedEvent::Unreadable { .. }) | Err(Error::Gone(Gone::NotFound | Gone::Deleted)) => {
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(undated) = sightings
                .iter_mut()
                .find(|sighting| sighting.event_id() == dated.event_id())
            {
                *undated = dated;
            }
        }
        Ok(())
    }

    /// Rows, token and record of the run: together, and only under the lease.
    async fn commit(
        &self,
        listing: &Listing,
        leased: &Leased,
    ) -> Result<(Pulled, Recorded, Vec<Message>), SyncError> {
        let calendar_id = self.calendar_id;
        let ids: Vec<_> = listing.sightings.iter().map(Sighting::event_id).collect();
        let committed = self
            .sync
            .db
            .transaction(self.deadline, async |tx| {
                let mut state = lock_state(tx, calendar_id, &ids).await?;
                let held = if listing.full && !self.confirm_mass_cancel {
                    let upcoming = count_upcoming_shown(tx, calendar_id).await?;
                    cancels_too_much(&state, &listing.sightings, upcoming, leased.started_at)
                } else {
                    false
                };
                for sighting in &listing.sightings {
                    if !(held && cancels(&state, sighting)) {
                        state.see(sighting, self.sync.clinic_zone);
                    }
                }
                write_state(tx, calendar_id, &state).await?;
                let moved: Vec<_> = state
                    .appointments
                    .values()
                    .filter(|a| a.moved)
                    .map(|a| a.id)
                    .collect();
                let conflicts = if moved.is_empty() {
                    0
                } else {
                    count_conflicts_among(tx, &moved).await?
                };
                let pulled = tally(&state, conflicts, listing.full, held);
                let record = PullRecord {
                    sync_token: listing.sync_token.as_deref().filter(|_| !held),
                    sync_query: SYNC_QUERY_FINGERPRINT,
                    pulled_seq: leased.change_seq,
                    mass_cancel_held: held,
                    result: &json!(pulled),
                };
                match lease::record_pull(tx, calendar_id, self.owner, &record).await? {
                    Recorded::LeaseLost => Err(DatabaseError::RolledBack),
                    recorded => Ok((pulled, recorded, state.changes(calendar_id))),
                }
            })
            .await;
        match committed {
            Err(DatabaseError::RolledBack) => Err(SyncError::OutOfTime),
            other => Ok(other?),
        }
    }
}

/// Whether a sighting would cancel an appointment, or delete one that is over.
fn cancels(state: &State, sighting: &Sighting) -> bool {
    matches!(sighting, Sighting::Gone { .. })
        && state
            .events
            .get(sighting.event_id())
            .is_some_and(|event| event.wanted == Wanted::Present)
}

/// A listing that misses so much is more likely wrong than a clinic's will.
fn cancels_too_much(state: &State, sightings: &[Sighting], upcoming: i64, now: DateTime<Utc>) -> bool {
    let cancelled = sightings
        .iter()
        .filter(|sighting| state.would_cancel_upcoming(sighting, now))
        .count();
    let share_is_too_big = i64::try_from(cancelled).is_ok_and(|cancelled| cancelled * 2 > upcoming);
    cancelled > CANCELLED_AT_ONCE && share_is_too_big
}

fn tally(state: &State, conflicts: i64, full: bool, mass_cancel_held: bool) -> Pulled {
    let count = |word| {
        state
            .appointments
            .values()
            .filter(|appointment| appointment.change == Some(word))
            .count()
    };
    Pulled {
        updated: count(ChangeWord::Updated),
        cancelled: count(ChangeWord::Cancelled),
        restored: count(ChangeWord::Restored),
        conflicts,
        full,
        mass_cancel_held,
    }
}
